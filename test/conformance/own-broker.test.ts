import { createServer } from 'node:net';
import PusherSdk from 'pusher';
import { afterEach, describe, expect, test } from 'vitest';
import type { Connection } from '../../channels/connection.ts';
import { Pusher, type PusherOptions } from '../e2e/scenarios/pusher.ts';
import { read, trigger } from '../support/api-client.ts';
import { APP, startBroker, type TestBroker } from '../support/broker.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { RawClient } from '../support/raw-client.ts';
import { once } from './target.ts';

/** A broker with one app, which is stopped after the test. */
let broker: TestBroker | undefined;
async function start(app: Record<string, unknown> = {}, clock?: FakeClock): Promise<TestBroker> {
  broker = await startBroker({}, [{ ...APP, ...app }], clock);
  return broker;
}
afterEach(() => {
  broker?.kill();
  broker = undefined;
});

/** Resolves when the broker notes that something came from a client. */
function signOfLife(connection: Connection | undefined): Promise<void> {
  return new Promise((resolve) => {
    let seconds = connection?.lastReceivedSeconds ?? 0;
    Object.defineProperty(connection ?? {}, 'lastReceivedSeconds', {
      configurable: true,
      get: () => seconds,
      set(value: number) {
        seconds = value;
        resolve();
      },
    });
  });
}

/** How a client without manners is turned away. */
async function refusal({ wsUrl }: TestBroker, key: string = APP.key): Promise<unknown> {
  const { code, reason, before } = await new RawClient(`${wsUrl}/app/${key}?protocol=7`).closed();
  return { code, reason, before };
}

function refusedWith(code: number, message: string): unknown {
  return {
    code,
    reason: message,
    before: [JSON.stringify({ event: 'pusher:error', data: { code, message } })],
  };
}

describe('item 3:', () => {
  test('turns plain connections to an app for TLS away with 4000', async () => {
    expect(await refusal(await start({ forceTls: true }))).toEqual(
      refusedWith(4000, 'Application only accepts SSL connections, reconnect using wss://'),
    );
  });

  test('makes pusher-js come back with TLS', async () => {
    const { port } = await start({ forceTls: true });
    let firstByte: (byte: number | undefined) => void = () => {};
    const arrived = new Promise<number | undefined>((resolve) => {
      firstByte = resolve;
    });
    const tlsServer = createServer((socket) => {
      socket.once('data', (data) => {
        firstByte(data[0]);
        socket.destroy();
      });
      socket.on('error', () => {});
    });
    await new Promise<void>((resolve) => tlsServer.listen(0, '127.0.0.1', resolve));
    const address = tlsServer.address();
    const pusher = new Pusher(APP.key, {
      cluster: '',
      wsHost: '127.0.0.1',
      wsPort: port,
      wssPort: typeof address === 'object' && address ? address.port : 0,
      forceTLS: false,
      enabledTransports: ['ws', 'wss'],
    });
    // A TLS handshake begins with 22.
    expect(await arrived).toBe(22);
    pusher.disconnect();
    await new Promise((resolve) => tlsServer.close(resolve));
  });
});

describe('item 5:', () => {
  const timeout = 'Pong reply not received: ping was sent to the client, but no reply was received';

  test('pings a silent client in both ways, and closes it with 4201, however busy its channels are', async () => {
    const clock = new FakeClock(Date.now());
    const { wsUrl, url } = await start({}, clock);
    const client = await RawClient.connect(wsUrl, { autoPong: false });
    await client.subscribed('news');
    const pinged = new Promise((resolve) => client.ws.once('ping', resolve));
    const publish = (): Promise<unknown> =>
      trigger(url, { name: 'e', channel: 'news', data: 'x' }, { timestamp: Math.floor(clock.now() / 1000) });
    clock.advance(53_000);
    await publish();
    await client.next('e');
    clock.advance(1000);
    expect(await client.nextText()).toBe('{"event":"pusher:ping","data":"{}"}');
    await pinged;
    clock.advance(29_000);
    await publish();
    await client.next('e');
    clock.advance(1000);
    const error = JSON.stringify({ event: 'pusher:error', data: { code: 4201, message: timeout } });
    expect(await client.closed()).toEqual({ code: 4201, reason: timeout, before: [error] });
  });

  test('keeps a client whose WebSocket answers, though it says nothing', async () => {
    const clock = new FakeClock();
    const { wsUrl, node } = await start({}, clock);
    const client = await RawClient.connect(wsUrl);
    for (let round = 0; round < 3; round += 1) {
      const noted = signOfLife(node.connections.get(client.socketId));
      clock.advance(54_000);
      await client.next('pusher:ping');
      await noted;
    }
    clock.advance(30_000);
    expect(await client.flush()).toEqual([]);
    await client.close();
  });
});

describe('connections are refused', () => {
  test('with 4003 when the app is disabled', async () => {
    expect(await refusal(await start({ enabled: false }))).toEqual(refusedWith(4003, 'Application disabled'));
  });

  test('with 4004 over the quota', async () => {
    const own = await start({ maxConnections: 1 });
    const client = await RawClient.connect(own.wsUrl);
    const message = 'Application is over connection quota: limit 1 (maxConnections)';
    expect(await refusal(own)).toEqual(refusedWith(4004, message));
    await client.close();
    await (await RawClient.connect(own.wsUrl)).close();
  });

  test('with 4009 when they do not authorize themselves in time', async () => {
    const clock = new FakeClock();
    const { wsUrl } = await start({ enableUserAuthentication: true }, clock);
    const [client, member] = [await RawClient.connect(wsUrl), await RawClient.connect(wsUrl)];
    await member.subscribed('private-x');
    clock.advance(30_000);
    expect((await client.closed()).code).toBe(4009);
    expect(await member.flush()).toEqual([]);
    await member.close();
  });
});

// Cause: only objects were taken as user_info. Symptom: presence callbacks in Laravel that return `true`, a name or a list, as Soketi
// and Reverb allow, refused everybody.
test.for([true, 'Ann', ['admin', 7], 3.5])('beyond item 10: takes %j as user_info and hands it on', async (info) => {
  const { url, wsUrl, port } = await start();
  const watcher = await RawClient.connect(wsUrl);
  await watcher.subscribed('presence-hall', '{"user_id":"w"}');
  const sdk = new PusherSdk({ appId: APP.id, key: APP.key, secret: APP.secret, host: '127.0.0.1' });
  const pusher = new Pusher(APP.key, {
    cluster: '',
    wsHost: '127.0.0.1',
    wsPort: port,
    forceTLS: false,
    channelAuthorization: {
      customHandler: ({ socketId, channelName }, done) => {
        const data = { user_id: 'ann', user_info: info as unknown as Record<string, unknown> };
        done(null, sdk.authorizeChannel(socketId, channelName, data));
      },
    },
  } as PusherOptions);
  const channel = pusher.subscribe('presence-hall');
  const members = await once<{ members: unknown }>(channel, 'pusher:subscription_succeeded');
  expect(members.members).toEqual({ w: null, ann: info });
  const added = await watcher.next();
  expect(added.data).toBe(JSON.stringify({ user_id: 'ann', user_info: info }));
  expect(await read(url, '/channels/presence-hall/users', { with_user_info: '1' })).toEqual({
    users: [{ id: 'w' }, { id: 'ann', user_info: info }],
  });
  pusher.disconnect();
  await watcher.close();
});

test('item 12: keeps the last event of a cache channel no longer than its time', async () => {
  const clock = new FakeClock(Date.now());
  const { url, wsUrl } = await start({ cacheTtl: 30 }, clock);
  await trigger(url, { name: 'e', channel: 'cache-x', data: 'x' }, { timestamp: Math.floor(clock.now() / 1000) });
  const client = await RawClient.connect(wsUrl);
  clock.advance(29_000);
  await client.subscribed('cache-x');
  await client.next('e');
  client.send({ event: 'pusher:unsubscribe', data: { channel: 'cache-x' } });
  clock.advance(1000);
  await client.subscribed('cache-x');
  expect(await client.nextText()).toBe('{"event":"pusher:cache_miss","channel":"cache-x","data":"{}"}');
  await client.close();
});

describe('item 18:', () => {
  test('answers a watchlist of 101 with success, 4302 and the first 100', async () => {
    const { wsUrl } = await start({ enableWatchlistEvents: true });
    const client = await RawClient.connect(wsUrl);
    const watchlist = Array.from({ length: 101 }, (_, index) => `u${index}`);
    client.signIn(JSON.stringify({ id: 'ann', watchlist }));
    await client.next('pusher:signin_success');
    expect(await client.nextText()).toBe(
      '{"event":"pusher:error","data":{"code":4302,"message":"Watchlist limit exceeded. Only the first 100 user IDs are accepted."}}',
    );
    const events = { events: [{ name: 'offline', user_ids: watchlist.slice(0, 100) }] };
    expect(await client.next()).toEqual({ event: 'pusher_internal:watchlist_events', data: JSON.stringify(events) });
    await client.close();
  });
});

describe('item 21:', () => {
  test('takes data of 10 240 bytes and refuses one more with 413, where that is the limit', async () => {
    const { url } = await start({ maxEventPayloadInKb: 10 });
    const answer = (data: string): Promise<{ status: number; text: string }> =>
      trigger(url, { name: 'e', channel: 'news', data });
    expect(await answer('ü'.repeat(5120))).toMatchObject({ status: 200, text: '{}' });
    expect(await answer(`${'ü'.repeat(5120)}x`)).toMatchObject({
      status: 413,
      text: expect.stringMatching(/^The data content of this event exceeds the allowed maximum/),
    });
  });
});

test('item 22: tells subscription counts where the app wants it', async () => {
  const { url, wsUrl } = await start({ enableSubscriptionCountEvents: true });
  const clients = [await RawClient.connect(wsUrl), await RawClient.connect(wsUrl)] as const;
  for (const client of clients) await client.subscribed('news');
  const frame = (count: number): string =>
    `{"event":"pusher_internal:subscription_count","channel":"news","data":"{\\"subscription_count\\":${count}}"}`;
  expect(await clients[0].flush()).toEqual([frame(1), frame(2)]);
  const { text } = await trigger(url, { name: 'e', channel: 'news', data: 'x', info: 'subscription_count' });
  expect(text).toBe('{"channels":{"news":{"subscription_count":2}}}');
  for (const client of clients) await client.close();
});
