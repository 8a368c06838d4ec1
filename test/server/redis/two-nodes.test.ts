import { afterAll, beforeAll, expect, test } from 'vitest';
import { read, trigger } from '../../support/api-client.ts';
import { RawClient } from '../../support/raw-client.ts';
import { RedisServer } from '../../support/redis-server.ts';
import { TcpProxy } from '../../support/tcp-proxy.ts';
import { untilEqual } from '../../support/until.ts';
import { startRedisNode, type TestRedisNode } from './nodes.ts';

let redis: RedisServer;
let proxy: TcpProxy;
let a: TestRedisNode;
let b: TestRedisNode;
beforeAll(async () => {
  redis = await RedisServer.start();
  proxy = await TcpProxy.start(redis.port);
  a = await startRedisNode(redis.port);
  b = await startRedisNode(proxy.port);
});
afterAll(async () => {
  await Promise.all([a.server.stop(), b.server.stop()]);
  await proxy.close();
  await redis.dispose();
});

test('delivers each event once and in one order on both nodes', async () => {
  const clients = await Promise.all([a, b, a, b].map(({ wsUrl }) => RawClient.connect(wsUrl)));
  for (const client of clients) await client.subscribed('news');
  await Promise.all(
    Array.from({ length: 200 }, (_, n) => trigger((n % 2 ? a : b).url, { name: 'n', channel: 'news', data: `${n}` })),
  );
  const orders = await Promise.all(
    clients.map(async (client) => {
      const seen: string[] = [];
      while (seen.length < 200) {
        const frame = await client.next();
        if (frame.event === 'n') seen.push(String(frame.data));
      }
      return seen;
    }),
  );
  for (const order of orders) expect(order).toEqual(orders[0]);
  expect(new Set(orders[0]).size).toBe(200);
  await Promise.all(clients.map((client) => client.close()));
});

test('shows the same members on both nodes, and each coming and going once', async () => {
  const watcher = await RawClient.connect(a.wsUrl);
  await watcher.subscribed('presence-room', '{"user_id":"w"}');
  const tabs = await Promise.all([a, b, b].map(({ wsUrl }) => RawClient.connect(wsUrl)));
  for (const tab of tabs) await tab.subscribed('presence-room', '{"user_id":"u"}');
  expect((await watcher.next()).event).toBe('pusher_internal:member_added');
  for (const { url } of [a, b]) {
    const { users } = (await read(url, '/channels/presence-room/users')) as { users: unknown[] };
    expect(users).toHaveLength(2);
  }
  for (const tab of tabs) await tab.close();
  expect((await watcher.next()).event).toBe('pusher_internal:member_removed');
  expect(await watcher.flush()).toEqual([]);
  await watcher.close();
});

test('tells a publisher who received the event, as the nodes have written it', async () => {
  const [near, far, other] = await Promise.all([a, b, b].map(({ wsUrl }) => RawClient.connect(wsUrl)));
  if (!near || !far || !other) throw new Error('no clients');
  const ask = async (socket_id?: string): Promise<unknown> => {
    const event = {
      name: 'n',
      channels: ['private-told', '#server-to-user-ann'],
      data: '',
      info: 'receivers',
      socket_id,
    };
    return JSON.parse((await trigger(a.url, event)).text).channels;
  };
  const receivers = (connections: number, nodes: number): object => ({ receivers: { connections, nodes } });
  for (const client of [near, far]) {
    client.signIn('{"id":"ann"}');
    await client.next('pusher:signin_success');
    await client.subscribed('#server-to-user-ann');
  }
  for (const client of [near, far, other]) await client.subscribed('private-told');
  const info = { info: 'subscription_count' };
  await untilEqual(() => read(a.url, '/channels/private-told', info), { occupied: true, subscription_count: 3 });
  expect(await ask()).toEqual({ 'private-told': receivers(3, 2), '#server-to-user-ann': receivers(2, 2) });
  expect(await ask(near.socketId)).toEqual({ 'private-told': receivers(2, 1), '#server-to-user-ann': receivers(1, 1) });
  // Of a channel other nodes have written a number only.
  expect(await ask(far.socketId)).toEqual({ 'private-told': receivers(3, 2), '#server-to-user-ann': receivers(1, 1) });
  await Promise.all([near, far, other].map((client) => client.close()));
});

test('waits with a subscription while Redis is away, answers 503 to a publish, and goes on when it is back', async () => {
  const before = await RawClient.connect(b.wsUrl);
  await before.subscribed('steady');
  await before.next('pusher_internal:subscription_count');
  proxy.cut();
  const answer = await trigger(b.url, { name: 'e', channel: 'steady', data: '1' });
  expect([answer.status, answer.text]).toEqual([503, expect.stringContaining('Redis')]);
  expect((await fetch(`${b.url}/ready`)).status).toBe(503);
  const late = await RawClient.connect(b.wsUrl);
  late.subscribe('later');
  expect(await late.flush()).toEqual([]);
  proxy.mend();
  await late.next('pusher_internal:subscription_succeeded');
  await trigger(a.url, { name: 'e', channel: 'steady', data: '2' });
  expect((await before.next('e')).data).toBe('2');
  await Promise.all([before, late].map((client) => client.close()));
});

test('ends the subscribers of a channel that missed an event, and no others', async () => {
  const [missing, steady] = [await RawClient.connect(b.wsUrl), await RawClient.connect(b.wsUrl)];
  await missing.subscribed('gap');
  await steady.subscribed('no-gap');
  // The positions of both channels are known from here on.
  for (const channel of ['gap', 'no-gap']) await trigger(a.url, { name: 'e', channel, data: '1' });
  proxy.cut();
  expect((await trigger(a.url, { name: 'e', channel: 'gap', data: 'lost on b' })).status).toBe(200);
  proxy.mend();
  const end = await missing.closed();
  expect(end.code).toBe(4200);
  await trigger(a.url, { name: 'e', channel: 'no-gap', data: '2' });
  for (;;) {
    const { event, data } = await steady.next();
    if (event === 'e' && data === '2') break;
  }
  await steady.close();
});
