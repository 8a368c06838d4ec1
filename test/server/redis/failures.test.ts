import { afterEach, beforeEach, expect, test } from 'vitest';
import { read, trigger } from '../../support/api-client.ts';
import { APP } from '../../support/broker.ts';
import { RawClient } from '../../support/raw-client.ts';
import { RedisServer } from '../../support/redis-server.ts';
import { TcpProxy } from '../../support/tcp-proxy.ts';
import { untilEqual } from '../../support/until.ts';
import { startRedisNode, type TestRedisNode } from './nodes.ts';

const ROOM = 'presence-room';
/** Short, so that the tests need not wait long for what they are about. */
const NODE_TIMEOUT_MS = 1500;

let redis: RedisServer;
let proxy: TcpProxy;
let nodes: TestRedisNode[];
beforeEach(async () => {
  redis = await RedisServer.start();
  proxy = await TcpProxy.start(redis.port);
  nodes = await Promise.all(
    [redis.port, redis.port, proxy.port].map((port) => startRedisNode(port, { nodeTimeoutMs: NODE_TIMEOUT_MS })),
  );
});
afterEach(async () => {
  for (const node of nodes) node.kill();
  await proxy.close();
  await redis.dispose();
});

/** A connection in the room, by the user's id; on one of the nodes. */
async function enter(node: number, userId: string): Promise<RawClient> {
  const client = await RawClient.connect(nodes[node]?.wsUrl ?? '');
  await client.subscribed(ROOM, JSON.stringify({ user_id: userId }));
  return client;
}

/** What a client was told of members, such as `+bob`, up to a number of tellings. */
async function told(client: RawClient, count: number): Promise<string[]> {
  const changes: string[] = [];
  while (changes.length < count) {
    const { event, data } = await client.next();
    const { user_id: id } = JSON.parse(String(data)) as { user_id: string };
    changes.push(`${event.endsWith('added') ? '+' : '-'}${id}`);
  }
  return changes;
}

async function users(node: number): Promise<string[]> {
  const { users } = (await read(nodes[node]?.url ?? '', `/channels/${ROOM}/users`)) as { users: { id: string }[] };
  return users.map(({ id }) => id).sort();
}

test('takes out what a dead node had, and tells each watcher once', async () => {
  const [ann, bob] = [await enter(0, 'ann'), await enter(1, 'bob')];
  expect(await told(ann, 1)).toEqual(['+bob']);
  for (const id of ['cid', 'bob', 'dan']) await enter(2, id);
  expect(await told(ann, 2)).toEqual(['+cid', '+dan']);
  nodes[2]?.kill();
  expect((await told(ann, 2)).sort()).toEqual(['-cid', '-dan']);
  expect((await told(bob, 4)).sort()).toEqual(['+cid', '+dan', '-cid', '-dan']);
  expect(await users(0)).toEqual(['ann', 'bob']);
  await untilEqual(() => nodes[1]?.server.node.store.connectionCount(APP.id), 2);
  expect(await ann.flush()).toEqual([]);
  const sweeps = () =>
    nodes.flatMap(({ log }) => log).filter(({ msg }) => String(msg).includes('another node was lost')).length;
  // The sweeper's last step is the log line.
  await untilEqual(sweeps, 1);
});

test('brings members back when a node was cut off for longer than its lease', async () => {
  const [ann, bob] = [await enter(0, 'ann'), await enter(2, 'bob')];
  expect(await told(ann, 1)).toEqual(['+bob']);
  proxy.cut();
  expect(await told(ann, 1)).toEqual(['-bob']);
  proxy.mend();
  expect(await told(ann, 1)).toEqual(['+bob']);
  expect(await users(1)).toEqual(['ann', 'bob']);
  await bob.close();
  expect(await told(ann, 1)).toEqual(['-bob']);
});

test('is right again after Redis came back empty, and nobody sees a member twice', async () => {
  const [ann, bob, cid] = [await enter(0, 'ann'), await enter(1, 'bob'), await enter(2, 'cid')];
  expect(await told(ann, 2)).toEqual(['+bob', '+cid']);
  const reader = await RawClient.connect(nodes[1]?.wsUrl ?? '');
  await reader.subscribed('news');
  await redis.kill();
  // Goes while Redis is away: the others can only learn of it afterwards.
  await cid.close();
  await redis.run();
  expect(await told(ann, 1)).toEqual(['-cid']);
  expect(await told(bob, 2)).toEqual(['+cid', '-cid']);
  expect(await users(0)).toEqual(['ann', 'bob']);
  const counts = { channels: { news: { subscription_count: 1 }, [ROOM]: { subscription_count: 2 } } };
  expect(await read(nodes[0]?.url ?? '', '/channels', { info: 'subscription_count' })).toEqual(counts);
  expect((await trigger(nodes[2]?.url ?? '', { name: 'e', channel: 'news', data: '1' })).status).toBe(200);
  for (let event = ''; event !== 'e'; ) ({ event } = await reader.next());
  await enter(2, 'dan');
  expect(await told(ann, 1)).toEqual(['+dan']);
  expect(await ann.flush()).toEqual([]);
});

test('leaves nothing behind when it stops', async () => {
  const ann = await enter(0, 'ann');
  await enter(2, 'bob');
  expect(await told(ann, 1)).toEqual(['+bob']);
  await nodes[2]?.server.stop();
  expect(await told(ann, 1)).toEqual(['-bob']);
  expect(await users(1)).toEqual(['ann']);
});

test('stops while Redis is away, though somebody waits for it', async () => {
  proxy.cut();
  const waiting = await RawClient.connect(nodes[2]?.wsUrl ?? '');
  waiting.subscribe(ROOM, '{"user_id":"late"}');
  waiting.subscribe('later');
  await waiting.flush();
  await nodes[2]?.server.stop();
  expect((await waiting.closed()).code).toBe(4200);
});
