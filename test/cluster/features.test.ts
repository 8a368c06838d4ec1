import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { watchChannelName } from '../../channels/local-channel.ts';
import { RedisKeys } from '../../server/redis/keys.ts';
import { call, read, trigger } from '../support/api-client.ts';
import { APP, FULL_APP } from '../support/broker.ts';
import { type Frame, RawClient } from '../support/raw-client.ts';
import { until, untilEqual } from '../support/until.ts';
import { Cluster } from './cluster.ts';

const EVENT = 'rvm.status.updated';
const FENCE = 'fence';
const SMALL_APP = { id: '4', key: 'small', secret: 's', maxConnections: 5 };
/** Above what a test that asks every 20 ms lets pass. */
const RATED_APP = { id: '5', key: 'rated', secret: 'r', maxBackendEventsPerSecond: 100 };

let cluster: Cluster;
let redis: Redis;
beforeAll(async () => {
  cluster = await Cluster.start({ apps: [FULL_APP, SMALL_APP, RATED_APP] });
  redis = new Redis(cluster.redis.port, '127.0.0.1');
});
afterAll(async () => {
  redis.disconnect();
  await cluster.stop();
});

const connect = (node: number): Promise<RawClient> => cluster.node(node).connect();

function publish(node: number, channel: string, data: string, more: object = {}): Promise<number> {
  return cluster.node(node).publish(channel, EVENT, data, more);
}

/** A client on each of some nodes, subscribed to a channel. */
async function subscribers(channel: string, ...nodes: number[]): Promise<RawClient[]> {
  const clients = await Promise.all(nodes.map(connect));
  for (const client of clients) await client.subscribed(channel);
  return clients;
}

async function signedIn(node: number, userData: object): Promise<RawClient> {
  const client = await connect(node);
  client.signIn(JSON.stringify(userData));
  await client.next('pusher:signin_success');
  return client;
}

/** The next frame with an event; others before it are passed over. */
async function untilEvent(client: RawClient, event: string): Promise<Frame> {
  for (;;) {
    const frame = await client.next();
    if (frame.event === event) return frame;
  }
}

/**
 * All that was published before this call and is for the client, of one event's name: Redis hands a node everything in the order in
 * which it was published, so that what comes after it comes last.
 */
async function heard(client: RawClient, event: string): Promise<unknown[]> {
  client.subscribe(FENCE);
  const frames: Frame[] = [];
  do frames.push(await client.next());
  while (!frames.some(({ event, channel }) => channel === FENCE && event === 'pusher_internal:subscription_succeeded'));
  expect(await publish(0, FENCE, 'fence')).toBe(200);
  do frames.push(await client.next());
  while (!frames.some(({ event, channel }) => channel === FENCE && event === EVENT));
  client.send({ event: 'pusher:unsubscribe', data: { channel: FENCE } });
  return frames.filter((frame) => frame.event === event && frame.channel !== FENCE).map(({ data }) => data);
}

async function closeAll(...clients: RawClient[]): Promise<void> {
  await Promise.all(clients.map((client) => client.close()));
}

describe('events', () => {
  test('leave out the connection that the publisher names, on whichever node it is', async () => {
    const clients = await subscribers('scada', 0, 1, 1, 2);
    for (const publisher of [0, 1, 2]) {
      for (const [index, { socketId }] of clients.entries()) {
        expect(await publish(publisher, 'scada', `not for ${index}`, { socket_id: socketId })).toBe(200);
      }
    }
    const others = (index: number): string[] =>
      [0, 1, 2, 3].filter((each) => each !== index).map((each) => `not for ${each}`);
    for (const [index, client] of clients.entries()) {
      expect(await heard(client, EVENT)).toEqual([...others(index), ...others(index), ...others(index)]);
    }
    await closeAll(...clients);
  });

  test('of a batch leave it out as well, each its own', async () => {
    const [first, second] = (await subscribers('private-batch', 0, 1)) as [RawClient, RawClient];
    const event = { name: EVENT, channel: 'private-batch' };
    const { status } = await call(cluster.node(2).url, 'POST', `/apps/${APP.id}/batch_events`, {
      body: {
        batch: [
          { ...event, data: 'for the second', socket_id: first.socketId },
          { ...event, data: 'for the first', socket_id: second.socketId },
          { ...event, data: 'for both' },
        ],
      },
    });
    expect(status).toBe(200);
    expect(await heard(first, EVENT)).toEqual(['for the first', 'for both']);
    expect(await heard(second, EVENT)).toEqual(['for the second', 'for both']);
    await closeAll(first, second);
  });

  test('of a cache channel are kept where nobody listened, for whoever comes on any node', async () => {
    for (const channel of ['cache-levels', 'private-cache-levels']) {
      expect(await publish(0, channel, 'one')).toBe(200);
      expect(await publish(0, channel, 'two')).toBe(200);
      for (const client of await subscribers(channel, 1, 2)) {
        expect(await client.next()).toMatchObject({ event: EVENT, channel, data: 'two' });
        await client.close();
      }
      expect(await read(cluster.node(2).url, `/channels/${channel}`, { info: 'cache' })).toMatchObject({
        cache: { data: 'two' },
      });
    }
    const [early] = (await subscribers('cache-empty', 1)) as [RawClient];
    expect(await early.next()).toMatchObject({ event: 'pusher:cache_miss', channel: 'cache-empty' });
    await early.close();
  });

  test('of clients reach the others on all nodes, and never the sender', async () => {
    const users = ['ann', 'bob', 'cid', 'dan'];
    const clients = await Promise.all([0, 0, 1, 2].map(connect));
    for (const [index, client] of clients.entries()) {
      await client.subscribed('presence-talk', JSON.stringify({ user_id: users[index] }));
    }
    for (const [index, client] of clients.entries()) {
      client.send({ event: 'client-wave', channel: 'presence-talk', data: users[index] });
      for (const other of clients.filter((each) => each !== client)) {
        const user = users[index];
        expect(await untilEvent(other, 'client-wave')).toMatchObject({ data: user, user_id: user });
      }
    }
    for (const client of clients) expect(await heard(client, 'client-wave')).toEqual([]);
    await closeAll(...clients);
  });
});

describe('users', () => {
  test('get what is sent to them on all their nodes, and nobody else does', async () => {
    const ann = await Promise.all([1, 2, 2].map((node) => signedIn(node, { id: 'ann' })));
    const bob = await signedIn(1, { id: 'bob' });
    for (const client of ann) await client.subscribed('#server-to-user-ann');
    await bob.subscribed('#server-to-user-bob');
    expect(await publish(0, '#server-to-user-ann', 'hello')).toBe(200);
    for (const client of ann) expect(await heard(client, EVENT)).toEqual(['hello']);
    expect(await heard(bob, EVENT)).toEqual([]);
    await closeAll(...ann, bob);
  });

  test('are terminated on all nodes by a request to any; who only has the same id in a channel stays', async () => {
    const mallory = await Promise.all([0, 1, 2].map((node) => signedIn(node, { id: 'mallory' })));
    const member = await connect(1);
    await member.subscribed('presence-hall', '{"user_id":"mallory"}');
    const path = `/apps/${APP.id}/users/mallory/terminate_connections`;
    expect((await call(cluster.node(2).url, 'POST', path, { body: '{}' })).status).toBe(200);
    for (const client of mallory) expect(await client.closed()).toMatchObject({ code: 4009 });
    expect(await publish(0, 'presence-hall', 'still here')).toBe(200);
    expect(await heard(member, EVENT)).toEqual(['still here']);
    await member.close();
  });

  test('come online once and go offline once, however many connections they have on however many nodes', async () => {
    const offline = '{"events":[{"name":"offline","user_ids":["eve"]}]}';
    const online = '{"events":[{"name":"online","user_ids":["eve"]}]}';
    const watchers = await Promise.all([0, 1, 2].map((node) => signedIn(node, { id: `w${node}`, watchlist: ['eve'] })));
    for (const watcher of watchers) expect(await heard(watcher, WATCHLIST)).toEqual([offline]);
    const [first, second, third] = [
      await signedIn(1, { id: 'eve' }),
      await signedIn(1, { id: 'eve' }),
      await signedIn(0, { id: 'eve' }),
    ];
    for (const watcher of watchers) expect(await heard(watcher, WATCHLIST)).toEqual([online]);
    const late = await signedIn(2, { id: 'late', watchlist: ['eve'] });
    expect(await heard(late, WATCHLIST)).toEqual([online]);
    await closeAll(first, third);
    await untilEqual(() => redis.hlen(new RedisKeys('').sockets(APP.id, watchChannelName('eve'))), 1);
    for (const watcher of watchers) expect(await heard(watcher, WATCHLIST)).toEqual([]);
    await second.close();
    for (const watcher of [...watchers, late]) {
      expect((await untilEvent(watcher, WATCHLIST)).data).toBe(offline);
      expect(await heard(watcher, WATCHLIST)).toEqual([]);
    }
    await closeAll(...watchers, late);
  });
});

describe('numbers', () => {
  test('of subscriptions are told to the subscribers of all nodes', async () => {
    const clients: RawClient[] = [];
    // The announcement of one subscription may tell of the next already.
    const untilCount = async (client: RawClient, count: number): Promise<void> => {
      while ((await untilEvent(client, COUNT)).data !== `{"subscription_count":${count}}`);
    };
    for (const [index, node] of [0, 1, 2, 2].entries()) {
      clients.push(...(await subscribers('private-counted', node)));
      for (const client of clients) await untilCount(client, index + 1);
    }
    for (let left = clients.length - 1; left > 0; left -= 1) {
      await clients.pop()?.close();
      for (const client of clients) await untilCount(client, left);
    }
    await closeAll(...clients);
  });

  test('are the same in the HTTP answers of every node', async () => {
    const [first, second, third] = (await subscribers('same-public', 0, 1, 1)) as [RawClient, RawClient, RawClient];
    await first.subscribed('presence-same', '{"user_id":"ann"}');
    await second.subscribed('presence-same', '{"user_id":"ann"}');
    await third.subscribed('presence-same', '{"user_id":"bob"}');
    for (const { url } of cluster.nodes) {
      const answers = async (): Promise<unknown[]> => [
        await read(url, '/channels', { filter_by_prefix: 'same-', info: 'subscription_count' }),
        await read(url, '/channels', { filter_by_prefix: 'presence-same', info: 'user_count' }),
        await read(url, '/channels/same-public', { info: 'subscription_count' }),
        await read(url, '/channels/presence-same', { info: 'user_count' }),
        await read(url, '/channels/same-vacant', { info: 'subscription_count' }),
      ];
      await untilEqual(answers, [
        { channels: { 'same-public': { subscription_count: 3 } } },
        { channels: { 'presence-same': { user_count: 2 } } },
        { occupied: true, subscription_count: 3 },
        { occupied: true, user_count: 2 },
        { occupied: false, subscription_count: 0 },
      ]);
    }
    for (const node of cluster.nodes) expect(await node.users('presence-same')).toEqual(['ann', 'bob']);
    await closeAll(first, second, third);
  });

  test('of connections are exact: all nodes together let in as many as the app may have', async () => {
    const knock = (node: number): RawClient => new RawClient(`ws://127.0.0.1:${cluster.node(node).port}/app/small`);
    const isIn = async (client: RawClient): Promise<boolean> => {
      const frame = await client.next();
      if (frame.event === 'pusher:connection_established') return true;
      expect(frame).toMatchObject({ event: 'pusher:error', data: { code: 4004 } });
      expect(await client.closed()).toMatchObject({ code: 4004 });
      return false;
    };
    const clients = Array.from({ length: 30 }, (_, index) => knock(index % 3));
    const admitted = await Promise.all(clients.map(isIn));
    const members = clients.filter((_, index) => admitted[index]);
    expect(members).toHaveLength(SMALL_APP.maxConnections);
    // A place that gets free is one for the clients of all nodes, and only one.
    await members.pop()?.close();
    for (let node = 0; members.length < SMALL_APP.maxConnections; node = (node + 1) % 3) {
      const client = knock(node);
      if (await isIn(client)) members.push(client);
    }
    for (const node of [0, 1, 2]) expect(await isIn(knock(node))).toBe(false);
    await closeAll(...members);
  });

  test('of events that an app may publish hold over all nodes: what the others publish is taken from the allowance of each', async () => {
    const ask = (node: number, channels: readonly string[] = ['c']) =>
      trigger(cluster.node(node).url, { name: EVENT, channels, data: '' }, { app: RATED_APP });
    // An event counts once per channel: that is over the limit on a slow machine, too.
    const many = Array.from({ length: 20 }, (_, index) => `c-${index}`);
    let isOver = false;
    const flood = async (node: number): Promise<void> => {
      while (!isOver) await ask(node, many);
    };
    const floods = [flood(0), flood(1)];
    let answer = await ask(2);
    // By itself this node would never refuse: at this pace it lets pass less than its allowance gets back.
    await until(async () => {
      answer = await ask(2);
      return answer.status !== 200;
    });
    isOver = true;
    await Promise.all(floods);
    expect([answer.status, answer.text]).toEqual([429, expect.stringContaining('maxBackendEventsPerSecond')]);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  });
});

const COUNT = 'pusher_internal:subscription_count';
const WATCHLIST = 'pusher_internal:watchlist_events';
