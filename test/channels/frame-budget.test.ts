import { describe, expect, test } from 'vitest';
import { FULL_BUDGET, REFUSED, SIGN_OF_LIFE } from '../../channels/frame-budget.ts';
import { receiveFrame, receiveOther } from '../../channels/receive.ts';
import { createSlow } from './slow-node.ts';
import { type TestClient, TestNode } from './test-node.ts';

const OVER = {
  code: 4100,
  reason: 'Too many messages, or too many faulty ones, in a short time: send fewer',
};

/** Sends until the client is ended. @returns how many frames were taken */
function flood(client: TestClient, frame: (index: number) => unknown, most = 200_000): number {
  for (let index = 0; index < most; index += 1) {
    if (client.closedWith) return index;
    client.send(frame(index));
  }
  return most;
}

describe('a client that floods the broker is ended with 4100', () => {
  // 4 MB of empty frames took 10.7 s to refuse, and nobody else was served meanwhile.
  test.for([
    ['empty frames', ''],
    ['text that is no JSON', 'hello'],
    ['JSON that is no message', '[]'],
    ['frames that say nothing, at length', `"${'x'.repeat(30_000)}"`],
  ] as [string, unknown][])('after dozens of %s', ([, frame]) => {
    const client = new TestNode().connect();
    const taken = flood(client, () => frame);
    expect(taken).toBeGreaterThan(24);
    expect(taken).toBeLessThan(100);
    expect(client.closedWith).toEqual(OVER);
  });

  test('after dozens of frames that are too large to be handed over', () => {
    const server = new TestNode();
    const client = server.connect();
    const tooLarge = Buffer.alloc(40_000);
    for (let sent = 0; sent < 100; sent += 1) receiveFrame(server.node, client.connected, tooLarge);
    expect(client.closedWith).toEqual(OVER);
    expect(client.frames.length).toBeLessThan(100);
  });

  test.for([
    ['pings', () => ({ event: 'pusher:ping' })],
    ['pongs', () => ({ event: 'pusher:pong' })],
    ['channels that it leaves without being there', () => ({ event: 'pusher:unsubscribe', data: { channel: 'a' } })],
    ['events that clients may not send', () => ({ event: 'pusher:error', data: {} })],
    ['subscriptions without a channel', () => ({ event: 'pusher:subscribe', data: {} })],
    ['client events that are refused', () => ({ event: 'client-x', channel: 'private-a', data: 'x' })],
    ['pings of 30 kB', () => `{"event":"pusher:ping","data":"${'x'.repeat(30_000)}"}`],
  ] as [string, () => unknown][])('after hundreds or thousands of %s', ([, frame]) => {
    const client = new TestNode().connect();
    expect(flood(client, frame)).toBeLessThanOrEqual(FULL_BUDGET + 1);
    expect(client.closedWith).toEqual(OVER);
  });

  test('after as many WebSocket pings or pongs', () => {
    const server = new TestNode();
    const client = server.connect();
    let taken = 0;
    while (receiveOther(server.node, client.connected, SIGN_OF_LIFE)) taken += 1;
    expect(taken).toBe(FULL_BUDGET / SIGN_OF_LIFE);
    expect(client.closedWith).toEqual(OVER);
  });

  test('and nobody else is', () => {
    const server = new TestNode();
    const [hostile, innocent] = [server.connect(), server.connect()];
    flood(hostile, () => '');
    expect(innocent.ask({ event: 'pusher:ping' })).toHaveLength(1);
    expect(server.ended.map(({ id }) => id)).toEqual(['over-budget']);
  });
});

describe('a client that goes in and out is ended with 4100', () => {
  // 8.6 MB of frames of a member that toggled a presence channel with 99 others became 802 MB for all of them.
  test.for([1, 99])('the sooner the more members it makes the broker tell: %i', async (count) => {
    const server = new TestNode();
    for (let member = 0; member < count; member += 1) {
      server.connect().subscribe('presence-a', JSON.stringify({ user_id: `u${member}` }));
    }
    await turns(4);
    const hostile = server.connect();
    let toggled = 0;
    while (!hostile.closedWith && toggled < 50_000) {
      hostile.subscribe('presence-a', '{"user_id":"x"}');
      hostile.unsubscribe('presence-a');
      toggled += 1;
      if (toggled % 30 === 0) await turns(1);
    }
    expect(hostile.closedWith).toEqual(OVER);
    expect(toggled).toBeLessThan(FULL_BUDGET / (count / 2));
  });
});

describe('a real client keeps its connection', () => {
  test('when it comes back into 7,000 public channels at once', async () => {
    const client = new TestNode().connect();
    // As pusher-js does.
    for (let channel = 0; channel < 7000; channel += 1) {
      client.send({ event: 'pusher:subscribe', data: { auth: '', channel: `c${channel}` } });
    }
    while (client.frames.length < 7000 && !client.closedWith) await turns(1);
    expect(client.closedWith).toBe(undefined);
  });

  test('when its page enters 200 presence channels of 100 members', async () => {
    const server = new TestNode();
    const channels = Array.from({ length: 200 }, (_, index) => `presence-${index}`);
    for (let member = 0; member < 99; member += 1) {
      const other = server.connect();
      for (const channel of channels) other.subscribe(channel, JSON.stringify({ user_id: `u${member}` }));
      while (other.connected.subscriptions.size < 200) await turns(1);
    }
    const client = server.connect();
    for (const channel of channels) client.subscribe(channel, '{"user_id":"me"}');
    while (client.connected.subscriptions.size < 200 && !client.closedWith) await turns(1);
    expect(client.closedWith).toBe(undefined);
  });

  test('when it sends client events as fast as its app allows, for as long as it likes', () => {
    const server = new TestNode({ app: { limits: { maxClientEventsPerSecond: -1 } } });
    const client = server.connect();
    client.subscribe('private-a');
    for (let sent = 0; sent < 2 * FULL_BUDGET; sent += 1) {
      client.send({ event: 'client-x', channel: 'private-a', data: 'x' });
    }
    expect(client.closedWith).toBe(undefined);
  });

  test('when it says something wrong each second', () => {
    const server = new TestNode();
    const client = server.connect();
    for (let second = 0; second < 1000; second += 1) {
      client.send('hello');
      server.clock.advance(1000);
    }
    expect(client.closedWith).toBe(undefined);
  });

  test('when it sends a hundred client events per second, of which its app allows ten', () => {
    const server = new TestNode();
    const client = server.connect();
    client.subscribe('private-a');
    for (let sent = 0; sent < 200_000 / REFUSED; sent += 1) {
      client.send({ event: 'client-x', channel: 'private-a', data: 'x' });
      server.clock.advance(10);
    }
    expect(client.closedWith).toBe(undefined);
  });

  test('when the broker can do nothing of what it asks for', async () => {
    const { seams, test: slow } = createSlow();
    const client = slow.connect();
    seams.isSlow = true;
    for (let channel = 0; channel < 5000; channel += 1) client.subscribe(`c${channel}`);
    for (let failed = 0; failed < 5000; ) {
      if (await seams.answer({ error: new Error('far away') })) failed += 1;
      else await turns(1);
    }
    expect(client.closedWith).toBe(undefined);
    client.vanish();
  });
});

describe('costly messages', () => {
  test('of one client wait, in their order, while others are served', async () => {
    const server = new TestNode();
    const [busy, other] = [server.connect(), server.connect()];
    for (let channel = 0; channel < 1000; channel += 1) busy.subscribe(`c${channel}`);
    busy.send({ event: 'pusher:ping' });
    const done = busy.take();
    expect(done.length).toBeLessThan(100);
    expect(other.ask({ event: 'pusher:ping' })).toHaveLength(1);
    // Costly messages of all clients wait; a client that waits does not have to wait for all of another's.
    other.subscribe('mine');
    while (other.frames.length === 0) await turns(1);
    expect(busy.frames.length).toBeLessThan(500);
    while (busy.frames.length + done.length < 1001) await turns(1);
    const all = [...done, ...busy.take()].map((frame) => JSON.parse(frame) as { event: string; channel?: string });
    expect(all.map(({ event, channel }) => channel ?? event)).toEqual([
      ...Array.from({ length: 1000 }, (_, channel) => `c${channel}`),
      'pusher:pong',
    ]);
  });

  test('are no longer handled once their client is gone', async () => {
    const server = new TestNode();
    const client = server.connect();
    for (let channel = 0; channel < 1000; channel += 1) client.subscribe(`c${channel}`);
    client.vanish();
    await turns(50);
    expect(server.node.channels.size).toBe(0);
    expect(server.failures).toEqual([]);
  });

  test('may wait up to a bound', () => {
    const client = new TestNode().connect();
    const long = { event: 'pusher:subscribe', data: { channel: 'c', padding: 'x'.repeat(30_000) } };
    flood(client, () => long);
    expect(client.closedWith).toEqual({ code: 4100, reason: 'Too many messages at once' });
  });
});

/** Lets turns of the event loop pass. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
