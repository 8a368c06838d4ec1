/**
 * Soketi's settings that this version accepts without effect, each with its variable (`''`: it has none). Whoever gives one
 * a meaning moves it into the schema and deletes it here.
 */
export const ineffectiveSettings: ReadonlyMap<string, string> = new Map([
  ['adapter.cluster.requestsTimeout', 'SOKETI_ADAPTER_CLUSTER_REQUESTS_TIMEOUT'],
  ['adapter.redis.requestsTimeout', 'SOKETI_ADAPTER_REDIS_REQUESTS_TIMEOUT'],
  ['adapter.nats.prefix', 'SOKETI_ADAPTER_NATS_PREFIX'],
  ['adapter.nats.servers', 'SOKETI_ADAPTER_NATS_SERVERS'],
  ['adapter.nats.user', 'SOKETI_ADAPTER_NATS_USER'],
  ['adapter.nats.pass', 'SOKETI_ADAPTER_NATS_PASSWORD'],
  ['adapter.nats.token', 'SOKETI_ADAPTER_NATS_TOKEN'],
  ['adapter.nats.timeout', 'SOKETI_ADAPTER_NATS_TIMEOUT'],
  ['adapter.nats.requestsTimeout', 'SOKETI_ADAPTER_NATS_REQUESTS_TIMEOUT'],
  ['adapter.nats.nodesNumber', 'SOKETI_ADAPTER_NATS_NODES_NUMBER'],
  ['appManager.dynamodb.table', 'SOKETI_APP_MANAGER_DYNAMODB_TABLE'],
  ['appManager.dynamodb.region', 'SOKETI_APP_MANAGER_DYNAMODB_REGION'],
  ['appManager.dynamodb.endpoint', 'SOKETI_APP_MANAGER_DYNAMODB_ENDPOINT'],
  ['appManager.mysql.version', 'SOKETI_APP_MANAGER_MYSQL_VERSION'],
  ['appManager.mysql.useMysql2', 'SOKETI_APP_MANAGER_MYSQL_USE_V2'],
  ['appManager.postgres.version', 'SOKETI_APP_MANAGER_POSTGRES_VERSION'],
  ['cache.driver', 'SOKETI_CACHE_DRIVER'],
  ['cache.redis.clusterMode', 'SOKETI_CACHE_REDIS_CLUSTER_MODE'],
  ['cache.redis.redisOptions', 'SOKETI_CACHE_REDIS_OPTIONS'],
  ['cluster.checkInterval', 'SOKETI_CLUSTER_CHECK_INTERVAL'],
  ['cluster.hostname', 'SOKETI_CLUSTER_HOST'],
  ['cluster.ignoreProcess', 'SOKETI_CLUSTER_IGNORE_PROCESS'],
  ['cluster.broadcast', 'SOKETI_CLUSTER_BROADCAST_ADDRESS'],
  ['cluster.helloInterval', 'SOKETI_CLUSTER_KEEPALIVE_INTERVAL'],
  ['cluster.masterTimeout', 'SOKETI_CLUSTER_MASTER_TIMEOUT'],
  ['cluster.multicast', 'SOKETI_CLUSTER_MULTICAST_ADDRESS'],
  ['cluster.nodeTimeout', 'SOKETI_CLUSTER_NODE_TIMEOUT'],
  ['cluster.port', 'SOKETI_CLUSTER_PORT'],
  ['cluster.prefix', 'SOKETI_CLUSTER_PREFIX'],
  ['cluster.unicast', 'SOKETI_CLUSTER_UNICAST_ADDRESSES'],
  ['instance.process_id', ''],
  ['mode', 'SOKETI_MODE'],
  ['queue.driver', 'SOKETI_QUEUE_DRIVER'],
  ['queue.redis.concurrency', 'SOKETI_QUEUE_REDIS_CONCURRENCY'],
  ['queue.redis.redisOptions', 'SOKETI_QUEUE_REDIS_OPTIONS'],
  ['queue.redis.clusterMode', 'SOKETI_QUEUE_REDIS_CLUSTER_MODE'],
  ['queue.sqs.region', 'SOKETI_QUEUE_SQS_REGION'],
  ['queue.sqs.clientOptions', 'SOKETI_QUEUE_SQS_CLIENT_OPTIONS'],
  ['queue.sqs.consumerOptions', ''],
  ['queue.sqs.queueUrl', 'SOKETI_QUEUE_SQS_URL'],
  ['queue.sqs.endpoint', 'SOKETI_QUEUE_SQS_ENDPOINT'],
  ['queue.sqs.processBatch', 'SOKETI_QUEUE_SQS_PROCESS_BATCH'],
  ['queue.sqs.batchSize', 'SOKETI_QUEUE_SQS_BATCH_SIZE'],
  ['queue.sqs.pollingWaitTimeMs', 'SOKETI_QUEUE_SQS_POLLING_WAIT_TIME_MS'],
  ['rateLimiter.driver', 'SOKETI_RATE_LIMITER_DRIVER'],
  ['rateLimiter.redis.redisOptions', 'SOKETI_RATE_LIMITER_REDIS_OPTIONS'],
  ['rateLimiter.redis.clusterMode', 'SOKETI_RATE_LIMITER_REDIS_CLUSTER_MODE'],
]);

const ineffectiveSections: ReadonlySet<string> = new Set(
  [...ineffectiveSettings.keys()].flatMap((path) => {
    const segments = path.split('.');
    return segments.slice(1).map((_, index) => segments.slice(0, index + 1).join('.'));
  }),
);

/** `queue` or `adapter.redis`, but also `adapter`, which has effective settings beside the others. */
export function isIneffectiveSection(path: string): boolean {
  return ineffectiveSections.has(path);
}
