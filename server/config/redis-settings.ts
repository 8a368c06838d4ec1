import type { RedisOptions } from 'ioredis';
import * as z from 'zod';
import { type Alias, about, count, filled, flag, host, options, port, text } from './setting.ts';

/** A server as in a list of Sentinels or cluster nodes; what else the Redis client takes there (`password`) is kept. */
const addressSchema = z.looseObject({
  host: host(),
  port: z.number().int().min(1).max(65535).optional(),
});

export type RedisAddress = z.output<typeof addressSchema>;

const addresses = () => z.array(addressSchema);

/** A variable of Laravel's for its own connection, over which Reverb scales; without that it is the application's own affair. */
export const scalingVariable = (name: string): Alias => ({ name, onlyWith: 'REVERB_SCALING_ENABLED' });

/** The one connection to Redis; whatever needs Redis uses it. Kept loose: see `redisClientOptions`. */
export const redisConnectionSchema = z.looseObject({
  host: about(
    host().default('127.0.0.1'),
    'Host name or address; or a URL, `rediss://user:password@host:6380/0`, of which the parts are those of the settings below.',
    { soketi: 'SOKETI_DB_REDIS_HOST', aliases: [scalingVariable('REDIS_HOST')] },
  ),
  port: about(port(1).default(6379), 'TCP port.', {
    soketi: 'SOKETI_DB_REDIS_PORT',
    aliases: [scalingVariable('REDIS_PORT')],
  }),
  db: about(
    count(0).default(0),
    'Number of the database. A Redis Cluster has 0 only. Topics are common to all databases: nodes that must not hear each other need different prefixes.',
    { soketi: 'SOKETI_DB_REDIS_DB', aliases: [scalingVariable('REDIS_DB')] },
  ),
  username: about(text().optional(), 'User of Redis (ACL). Unset: the default user.', {
    soketi: 'SOKETI_DB_REDIS_USERNAME',
    aliases: [scalingVariable('REDIS_USERNAME')],
  }),
  password: about(text().optional(), 'Password. Unset: none.', {
    soketi: 'SOKETI_DB_REDIS_PASSWORD',
    aliases: [scalingVariable('REDIS_PASSWORD')],
    secret: 'always',
  }),
  keyPrefix: about(
    prefix(),
    'Stands before every key and topic, and before `adapter.redis.prefix`.',
    'SOKETI_DB_REDIS_KEY_PREFIX',
  ),
  tls: about(
    z.union([flag(), options()]).default(false),
    'Connect with TLS. `true`, or an object with options of `tls.connect` of Node; in it `ca`, `cert` and `key` are paths of PEM files, or PEM text.',
    { files: 'tls' },
  ),
  sentinels: about(
    addresses().default([]),
    'Sentinels that know the master, as `"host:port"` or `{ "host", "port" }`; then `host` and `port` have no meaning. Empty: no Sentinel.',
    { kind: 'addresses', soketi: 'SOKETI_DB_REDIS_SENTINELS' },
  ),
  sentinelPassword: about(text().optional(), 'Password of the Sentinels. Unset: that in the address of one, or none.', {
    soketi: 'SOKETI_DB_REDIS_SENTINEL_PASSWORD',
    secret: 'always',
  }),
  name: about(filled().default('mymaster'), 'Name of the master at the Sentinels.', 'SOKETI_DB_REDIS_INSTANCE_NAME'),
  clusterNodes: about(
    addresses().default([]),
    'Some nodes of a Redis Cluster (7.0 or later), as `"host:port"` or `{ "host", "port" }`; the others are found through them. Empty: no cluster, unless `adapter.redis.clusterMode` says so.',
    { kind: 'addresses', soketi: 'SOKETI_DB_REDIS_CLUSTER_NODES' },
  ),
});

/** What is of Redis alone under `adapter`. */
export const redisAdapterSchema = z.strictObject({
  prefix: about(
    prefix(),
    'Stands before every key and topic, after `database.redis.keyPrefix`. Nodes with different prefixes know nothing of each other.',
    'SOKETI_ADAPTER_REDIS_PREFIX',
  ),
  clusterMode: about(
    flag().default(false),
    'Redis is a cluster: `database.redis.clusterNodes`, or `host` and `port` when there are none.',
    'SOKETI_ADAPTER_REDIS_CLUSTER_MODE',
  ),
  redisPubOptions: about(
    options().default({}),
    'Options of the Redis client for the connection that sends commands, over those of `database.redis`.',
    'SOKETI_ADAPTER_REDIS_PUB_OPTIONS',
  ),
  redisSubOptions: about(
    options().default({}),
    'Options of the Redis client for the connection that receives messages, over those of `database.redis`.',
    'SOKETI_ADAPTER_REDIS_SUB_OPTIONS',
  ),
});

export const redisConnectionPath = 'database.redis';

/** In a hash tag, which is what braces make, everything would go to one server of a cluster; an empty one undoes ours. */
function prefix() {
  return text()
    .refine((value) => !/[{}]/.test(value), { error: 'must not contain braces: they would undo the spreading of keys' })
    .default('');
}

/** The options of ioredis that may stand beside our own under `database.redis`, and are handed on as they are. */
export const redisClientOptions: ReadonlySet<string> = new Set([
  'autoPipeliningIgnoredCommands',
  'autoResendUnfulfilledCommands',
  'autoResubscribe',
  'blockingTimeout',
  'blockingTimeoutGrace',
  'clientInfoTag',
  'commandTimeout',
  'connectTimeout',
  'connectionName',
  'disableClientInfo',
  'disconnectTimeout',
  'enableAutoPipelining',
  'enableOfflineQueue',
  'enableReadyCheck',
  'enableTLSForSentinelMode',
  'failoverDetector',
  'family',
  'keepAlive',
  'lazyConnect',
  'maxLoadingRetryTime',
  'maxRetriesPerRequest',
  'natMap',
  'noDelay',
  'path',
  'preferredSlaves',
  'protocol',
  'readOnly',
  'role',
  'sentinelCommandTimeout',
  'sentinelMaxConnections',
  'sentinelTLS',
  'sentinelUsername',
  'showFriendlyErrorStack',
  'socketTimeout',
  'updateSentinels',
] satisfies (keyof RedisOptions)[]);
