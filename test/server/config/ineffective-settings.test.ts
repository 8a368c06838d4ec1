import { describe, expect, it } from 'vitest';
import { appOptions, settings } from '../../../server/config/catalogue.ts';
import { ineffectiveSettings } from '../../../server/config/soketi-settings.ts';
import { load, oneApp } from './load.ts';

/** Every variable that Soketi reads, and the option that it sets. */
const soketi: readonly (readonly [string, string])[] = [
  ['SOKETI_ADAPTER_DRIVER', 'adapter.driver'],
  ['SOKETI_ADAPTER_CLUSTER_REQUESTS_TIMEOUT', 'adapter.cluster.requestsTimeout'],
  ['SOKETI_ADAPTER_REDIS_PREFIX', 'adapter.redis.prefix'],
  ['SOKETI_ADAPTER_REDIS_CLUSTER_MODE', 'adapter.redis.clusterMode'],
  ['SOKETI_ADAPTER_REDIS_REQUESTS_TIMEOUT', 'adapter.redis.requestsTimeout'],
  ['SOKETI_ADAPTER_REDIS_SUB_OPTIONS', 'adapter.redis.redisSubOptions'],
  ['SOKETI_ADAPTER_REDIS_PUB_OPTIONS', 'adapter.redis.redisPubOptions'],
  ['SOKETI_ADAPTER_NATS_PREFIX', 'adapter.nats.prefix'],
  ['SOKETI_ADAPTER_NATS_SERVERS', 'adapter.nats.servers'],
  ['SOKETI_ADAPTER_NATS_USER', 'adapter.nats.user'],
  ['SOKETI_ADAPTER_NATS_PASSWORD', 'adapter.nats.pass'],
  ['SOKETI_ADAPTER_NATS_TOKEN', 'adapter.nats.token'],
  ['SOKETI_ADAPTER_NATS_TIMEOUT', 'adapter.nats.timeout'],
  ['SOKETI_ADAPTER_NATS_REQUESTS_TIMEOUT', 'adapter.nats.requestsTimeout'],
  ['SOKETI_ADAPTER_NATS_NODES_NUMBER', 'adapter.nats.nodesNumber'],
  ['SOKETI_APP_MANAGER_DRIVER', 'appManager.driver'],
  ['SOKETI_APP_MANAGER_CACHE_ENABLED', 'appManager.cache.enabled'],
  ['SOKETI_APP_MANAGER_CACHE_TTL', 'appManager.cache.ttl'],
  ['SOKETI_APP_MANAGER_DYNAMODB_TABLE', 'appManager.dynamodb.table'],
  ['SOKETI_APP_MANAGER_DYNAMODB_REGION', 'appManager.dynamodb.region'],
  ['SOKETI_APP_MANAGER_DYNAMODB_ENDPOINT', 'appManager.dynamodb.endpoint'],
  ['SOKETI_APP_MANAGER_MYSQL_TABLE', 'appManager.mysql.table'],
  ['SOKETI_APP_MANAGER_MYSQL_VERSION', 'appManager.mysql.version'],
  ['SOKETI_APP_MANAGER_POSTGRES_TABLE', 'appManager.postgres.table'],
  ['SOKETI_APP_MANAGER_POSTGRES_VERSION', 'appManager.postgres.version'],
  ['SOKETI_APP_MANAGER_MYSQL_USE_V2', 'appManager.mysql.useMysql2'],
  ['SOKETI_CHANNEL_LIMITS_MAX_NAME_LENGTH', 'channelLimits.maxNameLength'],
  ['SOKETI_CHANNEL_CACHE_TTL', 'channelLimits.cacheTtl'],
  ['SOKETI_CACHE_DRIVER', 'cache.driver'],
  ['SOKETI_CACHE_REDIS_CLUSTER_MODE', 'cache.redis.clusterMode'],
  ['SOKETI_CACHE_REDIS_OPTIONS', 'cache.redis.redisOptions'],
  ['SOKETI_CLUSTER_CHECK_INTERVAL', 'cluster.checkInterval'],
  ['SOKETI_CLUSTER_HOST', 'cluster.hostname'],
  ['SOKETI_CLUSTER_IGNORE_PROCESS', 'cluster.ignoreProcess'],
  ['SOKETI_CLUSTER_BROADCAST_ADDRESS', 'cluster.broadcast'],
  ['SOKETI_CLUSTER_KEEPALIVE_INTERVAL', 'cluster.helloInterval'],
  ['SOKETI_CLUSTER_MASTER_TIMEOUT', 'cluster.masterTimeout'],
  ['SOKETI_CLUSTER_MULTICAST_ADDRESS', 'cluster.multicast'],
  ['SOKETI_CLUSTER_NODE_TIMEOUT', 'cluster.nodeTimeout'],
  ['SOKETI_CLUSTER_PORT', 'cluster.port'],
  ['SOKETI_CLUSTER_PREFIX', 'cluster.prefix'],
  ['SOKETI_CLUSTER_UNICAST_ADDRESSES', 'cluster.unicast'],
  ['SOKETI_DEBUG', 'debug'],
  ['SOKETI_DEFAULT_APP_ID', 'appManager.array.apps.0.id'],
  ['SOKETI_DEFAULT_APP_KEY', 'appManager.array.apps.0.key'],
  ['SOKETI_DEFAULT_APP_SECRET', 'appManager.array.apps.0.secret'],
  ['SOKETI_DEFAULT_APP_MAX_CONNS', 'appManager.array.apps.0.maxConnections'],
  ['SOKETI_DEFAULT_APP_ENABLE_CLIENT_MESSAGES', 'appManager.array.apps.0.enableClientMessages'],
  ['SOKETI_DEFAULT_APP_ENABLED', 'appManager.array.apps.0.enabled'],
  ['SOKETI_DEFAULT_APP_MAX_BACKEND_EVENTS_PER_SEC', 'appManager.array.apps.0.maxBackendEventsPerSecond'],
  ['SOKETI_DEFAULT_APP_MAX_CLIENT_EVENTS_PER_SEC', 'appManager.array.apps.0.maxClientEventsPerSecond'],
  ['SOKETI_DEFAULT_APP_MAX_READ_REQ_PER_SEC', 'appManager.array.apps.0.maxReadRequestsPerSecond'],
  ['SOKETI_DEFAULT_APP_USER_AUTHENTICATION', 'appManager.array.apps.0.enableUserAuthentication'],
  ['SOKETI_DEFAULT_APP_WEBHOOKS', 'appManager.array.apps.0.webhooks'],
  ['SOKETI_DB_POOLING_ENABLED', 'databasePooling.enabled'],
  ['SOKETI_DB_POOLING_MIN', 'databasePooling.min'],
  ['SOKETI_DB_POOLING_MAX', 'databasePooling.max'],
  ['SOKETI_DB_MYSQL_HOST', 'database.mysql.host'],
  ['SOKETI_DB_MYSQL_PORT', 'database.mysql.port'],
  ['SOKETI_DB_MYSQL_USERNAME', 'database.mysql.user'],
  ['SOKETI_DB_MYSQL_PASSWORD', 'database.mysql.password'],
  ['SOKETI_DB_MYSQL_DATABASE', 'database.mysql.database'],
  ['SOKETI_DB_POSTGRES_HOST', 'database.postgres.host'],
  ['SOKETI_DB_POSTGRES_PORT', 'database.postgres.port'],
  ['SOKETI_DB_POSTGRES_USERNAME', 'database.postgres.user'],
  ['SOKETI_DB_POSTGRES_PASSWORD', 'database.postgres.password'],
  ['SOKETI_DB_POSTGRES_DATABASE', 'database.postgres.database'],
  ['SOKETI_DB_REDIS_HOST', 'database.redis.host'],
  ['SOKETI_DB_REDIS_PORT', 'database.redis.port'],
  ['SOKETI_DB_REDIS_DB', 'database.redis.db'],
  ['SOKETI_DB_REDIS_USERNAME', 'database.redis.username'],
  ['SOKETI_DB_REDIS_PASSWORD', 'database.redis.password'],
  ['SOKETI_DB_REDIS_KEY_PREFIX', 'database.redis.keyPrefix'],
  ['SOKETI_DB_REDIS_SENTINELS', 'database.redis.sentinels'],
  ['SOKETI_DB_REDIS_SENTINEL_PASSWORD', 'database.redis.sentinelPassword'],
  ['SOKETI_DB_REDIS_CLUSTER_NODES', 'database.redis.clusterNodes'],
  ['SOKETI_DB_REDIS_INSTANCE_NAME', 'database.redis.name'],
  ['SOKETI_EVENT_MAX_BATCH_SIZE', 'eventLimits.maxBatchSize'],
  ['SOKETI_EVENT_MAX_CHANNELS_AT_ONCE', 'eventLimits.maxChannelsAtOnce'],
  ['SOKETI_EVENT_MAX_NAME_LENGTH', 'eventLimits.maxNameLength'],
  ['SOKETI_EVENT_MAX_SIZE_IN_KB', 'eventLimits.maxPayloadInKb'],
  ['SOKETI_HOST', 'host'],
  ['SOKETI_HTTP_ACCEPT_TRAFFIC_MEMORY_THRESHOLD', 'httpApi.acceptTraffic.memoryThreshold'],
  ['SOKETI_METRICS_ENABLED', 'metrics.enabled'],
  ['SOKETI_METRICS_DRIVER', 'metrics.driver'],
  ['SOKETI_METRICS_HOST', 'metrics.host'],
  ['SOKETI_METRICS_PROMETHEUS_PREFIX', 'metrics.prometheus.prefix'],
  ['SOKETI_METRICS_SERVER_PORT', 'metrics.port'],
  ['SOKETI_MODE', 'mode'],
  ['SOKETI_PORT', 'port'],
  ['SOKETI_PATH_PREFIX', 'pathPrefix'],
  ['SOKETI_PRESENCE_MAX_MEMBER_SIZE', 'presence.maxMemberSizeInKb'],
  ['SOKETI_PRESENCE_MAX_MEMBERS', 'presence.maxMembersPerChannel'],
  ['SOKETI_QUEUE_DRIVER', 'queue.driver'],
  ['SOKETI_QUEUE_REDIS_CONCURRENCY', 'queue.redis.concurrency'],
  ['SOKETI_QUEUE_REDIS_OPTIONS', 'queue.redis.redisOptions'],
  ['SOKETI_QUEUE_REDIS_CLUSTER_MODE', 'queue.redis.clusterMode'],
  ['SOKETI_QUEUE_SQS_REGION', 'queue.sqs.region'],
  ['SOKETI_QUEUE_SQS_CLIENT_OPTIONS', 'queue.sqs.clientOptions'],
  ['SOKETI_QUEUE_SQS_URL', 'queue.sqs.queueUrl'],
  ['SOKETI_QUEUE_SQS_ENDPOINT', 'queue.sqs.endpoint'],
  ['SOKETI_QUEUE_SQS_PROCESS_BATCH', 'queue.sqs.processBatch'],
  ['SOKETI_QUEUE_SQS_BATCH_SIZE', 'queue.sqs.batchSize'],
  ['SOKETI_QUEUE_SQS_POLLING_WAIT_TIME_MS', 'queue.sqs.pollingWaitTimeMs'],
  ['SOKETI_RATE_LIMITER_DRIVER', 'rateLimiter.driver'],
  ['SOKETI_RATE_LIMITER_REDIS_OPTIONS', 'rateLimiter.redis.redisOptions'],
  ['SOKETI_RATE_LIMITER_REDIS_CLUSTER_MODE', 'rateLimiter.redis.clusterMode'],
  ['SOKETI_SHUTDOWN_GRACE_PERIOD', 'shutdownGracePeriod'],
  ['SOKETI_SSL_CERT', 'ssl.certPath'],
  ['SOKETI_SSL_KEY', 'ssl.keyPath'],
  ['SOKETI_SSL_PASS', 'ssl.passphrase'],
  ['SOKETI_SSL_CA', 'ssl.caPath'],
  ['SOKETI_USER_AUTHENTICATION_TIMEOUT', 'userAuthenticationTimeout'],
  ['SOKETI_WEBHOOKS_BATCHING', 'webhooks.batching.enabled'],
  ['SOKETI_WEBHOOKS_BATCHING_DURATION', 'webhooks.batching.duration'],
];

const valid: Readonly<Record<string, string>> = {
  'adapter.driver': 'redis',
  'adapter.redis.redisSubOptions': '{}',
  'adapter.redis.redisPubOptions': '{}',
  'appManager.driver': 'array',
  'appManager.array.apps.0.webhooks': '[]',
  'metrics.driver': 'prometheus',
  'metrics.prometheus.prefix': 'kulkul_',
  host: 'localhost',
  pathPrefix: '/ws',
};

/** What a setting needs beside itself to be looked at. */
function contextOf(option: string): Record<string, string> {
  if (option.includes('.redis.')) return { SOKETI_ADAPTER_DRIVER: 'redis' };
  if (/\.mysql\.|^databasePooling|\.cache\./.test(option)) return { SOKETI_APP_MANAGER_DRIVER: 'mysql' };
  if (option === 'webhooks.batching.duration') return { SOKETI_WEBHOOKS_BATCHING: '1' };
  if (option === 'shutdownGracePeriod') return { KULKUL_DRAIN_MODE: 'move' };
  return option.includes('.postgres.') ? { SOKETI_APP_MANAGER_DRIVER: 'postgres' } : {};
}

describe("Soketi's variables", () => {
  it.each(soketi)('%s is effective or named in the warning', (name, option) => {
    const setting = settings.get(option);
    const isEffective = setting !== undefined || option.startsWith('appManager.array.apps.0.');
    const text = valid[option] ?? '1';
    // Half a certificate would be refused.
    const env = { SOKETI_SSL_CERT: 'c', SOKETI_SSL_KEY: 'k', ...contextOf(option), [name]: text };
    // Apps of the configuration would be without effect beside a database.
    const file = 'SOKETI_APP_MANAGER_DRIVER' in contextOf(option) ? {} : oneApp;
    const { origins, warnings } = load({ file, env });
    if (isEffective) {
      expect(origins.get(option)).toMatchObject({ kind: 'variable', name });
      expect(warnings).toEqual([]);
    } else {
      expect(warnings).toEqual([`Without effect in this version: ${option} (${name}).`]);
    }
  });

  it('are all known, and no others are', () => {
    const known = [...settings.values(), ...appOptions.values()].flatMap(({ meta }) => meta.soketi ?? []);
    const names = [...known, ...ineffectiveSettings.values()].filter((name) => name !== '');
    expect(names.sort()).toEqual(soketi.map(([name]) => name).sort());
  });
});

describe('settings without effect', () => {
  it.each([...ineffectiveSettings.keys()])('%s is accepted in a file, dotted and nested, and named', (path) => {
    const expected = [`Without effect in this version: ${path}.`];
    expect(load({ file: { ...oneApp, [path]: 5 } }).warnings).toEqual(expected);
    const nested = path.split('.').reduceRight<unknown>((value, name) => ({ [name]: value }), 5);
    expect(load({ file: { ...oneApp, ...(nested as object) } }).warnings).toEqual(expected);
  });

  it('are named in one warning, and only those that were set', () => {
    const file = {
      ...oneApp,
      cluster: { port: 11002 },
      rateLimiter: { redis: { clusterMode: true } },
      mode: [],
    };
    const { warnings } = load({ file, env: { SOKETI_QUEUE_DRIVER: 'redis' } });
    expect(warnings).toEqual([
      'Without effect in this version: cluster.port, rateLimiter.redis.clusterMode, mode, queue.driver (SOKETI_QUEUE_DRIVER).',
    ]);
  });

  it('never show their values', () => {
    const { warnings } = load({ file: { 'adapter.nats.pass': 'hidden', 'queue.sqs.clientOptions.y': 'hidden' } });
    expect(warnings.join()).toContain('queue.sqs.clientOptions.y');
    expect(warnings.join()).not.toContain('hidden');
  });
});
