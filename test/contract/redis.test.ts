import { afterAll, beforeAll } from 'vitest';
import { RedisServer } from '../support/redis-server.ts';
import { redisSettings } from '../support/redis-settings.ts';
import { describeBroker } from './broker-contract.ts';
import { describeChannelStore } from './channel-store-contract.ts';
import { describeEdges } from './edges-contract.ts';
import { describeOutbox } from './outbox-contract.ts';
import { describeQuestions } from './questions-contract.ts';
import { createRedisOutbox, createRedisSeams } from './redis-seams.ts';

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.dispose());

const create = () => createRedisSeams(redisSettings({ 'database.redis.port': server.port }));

describeBroker('Redis', create);
describeChannelStore('Redis', create);
describeQuestions('Redis', create);
describeEdges('Redis', create);
describeOutbox('Redis', (options) => createRedisOutbox(redisSettings({ 'database.redis.port': server.port }), options));
