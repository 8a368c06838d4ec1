import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PARTITIONS, partitionOf, RedisKeys } from '../../../server/redis/keys.ts';
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
  const expected = new Map<string, number>();
  // Few partitions have all of them, so that these need several pages.
  const parts = [0, 1, 2, 3].map((partition): Record<string, number> => {
    return Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`channel-${4 * index + partition}`, 2]));
  });
  for (const [partition, counts] of parts.entries()) {
    await client.hset(keys.channels(APP, partition), counts);
    for (const channel of Object.keys(counts)) expected.set(channel, 2);
    await client.hset(keys.channels(`${APP}0`, partition), { [`channel-other-${partition}`]: 1 });
  }
  const occupy = (channel: string) => client.hset(keys.channels(APP, partitionOf(APP, channel)), channel, 2);
  await client.hdel(keys.channels(APP, 1), 'channel-1');
  await occupy('channel-1');
  await occupy('presence-room');
  await client.hset(keys.counts(APP, 'channel-1'), 'other', 2);
  await client.hset(keys.members(APP, 'presence-room'), { ann: '["ann"]', bob: '["bob"]' });
  seams.store.setSubscriptionCount(APP, 'channel-1', 3);
  expected.set('channel-1', 5);
  await seams.settled();
  seams.store.setSubscriptionCount(APP, 'channel-1', 4);
  expected.set('channel-1', 6);
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
  expect(more('hscan')).toBeGreaterThan(70);
  expect(['hkeys', 'hgetall', 'hlen'].map(more)).toEqual([0, 0, 0]);
  expect(others).toBeGreaterThan(5);

  expect(await seams.store.occupied(APP, 'presence-')).toEqual([
    { channel: 'presence-room', subscriptionCount: 2, userCount: 2 },
  ]);
  await seams.store.close();
  await seams.stop();
});

// Usage in the admin API read every channel of the app, and the members of every presence channel, at each request.
test('the totals of an app are read without its channels', async () => {
  await client.flushall();
  const [first, second] = [await startSeams(server.port), await startSeams(server.port)];
  for (let index = 0; index < 200; index += 1) {
    first.store.setSubscriptionCount(APP, `channel-${index}`, 1);
    second.store.setSubscriptionCount(APP, `channel-${index}`, 2);
  }
  await first.settled();
  await second.settled();
  const before = await commands();
  expect(await first.store.totals(APP)).toEqual({ channels: 200, subscriptions: 600, presenceUsers: 0 });
  const after = await commands();
  const more = (name: string): number => (after.get(name) ?? 0) - (before.get(name) ?? 0);
  expect(['hlen', 'hmget'].map(more)).toEqual([PARTITIONS, PARTITIONS]);
  expect(['hscan', 'hgetall', 'hkeys', 'hvals'].map(more)).toEqual([0, 0, 0, 0]);
  for (const seams of [first, second]) {
    await seams.store.close();
    await seams.stop();
  }
});
