import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call, read, trigger } from '../support/api-client.ts';
import { APP, FULL_APP } from '../support/broker.ts';
import { RawClient } from '../support/raw-client.ts';
import { WorkersBroker } from '../support/workers.ts';

let workers: WorkersBroker;
beforeAll(async () => {
  const app = { ...FULL_APP, feeds: [{ path: '/servers', channel: 'servers', last: 'metrics' }] };
  workers = await WorkersBroker.start({ apps: [app, { id: '4', key: 'small', secret: 's', maxConnections: 5 }] });
});
afterAll(() => workers.broker.kill());

/** A client on each worker, subscribed to a channel. */
async function pair(channel: string, ...channelData: string[]): Promise<[RawClient, RawClient]> {
  const [first, second] = await workers.clientOfEach();
  if (!first || !second) throw new Error('fewer than two workers');
  await first.subscribed(channel, channelData[0]);
  await second.subscribed(channel, channelData[1] ?? channelData[0]);
  return [first, second];
}

const publish = (channel: string, data: string, more: object = {}) =>
  trigger(workers.broker.url, { name: 'rvm.status.updated', channel, data, ...more });

async function closeAll(...clients: RawClient[]): Promise<void> {
  await Promise.all(clients.map((client) => client.close()));
}

/** Of the frames, the data of those with an event. */
function dataOf(frames: readonly string[], event: string): unknown[] {
  return frames.map((text) => JSON.parse(text)).flatMap((frame) => (frame.event === event ? [frame.data] : []));
}

describe('a feed', () => {
  test('begins with the last event of a name on each worker, and answers a plain GET with it', async () => {
    expect((await publish('servers', '{"cpu":1}', { name: 'metrics' })).text).toBe('{}');
    expect((await publish('servers', '"hot"', { name: 'alert' })).text).toBe('{}');
    for (let count = 0; count < 16; count += 1) {
      const headers = { Connection: 'close' };
      expect(await (await fetch(`${workers.broker.url}/servers`, { headers })).json()).toEqual({ cpu: 1 });
      const reader = new RawClient(`${workers.broker.wsUrl}/servers`);
      expect(await reader.nextText()).toBe('{"cpu":1}');
      await reader.close();
    }
  });
});

describe('events', () => {
  test('reach every subscriber on every worker once, in one order, whichever worker took them', async () => {
    const EVENTS = 1000;
    const clients = await Promise.all(Array.from({ length: 16 }, () => RawClient.connect(workers.broker.wsUrl)));
    clients.push(...(await workers.clientOfEach()));
    for (const client of clients) await client.subscribed('private-scada');
    const numbers = Array.from({ length: EVENTS }, (_, index) => String(index));
    const rest = [...numbers];
    const publishers = Array.from({ length: 8 }, async () => {
      for (let data = rest.shift(); data !== undefined; data = rest.shift()) {
        expect((await publish('private-scada', data)).text).toBe('{}');
      }
    });
    const orders = clients.map(async (client) => {
      const order: string[] = [];
      while (order.length < EVENTS) {
        const { event, data } = await client.next();
        if (event === 'rvm.status.updated') order.push(String(data));
      }
      expect(dataOf(await client.flush(), 'rvm.status.updated')).toEqual([]);
      return order.join();
    });
    await Promise.all(publishers);
    const [first = '', ...others] = await Promise.all(orders);
    expect(first.split(',').sort()).toEqual(numbers.sort());
    for (const order of others) expect(order).toBe(first);
    await closeAll(...clients);
  });

  test('of a client reach the others on all workers, and not the client itself', async () => {
    const [first, second] = await pair('private-talk');
    first.send({ event: 'client-wave', channel: 'private-talk', data: 'one' });
    expect(await untilEvent(second, 'client-wave')).toMatchObject({ data: 'one' });
    second.send({ event: 'client-wave', channel: 'private-talk', data: 'two' });
    expect(await untilEvent(first, 'client-wave')).toMatchObject({ data: 'two' });
    expect(dataOf(await second.flush(), 'client-wave')).toEqual([]);
    await closeAll(first, second);
  });

  test('leave out the connection that the publisher names, whichever worker is asked', async () => {
    const [first, second] = await pair('scada');
    for (let round = 0; round < 8; round += 1) {
      await publish('scada', `not for the first ${round}`, { socket_id: first.socketId });
      await publish('scada', `not for the second ${round}`, { socket_id: second.socketId });
    }
    await publish('scada', 'last');
    const heard = async (client: RawClient): Promise<string[]> => {
      const all: string[] = [];
      while (all.at(-1) !== 'last') all.push(String((await untilEvent(client, 'rvm.status.updated')).data));
      return all;
    };
    expect((await heard(first)).filter((data) => data.startsWith('not for the first'))).toEqual([]);
    const others = await heard(second);
    expect(others.filter((data) => data.startsWith('not for the second'))).toEqual([]);
    expect(others).toHaveLength(9);
    await closeAll(first, second);
  });

  test('of a cache channel are the first that a new subscriber gets, on every worker', async () => {
    await publish('cache-levels', 'one');
    await publish('cache-levels', 'two');
    for (const client of await workers.clientOfEach()) {
      await client.subscribed('cache-levels');
      expect(await client.next()).toMatchObject({ event: 'rvm.status.updated', data: 'two' });
      await client.close();
    }
    expect(await read(workers.broker.url, '/channels/cache-levels', { info: 'cache' })).toMatchObject({
      cache: { data: 'two' },
    });
  });
});

describe('presence', () => {
  test('is one roster: a user with a connection on each worker comes once and goes once', async () => {
    const [ann, ...tabs] = [...(await pair('presence-room', '{"user_id":"ann"}', '{"user_id":"bob"}'))];
    const [bob] = tabs;
    if (!ann || !bob) throw new Error('fewer than two workers');
    expect(await untilEvent(ann, 'pusher_internal:member_added')).toMatchObject({ data: '{"user_id":"bob"}' });
    const others = await workers.clientOfEach();
    for (const other of others) {
      const { data } = await other.subscribed('presence-room', '{"user_id":"eve"}');
      expect(JSON.parse(String(data)).presence.ids.sort()).toEqual(['ann', 'bob', 'eve']);
    }
    expect(await read(workers.broker.url, '/channels/presence-room', { info: 'user_count' })).toMatchObject({
      user_count: 3,
    });
    await closeAll(...others);
    for (const client of [ann, bob]) {
      expect(await untilEvent(client, 'pusher_internal:member_added')).toMatchObject({ data: '{"user_id":"eve"}' });
      expect(await client.next()).toMatchObject({
        event: 'pusher_internal:member_removed',
        data: '{"user_id":"eve"}',
      });
    }
    await closeAll(ann, bob);
  });

  test('counts subscriptions of all workers, and tells the subscribers', async () => {
    const [first, second] = await pair('private-counted');
    // The announcement of the first subscription may tell of the second already.
    const untilCount = async (count: number): Promise<void> => {
      while (JSON.parse(String((await untilEvent(first, COUNT)).data)).subscription_count !== count);
    };
    await untilCount(2);
    expect(await read(workers.broker.url, '/channels/private-counted', { info: 'subscription_count' })).toMatchObject({
      occupied: true,
      subscription_count: 2,
    });
    await second.close();
    await untilCount(1);
    await first.close();
  });
});

describe('the answer to a publisher', () => {
  test('tells how many connections of how many workers received the event, without the excluded one', async () => {
    const channels = ['private-told', '#server-to-user-eve'];
    const clients = await workers.clientOfEach();
    for (const client of clients) {
      client.signIn('{"id":"eve"}');
      await client.next('pusher:signin_success');
      await client.subscribed('#server-to-user-eve');
      await client.subscribed('private-told');
    }
    const third = await RawClient.connect(workers.broker.wsUrl);
    await third.subscribed('private-told');
    const ask = async (socket_id?: string): Promise<unknown> => {
      const event = { name: 'n', channels, data: '', info: 'receivers', socket_id };
      return JSON.parse((await trigger(workers.broker.url, event)).text).channels;
    };
    const receivers = (connections: number, nodes: number): object => ({ receivers: { connections, nodes } });
    expect(await ask()).toEqual({ 'private-told': receivers(3, 2), '#server-to-user-eve': receivers(2, 2) });
    expect(await ask(clients[0]?.socketId)).toMatchObject({
      'private-told': { receivers: { connections: 2 } },
      '#server-to-user-eve': receivers(1, 1),
    });
    await closeAll(...clients, third);
  });
});

describe('users', () => {
  test('are terminated on all workers', async () => {
    const clients = await workers.clientOfEach();
    for (const client of clients) {
      client.signIn('{"id":"mallory"}');
      await client.next('pusher:signin_success');
    }
    await call(workers.broker.url, 'POST', `/apps/${APP.id}/users/mallory/terminate_connections`, { body: '{}' });
    for (const client of clients) expect(await client.closed()).toMatchObject({ code: 4009 });
  });

  test('get what is sent to them on all workers', async () => {
    const clients = await workers.clientOfEach();
    for (const client of clients) {
      client.signIn('{"id":"ann"}');
      await client.next('pusher:signin_success');
      await client.subscribed('#server-to-user-ann');
    }
    await publish('#server-to-user-ann', 'hello');
    for (const client of clients)
      expect(await untilEvent(client, 'rvm.status.updated')).toMatchObject({ data: 'hello' });
    await closeAll(...clients);
  });

  test('are online on the watchlists of all workers until their last connection goes', async () => {
    const watchers = await workers.clientOfEach();
    for (const [index, watcher] of watchers.entries()) {
      watcher.signIn(`{"id":"watcher-${index}","watchlist":["bob"]}`);
      await watcher.next('pusher:signin_success');
      expect(await watcher.next('pusher_internal:watchlist_events')).toMatchObject({
        data: '{"events":[{"name":"offline","user_ids":["bob"]}]}',
      });
    }
    const connections = await workers.clientOfEach();
    for (const connection of connections) {
      connection.signIn('{"id":"bob"}');
      await connection.next('pusher:signin_success');
    }
    await closeAll(...connections);
    for (const watcher of watchers) {
      for (const name of ['online', 'offline']) {
        expect(await watcher.next('pusher_internal:watchlist_events')).toMatchObject({
          data: `{"events":[{"name":"${name}","user_ids":["bob"]}]}`,
        });
      }
    }
    await closeAll(...watchers);
  });
});

describe('numbers of the whole broker', () => {
  test('let in as many connections as the app may have, not as many on each worker', async () => {
    const clients = Array.from({ length: 40 }, () => new RawClient(`${workers.broker.wsUrl}/app/small`));
    const first = await Promise.all(clients.map((client) => client.next()));
    const refused = first.filter(({ event }) => event === 'pusher:error');
    expect(refused).toHaveLength(35);
    expect(refused[0]).toMatchObject({ data: { code: 4004 } });
    const isIn = (_: RawClient, index: number): boolean => first[index]?.event === 'pusher:connection_established';
    await Promise.all(clients.filter((client, index) => !isIn(client, index)).map((client) => client.closed()));
    await closeAll(...clients.filter(isIn));
  });

  test('are what each worker tells as usage', async () => {
    const clients = await Promise.all(Array.from({ length: 12 }, () => RawClient.connect(workers.broker.wsUrl)));
    clients.push(...(await workers.clientOfEach()));
    const answers = await workers.getFromEach('/usage');
    const usages = answers.map((answer) => JSON.parse(answer.replace('200 ', '')));
    expect(usages.map(({ connections }) => connections)).toEqual(usages.map(() => clients.length));
    // A process of Node.js takes some 40 MB at the least, and there are three.
    for (const { memory } of usages) expect(memory.used).toBeGreaterThan(3 * 30_000_000);
    await closeAll(...clients);
  });

  test('make every worker ready once all are', async () => {
    expect(await workers.getFromEach('/ready')).toEqual(['200 OK', '200 OK']);
  });
});

const COUNT = 'pusher_internal:subscription_count';

/** The next frame with an event; frames of other events before it are passed over. */
async function untilEvent(client: RawClient, event: string) {
  for (;;) {
    const frame = await client.next();
    if (frame.event === event) return frame;
  }
}
