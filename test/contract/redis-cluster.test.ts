import { afterAll, beforeAll } from 'vitest';
import { RedisCluster } from '../support/redis-cluster.ts';
import { redisSettings } from '../support/redis-settings.ts';
import { describeBroker } from './broker-contract.ts';
import { describeChannelStore } from './channel-store-contract.ts';
import { describeEdges } from './edges-contract.ts';
import { describeOutbox } from './outbox-contract.ts';
import { createRedisOutbox, createRedisSeams } from './redis-seams.ts';

let cluster: RedisCluster;
beforeAll(async () => {
  cluster = await RedisCluster.start();
});
afterAll(() => cluster.dispose());

/** One master is named; the others must be found through it. */
const create = () =>
  createRedisSeams(redisSettings({ 'database.redis.clusterNodes': `127.0.0.1:${cluster.masters[0]?.port}` }));

describeBroker('Redis Cluster', create);
describeChannelStore('Redis Cluster', create);
describeEdges('Redis Cluster', create);
describeOutbox('Redis Cluster', (options) =>
  createRedisOutbox(redisSettings({ 'database.redis.clusterNodes': `127.0.0.1:${cluster.masters[0]?.port}` }), options),
);
