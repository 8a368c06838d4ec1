import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RedisKeys } from '../../../server/redis/keys.ts';
import { RedisServer } from '../../support/redis-server.ts';
import { startSeams } from './nodes.ts';

const APP = '12345';
const keys = new RedisKeys('');
let server: RedisServer;
let client: Redis;
beforeAll(async () => {
  server = await RedisServer.start();
  client = new Redis({ port: server.port });
});
afterAll(async () => {
  client.disconnect();
  await server.dispose();
});

/** How often Redis carried out each command so far. */
async function commands(): Promise<ReadonlyMap<string, number>> {
  const stats = await client.info('commandstats');
  return new Map(
    [...stats.matchAll(/cmdstat_(\w+):calls=(\d+)/g)].map(([, name = '', calls]) => [name, Number(calls)]),
  );
}

// Each channel was asked for by three commands, all at once: 20,000 of them held Redis and the node for 2.3 seconds.
test('the channels of an app are read in pages, however many nodes have', async () => {
  const seams = await startSeams(server.port);
  const far = Date.now() + 600_000;
  const expected = new Map<string, number>();
  for (const node of ['one', 'two']) {
    await client.zadd(keys.nodes(), far, node);
    const counts: Record<string, number> = {};
    for (let index = 0; index < 20_000; index += 1) {
      const channel = `channel-${index % 2 === 0 ? node : 'both'}-${index}`;
      counts[`${APP}/${channel}`] = 2;
      expected.set(channel, (expected.get(channel) ?? 0) + 2);
      if (index < 5000) counts[`${APP}0/other-${index}`] = 1;
    }
    counts[`${APP}/presence-room`] = 1;
    await client.hset(keys.nodeChannels(node), counts);
  }
  await client.hset(keys.members(APP, 'presence-room'), { ann: '["ann"]', bob: '["bob"]' });
  seams.store.setSubscriptionCount(APP, 'channel-both-1', 3);
  expected.set('channel-both-1', 7);
  await seams.settled();
  const before = await commands();
  let others = 0;
  let isDone = false;
  const asked = Promise.resolve(seams.store.occupied(APP, 'channel-')).finally(() => {
    isDone = true;
  });
  for (; !isDone; others += 1) await client.ping();
  const found = await asked;
  expect(new Map(found.map(({ channel, subscriptionCount }) => [channel, subscriptionCount]))).toEqual(expected);
  const after = await commands();
  const more = (name: string): number => (after.get(name) ?? 0) - (before.get(name) ?? 0);
  expect(more('hscan')).toBeGreaterThan(40);
  expect(['hkeys', 'hgetall', 'hlen'].map(more)).toEqual([0, 0, 0]);
  expect(others).toBeGreaterThan(10);

  expect(await seams.store.occupied(APP, 'presence-')).toEqual([
    { channel: 'presence-room', subscriptionCount: 2, userCount: 2 },
  ]);
  await seams.store.close();
  await seams.stop();
});
