import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { partitionOf, RedisKeys } from '../../../server/redis/keys.ts';
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
  const occupied = new Map<string, Record<string, number>>();
  const occupy = (appId: string, channel: string, count: number): void => {
    const key = keys.channels(appId, partitionOf(appId, channel));
    occupied.set(key, Object.assign(occupied.get(key) ?? {}, { [channel]: count }));
  };
  for (let index = 0; index < 70_000; index += 1) {
    occupy(APP, `channel-${index}`, 2);
    expected.set(`channel-${index}`, 2);
    if (index < 5000) occupy(`${APP}0`, `channel-other-${index}`, 1);
  }
  occupy(APP, 'presence-room', 2);
  for (const [key, counts] of occupied) await client.hset(key, counts);
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
  expect(more('hscan')).toBeGreaterThan(100);
  expect(['hkeys', 'hgetall', 'hlen'].map(more)).toEqual([0, 0, 0]);
  expect(others).toBeGreaterThan(10);

  expect(await seams.store.occupied(APP, 'presence-')).toEqual([
    { channel: 'presence-room', subscriptionCount: 2, userCount: 2 },
  ]);
  await seams.store.close();
  await seams.stop();
});
