/** What is looked at, in the order in which it is reported. */
export type CheckName =
  | 'configuration'
  | 'open files'
  | 'Redis'
  | 'address'
  | 'certificate'
  | 'HTTP API'
  | 'clock'
  | 'WebSocket'
  | 'delivery'
  | 'webhook';

/** `warning`: it works, and may not for long. `skipped`: it could not be looked at, or is not used. */
export type Level = 'ok' | 'warning' | 'failure' | 'skipped';

/** What one look found. */
export interface Finding {
  readonly check: CheckName;
  readonly level: Level;
  /** Stable name of a fault, for programs and docs/command-line.md. */
  readonly id?: FaultId;
  /** One sentence without a full stop. */
  readonly found: string;
}

/** What can be wrong, with what to do about it. */
export const FAULTS = {
  'configuration-wrong': 'Correct what is named: the broker does not start with it. docs/config.md lists all settings.',
  'configuration-warns': 'The broker starts, but not all that is configured has an effect.',
  'no-app':
    'A broker that is started here makes up an app with each start. Configure one: appManager.array.apps, or PUSHER_APP_ID, PUSHER_APP_KEY and PUSHER_APP_SECRET.',
  'open-files-low':
    'Each client takes an open file. Raise the limit: LimitNOFILE=1048576 in the unit of systemd, --ulimit nofile=1048576 for docker run, ulimit -n in a shell.',
  'redis-fails': 'The broker does not start without its Redis: do what is said.',
  'host-unknown': 'Correct the host name, or add it to the DNS.',
  'nothing-listens':
    'Start the broker, or the proxy in front of it. Is the port the right one, and does it listen on this address (setting host) and not only on loopback?',
  'address-silent':
    'Something drops the packets: open the port in the firewall, or in the security group of the machine.',
  'certificate-expired':
    'Renew it (certbot renew), and have the proxy load it (nginx -s reload). Kulkul itself loads a new file within seconds.',
  'certificate-expires-soon':
    'Have it renewed automatically, and check that the renewal works: certbot renew --dry-run.',
  'certificate-self-signed':
    'Browsers and backends refuse it. Get one of a public authority (certbot, Caddy), or for machines of your own have them trust it: NODE_EXTRA_CA_CERTS, curl.cainfo of PHP.',
  'certificate-other-name': 'Get a certificate for this host name, or use a name that is in it.',
  'certificate-chain-incomplete':
    'Send the whole chain: fullchain.pem in place of cert.pem (nginx ssl_certificate, HAProxy crt, ssl.certPath of Kulkul). Browsers often know the missing part, PHP and Node do not. If the authority is your own: NODE_EXTRA_CA_CERTS.',
  'certificate-untrusted':
    'This machine does not trust the authority. If it is your own, have clients trust it: NODE_EXTRA_CA_CERTS, curl.cainfo of PHP.',
  'tls-not-spoken': 'Use http:// here, or have this port speak TLS: by a proxy, or by ssl.certPath and ssl.keyPath.',
  'tls-spoken': 'Use https:// (PUSHER_SCHEME=https, in Echo forceTLS: true).',
  'tls-fails': 'The port answers, but no connection by TLS comes about: see the log of the proxy, or of the broker.',
  redirected: 'Clients and backends follow no redirects: use the address that it names.',
  'not-a-broker':
    'Another server has this address, such as the application itself. Correct host and port, or have the proxy pass on /app/ and /apps/.',
  'broker-down':
    'The proxy finds no broker: start it, and compare its address with the one in the configuration of the proxy.',
  'http-1.0': 'The proxy speaks HTTP/1.0 to the broker. nginx: proxy_http_version 1.1.',
  'apps-not-forwarded':
    'The proxy passes on WebSockets, but not the requests of backends: have it pass on /apps/, too.',
  'websocket-not-forwarded':
    'The proxy passes on requests, but no WebSocket: it must pass on /app/, with the headers Upgrade, Connection and Sec-WebSocket-….',
  'websocket-silent':
    'Something on the way holds back what the server sends: a proxy that buffers, or H2WebSockets of Apache.',
  'prefix-kept':
    'The proxy passes on the prefix of the path: have it take it away, or set pathPrefix of the broker to it.',
  'prefix-removed':
    'The proxy takes away the prefix that the broker expects: unset pathPrefix, or have the proxy keep it.',
  'clock-off':
    'A request is good for 10 minutes before and after it was signed. Set the clocks of both machines by NTP: timedatectl set-ntp true.',
  'clock-differs': 'Set the clocks of both machines by NTP: timedatectl set-ntp true.',
  'wrong-key':
    'The server has no app with this key: compare PUSHER_APP_KEY with its configuration. Is it the right server?',
  'wrong-secret':
    'The key is known, but its secret is another one: compare PUSHER_APP_SECRET with the configuration of the server.',
  'wrong-app-id': 'Compare PUSHER_APP_ID with the configuration of the server. It is the id, not the key.',
  'app-disabled': 'Set enabled to true for the app.',
  'tls-required':
    'The app takes only clients with TLS (forceTls). With TLS at a proxy: have it send X-Forwarded-Proto: https. Otherwise use https://.',
  'request-refused': 'See what it answers, and docs/errors.md.',
  'websocket-refused': 'See what it says, and docs/errors.md.',
  'not-delivered':
    'The request was accepted, and no subscriber got the event: several brokers share this address and do not know each other. Set adapter.driver to redis on all of them, with the same Redis and prefix.',
  'delivered-in-part':
    'Several brokers share this address and do not know each other. Set adapter.driver to redis on all of them, with the same Redis and prefix.',
  'webhook-unreachable':
    'Correct the URL, or start the application. From inside a container, 127.0.0.1 is the container itself.',
  'webhook-silent':
    'The application takes too long: answer first, and do the work in a queue; or raise webhooks.timeoutSeconds.',
  'webhook-not-found':
    'Correct the path in the URL of the webhook, or add the route to the application. It takes POST.',
  'webhook-refused':
    'The application refuses the request. In Laravel, except the route from the check of CSRF tokens, and from authentication.',
  'webhook-redirects': 'Webhooks follow no redirects: set the URL to the address that it names.',
  'webhook-fails': 'See the log of the application.',
} as const satisfies Record<string, string>;

export type FaultId = keyof typeof FAULTS;

export function ok(check: CheckName, found: string): Finding {
  return { check, level: 'ok', found };
}

export function skipped(check: CheckName, found: string): Finding {
  return { check, level: 'skipped', found };
}

export function failure(check: CheckName, id: FaultId, found: string): Finding {
  return { check, level: 'failure', id, found };
}

export function warning(check: CheckName, id: FaultId, found: string): Finding {
  return { check, level: 'warning', id, found };
}
