import * as z from 'zod';
import { parseNetwork } from '../client-address.ts';
import { adminToken, adminTokensSchema } from './admin-tokens.ts';
import {
  cacheSchema,
  DATABASE_DRIVERS,
  mysqlConnectionSchema,
  mysqlTableSchema,
  poolingSchema,
  postgresConnectionSchema,
  postgresTableSchema,
  sqliteTableSchema,
} from './app-database-settings.ts';
import { appOptionsSchema } from './app-options.ts';
import { redisAdapterSchema, redisConnectionSchema } from './redis-settings.ts';
import {
  about,
  bytes,
  type Condition,
  count,
  filled,
  flag,
  group,
  host,
  isTrue,
  list,
  milliseconds,
  percent,
  port,
  rate,
  seconds,
  size,
  text,
  upToAnHour,
} from './setting.ts';

function section<T extends z.ZodRawShape>(description: string, shape: T) {
  return group(description, z.strictObject(shape));
}

const WITH_REDIS: Condition = { setting: 'adapter.driver', is: ['redis'] };
const MOVING: Condition = { setting: 'drain.mode', is: ['move'] };
const withDatabase = (...drivers: (typeof DATABASE_DRIVERS)[number][]): Condition => ({
  setting: 'appManager.driver',
  is: drivers,
});

function bytesToMegabytes(given: string): string {
  const inBytes = Number(given);
  return Number.isFinite(inBytes) ? String(inBytes / 1_048_576) : given;
}

/** `""`, or a path with a leading and without a trailing slash. */
function normalisePathPrefix(prefix: string): string {
  const path = prefix.split('/').filter(Boolean).join('/');
  return path === '' ? '' : `/${path}`;
}

/**
 * Every setting of Kulkul with its default and meaning: the one source of the parser, `docs/config.md` and
 * `kulkul config`. Names and units are Soketi's wherever Soketi has the setting.
 */
export const settingsSchema = z.strictObject({
  host: about(
    host().default('0.0.0.0'),
    'Address to listen on. `0.0.0.0` is every IPv4 address of the machine, `::` every address.',
    { soketi: 'SOKETI_HOST', aliases: [{ name: 'REVERB_SERVER_HOST' }] },
  ),
  port: about(port(0).default(6001), 'TCP port of WebSocket and HTTP API. 0: any free port.', {
    soketi: 'SOKETI_PORT',
    aliases: [{ name: 'REVERB_SERVER_PORT' }],
  }),
  workers: about(
    z.union([count(1).max(1024), z.literal('auto')]).default(1),
    'Processes that serve clients, all on the same port (on Linux). `auto`: one for each core. 1: the main process does it.',
  ),
  pathPrefix: about(
    text()
      .regex(/^[^\s?#]*$/, 'must be a URL path, without spaces, ? and #')
      .overwrite(normalisePathPrefix)
      .default(''),
    'Path before `/app/…` and `/apps/…`, for a proxy that passes it on: `/ws` or `ws`. Empty: none.',
    { soketi: 'SOKETI_PATH_PREFIX', aliases: [{ name: 'REVERB_SERVER_PATH' }] },
  ),
  debug: about(flag().default(false), 'Log what happens in detail: `log.level` is at least `debug`.', 'SOKETI_DEBUG'),
  activityTimeoutSeconds: about(
    // uWebSockets.js drops what was silent for 960 seconds, so the node's own ping, 4 seconds after this, must come before.
    seconds(1, 900).default(50),
    'Seconds of silence after which a client should send a ping; told to every client. Proxies and routers cut what is silent for 55 or 60 seconds unless they are told otherwise.',
    { aliases: [{ name: 'REVERB_APP_ACTIVITY_TIMEOUT' }] },
  ),
  pongTimeoutSeconds: about(
    seconds(1).default(30),
    'Seconds that a silent client has to answer a ping before it is closed with 4201.',
  ),
  maxFrameBytes: about(
    bytes(128).default(32_768),
    'Largest incoming WebSocket message, in bytes. A longer one is answered with `pusher:error`; one of more than 16 times as much cuts the connection off.',
    { aliases: [{ name: 'REVERB_APP_MAX_MESSAGE_SIZE' }] },
  ),
  maxBufferedBytes: about(
    bytes(1024).default(1_048_576),
    'Bytes that may wait for a slow subscriber before it is disconnected.',
  ),
  maxBufferedBytesTotal: about(
    bytes(1024).default(536_870_912),
    'Bytes that may wait for all slow subscribers of a process together. When it is more, those for whom most waits are disconnected.',
  ),
  userAuthenticationTimeout: about(
    milliseconds(1).default(30_000),
    'Milliseconds to sign in, or enter a private or presence channel, in apps with `enableUserAuthentication`.',
    'SOKETI_USER_AUTHENTICATION_TIMEOUT',
  ),
  shutdownGracePeriod: about(
    milliseconds(0).default(3000),
    'Milliseconds over which clients are moved off when the broker is stopped and `drain.mode` is `move`, so that they do not all come back at once. 0: all together.',
    { soketi: 'SOKETI_SHUTDOWN_GRACE_PERIOD', onlyWith: MOVING },
  ),
  limits: section('Connections', {
    maxConnections: about(
      z.union([count(1), z.literal('auto')]).default('auto'),
      'Connections that one process may have open: WebSockets, feeds, requests. `auto`: the open-file limit, less a reserve; never more than that. (How many one app may have is another thing: `maxConnections` of the app.)',
    ),
    connectionsPerAddress: about(
      rate().default(-1),
      'Connections that one client address may have open in a process: WebSockets, feeds, requests, and those that have said nothing yet. An address is one of IPv4, or a /64 network of IPv6. One too many is closed before a byte is read. -1: no limit.',
    ),
    newConnectionsPerSecondPerAddress: about(
      rate().default(-1),
      'Connections that one client address may open in a second. -1: no limit.',
    ),
    trustedProxies: about(
      list()
        .refine((entries) => entries.every((entry) => parseNetwork(entry) !== undefined), {
          error: 'must be addresses, or networks such as 10.0.0.0/8 or 2001:db8::/32',
        })
        .default([]),
      'Addresses and networks of proxies before the broker, and of backends: limits by address are not for them. Of what comes through a proxy, the limits go by the last address in `X-Forwarded-For` that is not in this list.',
    ),
  }),
  drain: section('Stopping', {
    mode: about(
      z.enum(['auto', 'restart', 'move']).default('auto'),
      'How clients are parted from. `restart`: all at once, with 1001; stock clients come back to the same address after a second, and report no error. `move`: one after the other, with 4200, on which they connect again at once, to other nodes. `auto`: `move` with Redis, or when any other setting of this group is given; else `restart`.',
    ),
    readyDelaySeconds: about(
      upToAnHour().default(0),
      'Seconds that the port stays open after the signal to stop. `/ready` answers 503 from the signal on, so that a load balancer that checks it sends new clients elsewhere first. 0: none.',
    ),
    seconds: about(
      upToAnHour().optional(),
      'Mode `move`: seconds over which clients are moved off then. 0: all together. Unset: as `shutdownGracePeriod` says.',
      { onlyWith: MOVING },
    ),
    jitter: about(
      z.number().min(0).max(1).default(0.5),
      'Mode `move`: how far the moment of each client strays from an even spread. 0: not at all, 1: as far as the moments of its neighbours.',
      { onlyWith: MOVING },
    ),
  }),
  protocol: section('The Pusher protocol', {
    strict: about(flag().default(false), 'Refuse clients that leave out the `protocol` parameter with 4008.'),
  }),
  subscriptions: section('Subscriptions', {
    maxPerConnection: about(
      rate().default(10_000),
      'Channels that one connection may be in. Anybody who knows the public key may subscribe, so this limits the memory that a client can use. -1: no limit.',
    ),
    errorEvent: about(flag().default(true), 'Send `pusher:subscription_error` when a subscription is refused.'),
    lenientDuplicates: about(
      flag().default(false),
      "Answer a second subscription to the same channel with success instead of the hosted service's error.",
    ),
    strictUnsubscribe: about(
      flag().default(false),
      'Answer an unsubscribe without a subscription with `pusher:error`.',
    ),
  }),
  clientEvents: section('Client events', {
    maxPerSecondPerConnection: about(
      rate().default(10),
      'Client events per second of one connection, in apps that do not set `maxClientEventsPerSecond`. -1: no limit.',
      { reloadable: true },
    ),
  }),
  feeds: section('Feeds', {
    pingIntervalSeconds: about(
      // uWebSockets.js drops what was silent for 960 seconds.
      seconds(1, 900).default(54),
      'Seconds of silence after which the reader of a feed gets a WebSocket ping, or a comment in a stream. One that does not answer within `pongTimeoutSeconds` is dropped.',
    ),
  }),
  users: section('Signed-in users', {
    maxWatchlistSize: about(count(0).default(100), 'Users on one watchlist. 0: none.'),
  }),
  channelLimits: section('Channels', {
    maxNameLength: about(count(1).default(200), 'Characters of a channel name.', {
      soketi: 'SOKETI_CHANNEL_LIMITS_MAX_NAME_LENGTH',
      reloadable: true,
    }),
    cacheTtl: about(seconds(1).default(3600), 'Seconds that a cache channel keeps its last event.', {
      soketi: 'SOKETI_CHANNEL_CACHE_TTL',
      reloadable: true,
    }),
  }),
  eventLimits: section('Events', {
    maxChannelsAtOnce: about(count(1).default(100), 'Channels that one event may be published on.', {
      soketi: 'SOKETI_EVENT_MAX_CHANNELS_AT_ONCE',
      reloadable: true,
    }),
    maxNameLength: about(count(1).default(200), 'Characters of an event name.', {
      soketi: 'SOKETI_EVENT_MAX_NAME_LENGTH',
      reloadable: true,
    }),
    maxPayloadInKb: about(size('KB').default(100), '`data` of one event, in KB of 1024 bytes.', {
      soketi: 'SOKETI_EVENT_MAX_SIZE_IN_KB',
      reloadable: true,
    }),
    maxBatchSize: about(count(1).default(10), 'Events in one batch request.', {
      soketi: 'SOKETI_EVENT_MAX_BATCH_SIZE',
      reloadable: true,
    }),
  }),
  presence: section('Presence channels', {
    maxMembersPerChannel: about(
      rate().default(100),
      'Members of one presence channel. -1: no limit, 0: none may enter.',
      { soketi: 'SOKETI_PRESENCE_MAX_MEMBERS', reloadable: true },
    ),
    maxMemberSizeInKb: about(size('KB').default(2), '`user_info` of one member as JSON, in KB of 1024 bytes.', {
      soketi: 'SOKETI_PRESENCE_MAX_MEMBER_SIZE',
      reloadable: true,
    }),
  }),
  httpApi: section('HTTP API', {
    requestLimitInMb: about(size('MB').default(100), 'Largest request body, in MB of 1 048 576 bytes.', {
      aliases: [
        {
          name: 'REVERB_MAX_REQUEST_SIZE',
          note: '`httpApi.requestLimitInMb`, given in bytes',
          convert: bytesToMegabytes,
        },
      ],
    }),
    bodyTimeoutSeconds: about(seconds(1).default(10), 'Seconds that a client has to send a request body.'),
    acceptTraffic: section('Readiness of the HTTP API', {
      memoryThreshold: about(
        percent().default(85),
        'Percent of the memory (of container or machine, and of the heap) above which `/ready` and `/accept-traffic` answer 503.',
        'SOKETI_HTTP_ACCEPT_TRAFFIC_MEMORY_THRESHOLD',
      ),
    }),
  }),
  cors: section('CORS headers of the HTTP API', {
    credentials: about(
      flag().default(true),
      'Send `Access-Control-Allow-Credentials: true` to the origins listed; never together with `*`.',
    ),
    origin: about(list().default(['*']), 'Origins that may read the answers. `*`: any.'),
    methods: about(list().default(['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS']), 'Methods that a page may use.'),
    allowedHeaders: about(
      list().default([
        'Origin',
        'Content-Type',
        'X-Auth-Token',
        'X-Requested-With',
        'Accept',
        'Authorization',
        'X-CSRF-TOKEN',
        'XSRF-TOKEN',
        'X-Socket-Id',
        'Last-Event-ID',
        'Cache-Control',
      ]),
      'Request headers that a page may send. Those who read feeds by `fetch` send the last two.',
    ),
  }),
  ssl: section('TLS', {
    certPath: about(text().default(''), 'PEM file with the certificate and its chain. Empty: no TLS.', {
      soketi: 'SOKETI_SSL_CERT',
      files: 'path',
    }),
    keyPath: about(text().default(''), 'PEM file with the private key. Empty: no TLS.', {
      soketi: 'SOKETI_SSL_KEY',
      files: 'path',
    }),
    passphrase: about(text().default(''), 'Passphrase of the private key. Empty: it has none.', {
      soketi: 'SOKETI_SSL_PASS',
      secret: 'always',
    }),
    caPath: about(
      text().default(''),
      'PEM file with certificate authorities. Served as the rest of the chain; with `requestClientCertificate` those that sign the certificates of clients instead.',
      { soketi: 'SOKETI_SSL_CA', files: 'path' },
    ),
    requestClientCertificate: about(
      flag().default(false),
      'Ask clients for a certificate signed by `caPath`. One that is sent must be valid; a client without one is accepted.',
    ),
  }),
  log: section('Log', {
    level: about(
      z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
      'Lowest level that is written.',
    ),
    format: about(
      z.enum(['auto', 'json', 'pretty']).default('auto'),
      '`json` for machines, `pretty` for people; `auto` is `pretty` on a terminal and `json` elsewhere.',
    ),
  }),
  admin: section('Admin API', {
    enabled: about(flag().default(true), 'Serve the API to create, change and watch apps: docs/admin-api.md.'),
    host: about(
      host().default('127.0.0.1'),
      'Address that it listens on. Any address other than loopback needs `admin.token` or `admin.tokens`.',
    ),
    port: about(
      port(0).default(9601),
      'TCP port, which clients should not reach. 0: any free port. If another program has the default one, the broker starts without the API.',
    ),
    token: about(
      adminToken().default(''),
      'What requests have to send as `Authorization: Bearer …`. It may do everything. Empty, and without `admin.tokens`: nothing; anybody who can run programs on this machine may use the API.',
      { secret: 'always' },
    ),
    tokens: about(
      adminTokensSchema.default([]),
      'Further tokens, each with what it may: `[{ "name", "token", "access", "apps" }]`. See "Access" in docs/admin-api.md.',
      { kind: 'structure', secret: 'always' },
    ),
  }),
  metrics: section('Metrics', {
    enabled: about(
      flag().default(false),
      'Count what happens, and serve it to Prometheus as `/metrics`: docs/observability.md.',
      'SOKETI_METRICS_ENABLED',
    ),
    driver: about(
      z.enum(['prometheus']).default('prometheus'),
      'The form in which they are served.',
      'SOKETI_METRICS_DRIVER',
    ),
    host: about(
      host().default('0.0.0.0'),
      'Address at which `/metrics` is served. On any other than loopback it needs no token, and nothing else is there: the admin API stays at `admin.host`. On loopback it is a route of the admin API.',
      'SOKETI_METRICS_HOST',
    ),
    port: about(
      port(0).default(9601),
      'TCP port of `/metrics`, and of the admin API unless `admin.port` is set. 0: any free port. If another program has the default one, the broker starts without.',
      'SOKETI_METRICS_SERVER_PORT',
    ),
    prometheus: section('Prometheus', {
      prefix: about(
        text()
          .regex(/^([a-zA-Z_:][a-zA-Z0-9_:]*)?$/, 'must be a beginning of a metric name: letters, digits, _ and :')
          .default('soketi_'),
        'What the names of the metrics that Soketi has begin with. Those of Kulkul itself always begin with `kulkul_`.',
        'SOKETI_METRICS_PROMETHEUS_PREFIX',
      ),
    }),
  }),
  adapter: section('Several nodes', {
    driver: about(
      z.enum(['local', 'redis']).default('local'),
      'How processes reach each other. `local`: the workers of this process only, if there are several. `redis`: through the Redis of `database.redis`. Any other value stops the start.',
      {
        soketi: 'SOKETI_ADAPTER_DRIVER',
        refusal:
          'this version reaches other processes through Redis only, and starting alone where several were meant to act as one would lose events silently',
        aliases: [
          {
            name: 'REVERB_SCALING_ENABLED',
            note: 'true: `adapter.driver` is `redis`',
            convert: (value) => (isTrue(value) ? 'redis' : undefined),
          },
        ],
      },
    ),
    nodeTimeoutSeconds: about(
      seconds(1).default(10),
      'Seconds within which a node that died, hangs or is disconnected is detected: its members leave, its subscriptions no longer count.',
    ),
    onGap: about(
      z.enum(['disconnect', 'ignore']).default('disconnect'),
      'What happens to the subscribers of a channel if this node may have missed messages. `disconnect`: they are closed with 4200, and reconnect. `ignore`: nothing.',
    ),
    redis: group('Redis between nodes', redisAdapterSchema, WITH_REDIS),
  }),
  webhooks: section('Webhooks', {
    batching: section('Webhooks with several events', {
      enabled: about(
        flag().default(false),
        'Send what is for one webhook in requests of several events. Else there is one event in each request.',
        'SOKETI_WEBHOOKS_BATCHING',
      ),
      duration: about(milliseconds(1, 60_000).default(50), 'Milliseconds that an event waits for others.', {
        soketi: 'SOKETI_WEBHOOKS_BATCHING_DURATION',
        onlyWith: { setting: 'webhooks.batching.enabled', is: ['true'] },
      }),
    }),
    graceSeconds: about(
      upToAnHour().default(3),
      'Seconds that `channel_vacated`, `member_removed` and `user_offline` are held back. Whoever comes back meanwhile, as after the reload of a page, was never gone: neither end is told.',
    ),
    timeoutSeconds: about(upToAnHour(0.1).default(10), 'Seconds that a webhook has to answer a request.'),
    retrySeconds: about(
      seconds(0, 604_800).default(300),
      'Seconds after an event within which it is sent again, until a webhook accepts it; then it becomes a dead letter. The Python SDK refuses what is older than 300 seconds. 0: it is sent once.',
    ),
    maxQueued: about(
      count(1).max(1_000_000).default(10_000),
      'Events that a process holds for one webhook. Those beyond become dead letters.',
    ),
    concurrency: about(
      count(1).max(10_000).default(10),
      'Requests to one webhook under way at once. Events of one channel always go one after the other.',
    ),
    deadLetters: section('Events that webhooks did not accept', {
      max: about(
        count(0).max(1_000_000).default(1000),
        'Dead letters kept for one webhook. The oldest make room. 0: none.',
      ),
      maxAgeHours: about(count(1).max(87_600).default(168), 'Hours that a dead letter is kept.'),
    }),
    allowPrivateTargets: about(
      flag().default(false),
      'Apps from the admin API or a database may have webhooks at private addresses: loopback, private networks, link-local. Apps in the configuration always may.',
    ),
    journal: about(
      text().default(''),
      'File in which events that wait, and which channels are occupied, survive a crash. With Redis these are in Redis. Empty: what waits is lost in a crash.',
      { files: 'path', onlyWith: { setting: 'adapter.driver', is: ['local'] } },
    ),
  }),
  tracing: section('Traces', {
    enabled: about(
      flag().default(false),
      'Record what becomes of events, from the request that publishes one to the clients of each node and webhooks, and send it to a receiver of OpenTelemetry: docs/operating.md. It needs packages that are installed separately.',
    ),
    url: about(
      text()
        .regex(/^https?:\/\/[^\s/]/, 'must be a URL that begins with http:// or https://')
        .default('http://localhost:4318'),
      'Where a receiver takes OTLP over HTTP. `/v1/traces` is added.',
      { aliases: [{ name: 'OTEL_EXPORTER_OTLP_ENDPOINT' }] },
    ),
    serviceName: about(filled().default('kulkul'), 'How traces name this broker.', {
      aliases: [{ name: 'OTEL_SERVICE_NAME' }],
    }),
    ratio: about(
      z.number().min(0).max(1).default(1),
      'Share of the traces that are recorded, from 0 to 1, of those that begin here. A request with `traceparent` is recorded if the caller records it.',
    ),
  }),
  database: section('Databases', {
    redis: group('The connection to Redis', redisConnectionSchema, WITH_REDIS),
    mysql: group('The connection to MySQL or MariaDB, for apps', mysqlConnectionSchema, withDatabase('mysql')),
    postgres: group('The connection to PostgreSQL, for apps', postgresConnectionSchema, withDatabase('postgres')),
  }),
  databasePooling: group('Connections to the database of apps', poolingSchema, withDatabase('mysql', 'postgres')),
  appManager: section('Apps', {
    driver: about(
      z.enum(['array', ...DATABASE_DRIVERS]).default('array'),
      'Where apps come from. `array`: from `appManager.array.apps`. `mysql` (also MariaDB), `postgres`, `sqlite`: from a database, see docs/apps.md. Any other value stops the start.',
      {
        soketi: 'SOKETI_APP_MANAGER_DRIVER',
        refusal:
          'this version takes apps from its configuration or from these databases only, and starting without the apps meant would refuse their clients',
      },
    ),
    cache: group('Apps of a database, in memory', cacheSchema, withDatabase(...DATABASE_DRIVERS)),
    mysql: group('Apps in MySQL or MariaDB', mysqlTableSchema, withDatabase('mysql')),
    postgres: group('Apps in PostgreSQL', postgresTableSchema, withDatabase('postgres')),
    sqlite: group('Apps in SQLite', sqliteTableSchema, withDatabase('sqlite')),
    array: section('Apps in the configuration', {
      apps: about(
        z.array(appOptionsSchema).default([]),
        'The apps, see below. If there is none, one with random credentials is created for this run.',
        { kind: 'apps', reloadable: true },
      ),
    }),
  }),
});

/** The effective settings. For what the apps may do, see the resolved `App`s beside it: their limits are filled in. */
export type Settings = z.output<typeof settingsSchema> & {
  readonly appManager: {
    /** Ids of listed apps whose webhooks came over the admin API. */
    readonly guestWebhooks?: readonly string[];
  };
};
