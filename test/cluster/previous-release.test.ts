import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { read, trigger } from '../support/api-client.ts';
import { atLength } from '../support/at-length.ts';
import { Balancer } from '../support/balancer.ts';
import { freePort } from '../support/free-port.ts';
import { commandOf, installPreviousRelease, installThisRelease, ReleaseLink } from '../support/previous-release.ts';
import { type BrokerProcess, startProcess } from '../support/process.ts';
import { RawClient } from '../support/raw-client.ts';
import { RedisServer } from '../support/redis-server.ts';
import { until, untilEqual } from '../support/until.ts';
import { Visitor } from '../support/visitor.ts';
import { SteadyPublisher } from './steady.ts';

const USERS = ['ann', 'bob', 'cid', 'dan'];

let previous: string;
let redis: RedisServer;
beforeAll(async () => {
  previous = installPreviousRelease();
  redis = await RedisServer.start();
});
afterAll(() => redis.dispose());

const running: BrokerProcess[] = [];
afterEach(async () => {
  Visitor.leaveAll();
  await Promise.all(running.splice(0).map((broker) => broker.kill()));
});

async function startNode(options: { readonly command?: string; readonly port?: number } = {}): Promise<BrokerProcess> {
  const settings = {
    'adapter.driver': 'redis',
    'adapter.nodeTimeoutSeconds': 2,
    'database.redis.port': redis.port,
    'drain.seconds': 0.3,
  };
  const broker = await startProcess({ port: await freePort(), ...options, settings });
  running.push(broker);
  return broker;
}

async function nextOf(client: RawClient, event: string): Promise<unknown> {
  let frame = await client.next();
  while (frame.event !== event) frame = await client.next();
  return frame.data;
}

test('a node of the release before and one of this release are one broker', async () => {
  const [old, current] = [await startNode({ command: commandOf(previous) }), await startNode()];
  expect(String((await old.logged('listening')).version)).toMatch(/-previous$/);
  const [ann, bob] = [await RawClient.connect(old.wsUrl), await RawClient.connect(current.wsUrl)];
  for (const client of [ann, bob]) await client.subscribed('private-scada');
  for (const [from, data] of [
    [old, 'from the one before'],
    [current, 'from this one'],
  ] as const) {
    expect((await trigger(from.url, { name: 'e', channel: 'private-scada', data })).status).toBe(200);
    for (const client of [ann, bob]) expect(await nextOf(client, 'e')).toBe(data);
  }
  for (const [from, to] of [
    [ann, bob],
    [bob, ann],
  ] as const) {
    from.send({ event: 'client-typing', channel: 'private-scada', data: { by: from.socketId } });
    expect(await nextOf(to, 'client-typing')).toBe(JSON.stringify({ by: from.socketId }));
  }
  await ann.subscribed('presence-room', '{"user_id":"ann","user_info":{"name":"Änn"}}');
  const { data } = await bob.subscribed('presence-room', '{"user_id":"bob"}');
  expect(JSON.parse(String(data))).toMatchObject({ presence: { count: 2, ids: ['ann', 'bob'] } });
  expect(await nextOf(ann, 'pusher_internal:member_added')).toBe('{"user_id":"bob"}');
  for (const node of [old, current]) {
    expect(await read(node.url, '/channels/presence-room', { info: 'user_count' })).toMatchObject({ user_count: 2 });
    await untilEqual(() => read(node.url, '/channels/private-scada', { info: 'subscription_count' }), {
      occupied: true,
      subscription_count: 2,
    });
  }
  await trigger(old.url, { name: 'e', channel: 'cache-news', data: 'kept' });
  await bob.subscribed('cache-news');
  expect(await nextOf(bob, 'e')).toBe('kept');
  await ann.close();
  expect(await nextOf(bob, 'pusher_internal:member_removed')).toBe('{"user_id":"ann"}');
  await old.kill();
  await untilEqual(() => read(current.url, '/channels/private-scada', { info: 'subscription_count' }), {
    occupied: true,
    subscription_count: 1,
  });
});

atLength(undefined, test)?.(
  'a rolling update from the release before moves clients on, under steady publishing',
  async () => {
    const nodes = [
      await startNode({ command: commandOf(previous) }),
      await startNode({ command: commandOf(previous) }),
    ];
    const balancer = await Balancer.start(...nodes.map(({ port }) => port));
    const visitors = await Promise.all(USERS.map((user) => Visitor.arrive('8.6', user, balancer)));
    const publisher = new SteadyPublisher(`http://127.0.0.1:${balancer.port}`, 'news', 'p');
    for (const node of nodes) {
      await publisher.goOn(10);
      node.signal('SIGTERM');
      expect(await node.exited).toEqual({ code: 0, signal: null });
      await startNode({ port: node.port });
    }
    await until(() => visitors.every(({ isIn, members }) => isIn && members.length === USERS.length));
    await publisher.goOn(10);
    await publisher.stop();
    expect(publisher.refused.filter((answer) => !answer.startsWith('0 '))).toEqual([]);
    for (const { states } of visitors) {
      expect(states.filter((state) => state !== 'connected' && state !== 'connecting')).toEqual([]);
    }
    await balancer.stop();
  },
);

describe.each([1, 2])('a takeover from the release before (%i workers)', (workers) => {
  test('brings clients to this release', async () => {
    const link = new ReleaseLink(previous);
    const broker = await startProcess({
      command: commandOf(link.path),
      port: await freePort(),
      settings: { workers },
      args: ['--supervised'],
    });
    running.push(broker);
    const visitors = await Promise.all(USERS.map((user) => Visitor.arrive('8.6', user, broker)));
    link.pointTo(installThisRelease());
    broker.signal('SIGUSR2');
    const { version } = await broker.logged('listening', 2);
    expect(String(version)).not.toContain('previous');
    await broker.logged('takeover: the former broker has ended');
    await until(() => visitors.every(({ isIn, socketIds }) => isIn && socketIds.size === 2));
    await until(() => visitors.every(({ members }) => members.length === USERS.length));
  });
});
