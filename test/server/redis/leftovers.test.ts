import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { SeamUnavailable } from '../../../channels/broker.ts';
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
afterEach(() => client.flushall());
afterAll(async () => {
  client.disconnect();
  await server.dispose();
});

test('a node that stops leaves nothing in Redis', async () => {
  // Its part in an app's quota stayed, as 0 and under an id of which there was a new one with each start.
  const node = await startSeams(server.port);
  const member = { userId: 'u', userIdJson: '"u"', userInfoJson: undefined };
  await node.store.addConnection(APP, 10);
  node.store.setSubscriptionCount(APP, 'news', 1);
  await node.store.join(APP, 'presence-room', '1.1', member, 100);
  await node.settled();
  expect(await client.keys('*')).toContain(keys.connections(APP));
  node.store.setSubscriptionCount(APP, 'news', 0);
  await node.store.leave(APP, 'presence-room', '1.1', 'u');
  node.store.removeConnection(APP);
  await node.store.close();
  await node.stop();
  // It would have been needed by those who are still there, and goes by itself.
  expect(await client.pttl(keys.layout())).toBeGreaterThan(0);
  await client.del(keys.layout());
  // That nothing was lost is known of each partition for as long as there is a Redis.
  const settled = Array.from({ length: PARTITIONS }, (_, partition) => keys.settled(partition));
  const left = (await client.keys('*')).filter((key) => !settled.includes(key));
  expect(left).toEqual([keys.position(APP, 'presence-room')]);
});

test('a survivor cleans up after all nodes that died, not after one each time it renews its lease', async () => {
  const ids = ['one', 'two', 'three'];
  for (const id of ids) {
    await client.zadd(keys.nodes(), '1', id);
    await client.sadd(keys.nodeApps(id), APP);
    await client.hset(keys.connections(APP), id, '2');
  }
  const survivor = await startSeams(server.port);
  expect(await client.exists(...ids.map((id) => keys.nodeApps(id)), keys.connections(APP), keys.dead())).toBe(0);
  await survivor.store.close();
  await survivor.stop();
});

// A node that had hung counted, before it knew that others had cleaned up after it, under an id whose apps nobody knew any more: that part of
// the quota was taken, or given, for good.
test('what a node counted under a former id is in no quota', async () => {
  const node = await startSeams(server.port);
  const [formerId = ''] = await client.zrange(keys.nodes(), '0', '-1');
  await node.store.addConnection(APP, 10);
  await client.zadd(keys.nodes(), '1', formerId);
  const survivor = await startSeams(server.port);
  expect(await client.hgetall(keys.connections(APP))).toEqual({});
  await node.store.addConnection(APP, 10);
  expect(await client.hgetall(keys.connections(APP))).toEqual({ [formerId]: '1' });
  await node.settled();
  expect(await client.hvals(keys.connections(APP))).toEqual(['2']);
  for (const seams of [node, survivor]) {
    await seams.store.close();
    await seams.stop();
  }
});

test('a survivor announces the counts of a dead node where the app, as it is now, wants that', async () => {
  const deadNode = async () => {
    await client.zadd(keys.nodes(), '1', 'dead');
    for (const [app, channel] of [
      ['loud', 'news'],
      ['loud', 'presence-room'],
      ['quiet', 'news'],
      ['unknown', 'news'],
    ] as const) {
      await client.sadd(keys.nodeChannels('dead', partitionOf(app, channel)), `${app}/${channel}`);
      await client.hset(keys.counts(app, channel), 'dead', '2', 'alive', '1');
    }
  };
  const heard: string[] = [];
  const listener = new Redis({ port: server.port });
  await listener.psubscribe('*');
  listener.on('pmessage', (_pattern, topic) => heard.push(topic));
  await deadNode();
  const survivor = await startSeams(server.port, async (appId) => {
    if (appId === 'unknown') throw new SeamUnavailable('the database is away');
    return appId === 'loud';
  });
  await survivor.settled();
  await listener.ping();
  expect(heard.filter((topic) => topic.includes('news') || topic.includes('room'))).toEqual([
    keys.topic('loud', 'news'),
  ]);
  expect(await client.hgetall(keys.counts('unknown', 'news'))).toEqual({ alive: '1' });
  expect(await client.keys('*:node-channels:dead')).toEqual([]);
  expect(await client.exists(keys.dead())).toBe(0);
  listener.disconnect();
  await survivor.store.close();
  await survivor.stop();
});
