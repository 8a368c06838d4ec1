import type { ClusterOptions, RedisOptions } from 'ioredis';
import type { Settings } from '../config/index.ts';
import { readPemFiles } from '../pem.ts';
import type { ConnectionRole } from './single-link.ts';

type Connection = Settings['database']['redis'];
type TlsOptions = NonNullable<RedisOptions['tls']>;

/** The settings that say how to reach Redis. */
export type RedisSettings = Pick<Settings, 'adapter' | 'database'>;

export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

/** How a connection behaves unless the operator says otherwise; milliseconds. */
const PATIENCE = {
  connectTimeout: 3000,
  commandTimeout: 3000,
  socketTimeout: 3000,
  disconnectTimeout: 100,
  keepAlive: 10_000,
} satisfies RedisOptions;

/**
 * The delivery guarantees depend on these: nothing is queued or sent twice while Redis is down, and the link itself renews its
 * topics. Prefixes are part of the keys: the client would put its own before keys, but not before topics.
 */
const OURS = {
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
  enableAutoPipelining: false,
  maxRetriesPerRequest: 0,
  retryStrategy: retryDelayMs,
  lazyConnect: false,
  keyPrefix: '',
} satisfies RedisOptions;

/** Milliseconds before the next attempt to connect: 100, 200, 400, 800, then a second each, for ever. */
function retryDelayMs(times: number): number {
  return Math.min(50 * 2 ** Math.min(times, 10), 1000);
}

/** The prefix before `kulkul:` in every key and topic. */
export function redisPrefix({ adapter, database }: RedisSettings): string {
  return database.redis.keyPrefix + adapter.redis.prefix;
}

export function isRedisCluster({ adapter, database }: RedisSettings): boolean {
  return adapter.redis.clusterMode || database.redis.clusterNodes.length > 0;
}

/** Options for one server, or the master behind Sentinels. */
export function clientOptions(settings: RedisSettings, role: ConnectionRole): RedisOptions {
  const { host, port, sentinels, name } = settings.database.redis;
  const { sentinelUsername, sentinelPassword } = sentinelCredentials(settings.database.redis);
  const target: RedisOptions =
    sentinels.length === 0
      ? { host, port }
      : {
          sentinels: sentinels.map((address) => ({ ...address, port: address.port ?? 26379 })),
          name,
          sentinelRetryStrategy: retryDelayMs,
          sentinelCommandTimeout: PATIENCE.commandTimeout,
          ...(sentinelUsername !== undefined && { sentinelUsername }),
          ...(sentinelPassword !== undefined && { sentinelPassword }),
        };
  return {
    ...PATIENCE,
    connectionName: `kulkul-${role}`,
    ...target,
    ...credentials(settings.database.redis),
    ...furtherOptions(settings.database.redis),
    ...roleOptions(settings, role),
    ...OURS,
    // A master that became a replica: behind the same name there may be a new master by now.
    ...(role === 'commands' && { reconnectOnError: (error: Error) => error.message.startsWith('READONLY') }),
  };
}

/** Whether the operator sends the two connections to different places. */
export function hasOneServer({ adapter }: RedisSettings): boolean {
  const { redisPubOptions, redisSubOptions } = adapter.redis;
  return !['host', 'port', 'path', 'sentinels', 'role'].some(
    (name) => name in redisPubOptions || name in redisSubOptions,
  );
}

/** Options for connections to the Sentinels themselves. */
export function sentinelOptions({ database }: RedisSettings): RedisOptions[] {
  const { sentinels } = database.redis;
  const { sentinelUsername, sentinelPassword } = sentinelCredentials(database.redis);
  const { sentinelTLS, family } = furtherOptions(database.redis);
  return sentinels.map((address) => ({
    ...PATIENCE,
    host: address.host,
    port: address.port ?? 26379,
    ...(family !== undefined && { family }),
    ...(sentinelUsername !== undefined && { username: sentinelUsername }),
    ...(sentinelPassword !== undefined && { password: sentinelPassword }),
    ...(sentinelTLS !== undefined && { tls: readTls(sentinelTLS) }),
    retryStrategy: retryDelayMs,
    enableReadyCheck: false,
  }));
}

/** The nodes of a Redis Cluster that are asked for the others, each with what it needs of its own. */
export function startupNodes({ database }: RedisSettings): HostAndPort[] {
  const { clusterNodes, host, port } = database.redis;
  if (clusterNodes.length === 0) return [{ host, port }];
  return clusterNodes.map((address) => ({ host: address.host, port: address.port ?? 6379 }));
}

/** Options for the commands of a Redis Cluster. */
export function clusterOptions(settings: RedisSettings): ClusterOptions {
  const { tls } = credentials(settings.database.redis);
  const { natMap } = furtherOptions(settings.database.redis);
  return {
    enableOfflineQueue: false,
    // It would find that the masters are not ready while they connect, and start over. The link has a stricter check.
    enableReadyCheck: false,
    clusterRetryStrategy: retryDelayMs,
    // A command whose connection was lost may have been executed: if repeated, an event would arrive twice.
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    maxRedirections: 5,
    slotsRefreshTimeout: 2000,
    ...(natMap !== undefined && { natMap }),
    // A certificate is made out to a name: the address behind it would not do.
    ...(tls !== undefined && { dnsLookup: (name, callback) => callback(null, name) }),
    redisOptions: nodeOptions(settings, 'commands'),
  };
}

/** Options for a connection to one node of a Redis Cluster, all but its address. */
export function nodeOptions(settings: RedisSettings, role: ConnectionRole): RedisOptions {
  const { host: _host, port: _port, path: _path, natMap: _natMap, ...options } = clientOptions(settings, role);
  const { sentinels: _sentinels, name: _name, db: _db, ...common } = options;
  if (role === 'topics') return common;
  // Whether and when a node of the cluster is connected to again is the cluster client's affair.
  const { retryStrategy: _retry, lazyConnect: _lazy, enableOfflineQueue: _queue, ...ofNode } = common;
  const { reconnectOnError: _reconnect, ...node } = ofNode;
  return node;
}

function credentials({ db, tls, clusterNodes, ...connection }: Connection): RedisOptions {
  // All nodes of a cluster have the same users: those in the address of one will do.
  const [node] = clusterNodes;
  const username = connection.username ?? textOf(node?.username);
  const password = connection.password ?? textOf(node?.password);
  return {
    db,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls !== false && { tls: tls === true ? {} : readTls(tls), enableTLSForSentinelMode: true }),
  };
}

/** All Sentinels have the same users: those in the address of one will do. */
function sentinelCredentials({ sentinels, sentinelPassword, ...others }: Connection): {
  readonly sentinelUsername: string | undefined;
  readonly sentinelPassword: string | undefined;
} {
  const address = sentinels.find(({ password }) => textOf(password) !== undefined);
  return {
    sentinelUsername: furtherOptions({ ...others, sentinels }).sentinelUsername ?? textOf(address?.username),
    sentinelPassword: sentinelPassword ?? textOf(address?.password),
  };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** What stands in `database.redis` beside our own settings: options of ioredis, as they are. */
function furtherOptions(connection: Connection): RedisOptions {
  const { host, port, db, username, password, keyPrefix, tls, ...others } = connection;
  const { sentinels, sentinelPassword, name, clusterNodes, ...options } = others;
  return options;
}

function roleOptions({ adapter }: RedisSettings, role: ConnectionRole): RedisOptions {
  const { tls, ...options } = role === 'commands' ? adapter.redis.redisPubOptions : adapter.redis.redisSubOptions;
  return typeof tls === 'object' && tls !== null ? { ...options, tls: readTls(tls) } : options;
}

function readTls(tls: object): TlsOptions {
  return readPemFiles(tls, (name, file, code, cause) => {
    const message = `database.redis.tls.${name}: the file ${file} can't be read (${code}).`;
    return new RedisStartError('TLS', message, { cause });
  }) as TlsOptions;
}

/** The parts of a connection to Redis that are tried at the start, in this order. */
export type RedisPart =
  | 'Sentinel'
  | 'address'
  | 'TLS'
  | 'password'
  | 'database'
  | 'cluster'
  | 'connection'
  | 'writing'
  | 'scripts'
  | 'pub/sub'
  | 'versions';

/** Redis can't be used. The message is for people: what failed, where, why and what to do; never a password. */
export class RedisStartError extends Error {
  override readonly name = 'RedisStartError';
  readonly part: RedisPart;

  constructor(part: RedisPart, message: string, options?: ErrorOptions) {
    super(message, options);
    this.part = part;
  }
}
