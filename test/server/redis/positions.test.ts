import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { partitionOf, RedisKeys } from '../../../server/redis/keys.ts';
import type { RedisSeams } from '../../../server/redis/redis-seams.ts';
import { trigger } from '../../support/api-client.ts';
import { APP } from '../../support/broker.ts';
import { RawClient } from '../../support/raw-client.ts';
import { RedisServer } from '../../support/redis-server.ts';
import { until } from '../../support/until.ts';
import { startRedisNode, startSeams, type TestRedisNode } from './nodes.ts';

const MINUTE = 60_000;
const keys = new RedisKeys('');
let server: RedisServer;
let client: Redis;
beforeAll(async () => {
  server = await RedisServer.start();
  client = new Redis({ port: server.port });
});
const running: (RedisSeams | TestRedisNode)[] = [];
afterEach(async () => {
  for (const one of running.splice(0)) {
    if ('kill' in one) one.kill();
    else await one.stop();
  }
  await client.flushall();
});
afterAll(async () => {
  client.disconnect();
  await server.dispose();
});

async function seams(): Promise<RedisSeams> {
  const started = await startSeams(server.port);
  running.push(started);
  return started;
}

async function node(settings: Record<string, unknown> = {}): Promise<TestRedisNode> {
  const started = await startRedisNode(server.port, { settings });
  running.push(started);
  return started;
}

const ttlOf = (channel: string): Promise<number> => client.pttl(keys.position(APP.id, channel));
const publish = (of: RedisSeams, channel: string, keepSeconds?: number) =>
  of.broker.publish({ appId: APP.id, channel, frame: '{"event":"e"}', keepSeconds });
async function count(of: RedisSeams, channel: string, number: number): Promise<void> {
  of.store.setSubscriptionCount(APP.id, channel, number);
  await of.settled();
}

// Whoever entered and left one channel after the other left a position in Redis for an hour for each.
test.for(['news', 'private-a', 'presence-a', 'cache-a'])(
  'of %s, once it is empty and keeps nothing, go within a minute',
  async (channel) => {
    const [one, other] = [await seams(), await seams()];
    await count(one, channel, 2);
    await count(other, channel, 1);
    await publish(one, channel);
    expect(await ttlOf(channel)).toBeGreaterThan(50 * MINUTE);
    await count(one, channel, 0);
    // The other is still there, and has to find gaps.
    expect(await ttlOf(channel)).toBeGreaterThan(50 * MINUTE);
    await count(other, channel, 0);
    expect(await ttlOf(channel)).toBeLessThanOrEqual(MINUTE);
    expect(await client.exists(keys.counts(APP.id, channel), keys.announced(APP.id, channel))).toBe(0);
    // Whoever comes before that goes on with it.
    await count(other, channel, 1);
    expect(await ttlOf(channel)).toBeGreaterThan(50 * MINUTE);
  },
);

test('of a presence channel that was joined and left again at once, without a subscription, go likewise', async () => {
  const one = await seams();
  const member = { userId: 'u', userIdJson: '"u"', userInfoJson: undefined };
  await one.store.join(APP.id, 'presence-a', '1.1', member, 100);
  expect(await ttlOf('presence-a')).toBeGreaterThan(50 * MINUTE);
  await one.store.leave(APP.id, 'presence-a', '1.1', 'u');
  expect(await ttlOf('presence-a')).toBeLessThanOrEqual(MINUTE);
});

test('of a channel that keeps an event last longer than the event', async () => {
  const one = await seams();
  for (const seconds of [1, 600, 3600, 86_400]) {
    const channel = `cache-${seconds}`;
    await count(one, channel, 1);
    await publish(one, channel, seconds);
    await count(one, channel, 0);
    expect(await ttlOf(channel)).toBeGreaterThan(await client.pttl(keys.lastEvent(APP.id, channel)));
    expect(await ttlOf(channel)).toBeGreaterThan(50 * MINUTE);
  }
});

test('of a channel that keeps an event by its name stay as long as the event', async () => {
  const one = await seams();
  await count(one, 'news', 1);
  const keepNamed = { name: 'metrics', seconds: 7200 };
  await one.broker.publish({ appId: APP.id, channel: 'news', frame: 'f', keepNamed });
  await count(one, 'news', 0);
  expect(await ttlOf('news')).toBeGreaterThan(await client.pttl(keys.lastEvent(APP.id, 'news', 'metrics')));
});

test('of a node that died stay: it may be cut off only, and look for what it missed', async () => {
  const survivor = await seams();
  await count(survivor, 'news', 1);
  await publish(survivor, 'news');
  await client.hset(keys.counts(APP.id, 'news'), 'dead', '1');
  await client.sadd(keys.nodeChannels('dead', partitionOf(APP.id, 'news')), `${APP.id}/news`);
  await client.hdel(keys.counts(APP.id, 'news'), ...(await client.zrange(keys.nodes(), '0', '-1')));
  await client.zadd(keys.nodes(), '1', 'dead');
  await survivor.settled();
  expect(await client.exists(keys.counts(APP.id, 'news'))).toBe(0);
  expect(await ttlOf('news')).toBeGreaterThan(50 * MINUTE);
});

test('that nodes still know are gone: the next messages arrive once, everywhere, and nothing was missed', async () => {
  const nodes = [await node(), await node()];
  const clients = await Promise.all(nodes.map(({ wsUrl }) => RawClient.connect(wsUrl)));
  for (const one of clients) await one.subscribed('private-a');
  const event = (data: string) => ({ name: 'e', channel: 'private-a', data });
  const next = async (one: RawClient): Promise<unknown> => {
    let frame = await one.next();
    while (frame.event !== 'e') frame = await one.next();
    return frame.data;
  };
  for (const data of ['1', '2', '3']) {
    expect((await trigger(nodes[0]?.url ?? '', event(data))).status).toBe(200);
    for (const one of clients) expect(await next(one)).toBe(data);
    const before = Number(await client.hget(keys.position(APP.id, 'private-a'), 'position'));
    await client.del(keys.position(APP.id, 'private-a'));
    expect((await trigger(nodes[1]?.url ?? '', event(`${data} anew`))).status).toBe(200);
    for (const one of clients) expect(await next(one)).toBe(`${data} anew`);
    expect(Number(await client.hget(keys.position(APP.id, 'private-a'), 'position'))).toBeGreaterThan(before);
  }
  for (const { log } of nodes) expect(log.filter(({ msg }) => String(msg).includes('missed'))).toEqual([]);
  await Promise.all(clients.map((one) => one.close()));
});

// A cache channel whose event was kept for longer than an hour let nobody in after that hour.
test('of a kept event are gone: whoever subscribes is handed the event all the same', async () => {
  const one = await node({ 'channelLimits.cacheTtl': 86_400 });
  expect((await trigger(one.url, { name: 'e', channel: 'cache-a', data: 'kept' })).status).toBe(200);
  await until(async () => (await client.exists(keys.lastEvent(APP.id, 'cache-a'))) === 1);
  await client.del(keys.position(APP.id, 'cache-a'));
  const late = await RawClient.connect(one.wsUrl);
  await late.subscribed('cache-a');
  expect(await late.next('e')).toMatchObject({ channel: 'cache-a', data: 'kept' });
  await late.close();
});
