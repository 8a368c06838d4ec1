import { setTimeout } from 'node:timers/promises';
import { Redis } from 'ioredis';
import pino from 'pino';
import { afterAll, beforeAll } from 'vitest';
import { RedisSeams } from '../../server/redis/redis-seams.ts';
import { SingleLink } from '../../server/redis/single-link.ts';
import { RedisServer } from '../support/redis-server.ts';
import { describeBroker } from './broker-contract.ts';
import { describeChannelStore } from './channel-store-contract.ts';
import type { SeamsFixture } from './seams-fixture.ts';

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.dispose());

let runs = 0;

/** Three nodes on a real Redis. */
async function createRedisSeams(): Promise<SeamsFixture> {
  runs += 1;
  const prefix = `run-${runs}:`;
  const all = await Promise.all(
    [1, 2, 3].map(async () => {
      const link = new SingleLink(() => new Redis({ port: server.port, host: '127.0.0.1', autoResubscribe: false }));
      await link.whenUp();
      const seams = new RedisSeams(link, {
        prefix,
        nodeTimeoutMs: 10_000,
        isCountAnnounced: () => true,
        log: pino({ level: 'silent' }),
      });
      await seams.start({ missed: () => {}, correctRosters: () => {} });
      return seams;
    }),
  );
  const [first, ...others] = all;
  if (!first) throw new Error('no node');
  return {
    nodes: [first, ...others],
    settled: async () => {
      await Promise.all(all.map((seams) => seams.settled()));
    },
    pass: (seconds) => setTimeout(seconds * 1000),
    dispose: async () => {
      for (const seams of all) {
        await seams.store.close();
        await seams.stop();
      }
    },
  };
}

describeBroker('Redis', createRedisSeams);
describeChannelStore('Redis', createRedisSeams);
