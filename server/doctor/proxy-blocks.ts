import type { FaultId } from './finding.ts';

export const PROXIES = ['nginx', 'caddy', 'traefik', 'haproxy'] as const;
export type ProxyName = (typeof PROXIES)[number];

/** Where a proxy stands. */
export interface ProxyPlace {
  /** Host name that clients use. */
  readonly host: string;
  /** Of the broker, `127.0.0.1:6001`. */
  readonly broker: string;
  /** `/ws` that clients have before /app and /apps; '' for none. */
  readonly prefix: string;
}

/** Faults that the block of a proxy mends. */
export const MENDED_BY_PROXY: ReadonlySet<FaultId> = new Set<FaultId>([
  'apps-not-forwarded',
  'websocket-not-forwarded',
  'websocket-silent',
  'not-a-broker',
  'http-1.0',
  'broker-down',
  'prefix-kept',
  'prefix-removed',
  'tls-required',
]);

/** Which proxy calls itself so in the header `Server`; undefined: it does not say, as HAProxy and Traefik. */
export function proxyNamed(server: string | undefined): ProxyName | undefined {
  if (/nginx|openresty/i.test(server ?? '')) return 'nginx';
  return /caddy/i.test(server ?? '') ? 'caddy' : undefined;
}

/** What a proxy is configured by to stand before a broker: as on docs/operating.md, with the user's own names. */
export function proxyBlock(proxy: ProxyName, place: ProxyPlace): string {
  return BLOCKS[proxy](place);
}

const BLOCKS: Readonly<Record<ProxyName, (place: ProxyPlace) => string>> = { nginx, caddy, traefik, haproxy };

const NGINX_HEADERS = (indent: string): string =>
  [
    'proxy_http_version 1.1;',
    'proxy_set_header Upgrade $http_upgrade;',
    'proxy_set_header Connection "upgrade";',
    'proxy_set_header Host $host;',
    'proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;',
    'proxy_set_header X-Forwarded-Proto $scheme;',
    'proxy_read_timeout 180s;   # must be more than activityTimeoutSeconds (50), and a little',
  ]
    .map((line) => `${indent}${line}\n`)
    .join('');

function nginx({ host, broker, prefix }: ProxyPlace): string {
  if (prefix !== '') {
    return `location ${prefix}/ {
    proxy_pass http://${broker}/;   # the slash at the end removes ${prefix}
${NGINX_HEADERS('    ')}}
`;
  }
  return `server {
    listen 443 ssl;
    server_name ${host};
    ssl_certificate /etc/letsencrypt/live/${host}/fullchain.pem;
    ssl_certificate_key /etc/letsencrypt/live/${host}/privkey.pem;

    location ~ ^/(apps?|users)/ {
        proxy_pass http://${broker};
${NGINX_HEADERS('        ')}    }
}
`;
}

function caddy({ host, broker, prefix }: ProxyPlace): string {
  const upstream = (indent: string): string =>
    [
      `reverse_proxy ${broker} {`,
      '\tlb_try_duration 10s',
      '\tlb_try_interval 100ms',
      '\ttransport http {',
      '\t\tkeepalive 20s',
      '\t}',
      '}',
    ]
      .map((line) => `${indent}${line}\n`)
      .join('');
  if (prefix !== '') return `${host} {\n\thandle_path ${prefix}/* {\n${upstream('\t\t')}\t}\n}\n`;
  return `${host} {\n\t@other not path /app/* /apps/* /users/*\n\trespond @other 404\n${upstream('\t')}}\n`;
}

function traefik({ host, broker, prefix }: ProxyPlace): string {
  const paths = prefix === '' ? ['/app/', '/apps/', '/users/'] : [`${prefix}/`];
  const rule = paths.map((path) => `PathPrefix(\`${path}\`)`).join(' || ');
  const middleware =
    prefix === '' ? '' : `  middlewares:\n    kulkul-prefix:\n      stripPrefix:\n        prefixes: ["${prefix}"]\n`;
  return `http:
  routers:
    kulkul:
      rule: "Host(\`${host}\`) && (${rule})"
      entryPoints: [websecure]
${prefix === '' ? '' : '      middlewares: [kulkul-prefix]\n'}      service: kulkul
      tls: { certResolver: letsencrypt }   # as it is called in the static configuration
${middleware}  services:
    kulkul:
      loadBalancer:
        servers:
          - url: "http://${broker}"
`;
}

function haproxy({ host, broker, prefix }: ProxyPlace): string {
  const paths =
    prefix === ''
      ? '    http-request deny deny_status 404 unless { path_beg /app/ /apps/ /users/ }\n'
      : `    http-request deny deny_status 404 unless { path_beg ${prefix}/ }\n    http-request replace-path ${prefix}(/.*) \\1\n`;
  return `defaults
    mode http
    timeout connect 1s
    timeout client 60s
    timeout server 60s
    timeout tunnel 180s   # must be more than activityTimeoutSeconds (50), and a little
    retries 10

frontend ${host}
    bind :443 ssl crt /etc/haproxy/${host}.pem
${paths}    http-request set-header X-Forwarded-Proto https
    option forwardfor
    default_backend kulkul

backend kulkul
    server kulkul ${broker}
`;
}
