import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Reconnectable, reconnectSoon } from '../../examples/shared/page/reconnect.ts';
import { Pusher } from '../e2e/scenarios/pusher.ts';
import { APP } from '../support/broker.ts';
import { freePort } from '../support/free-port.ts';
import { startProcess } from '../support/process.ts';

/** What pusher-js does, as far as it matters, and what is done to it. */
class FakePusher implements Reconnectable {
  readonly done: string[] = [];
  #told: (change: { current: string }) => void = () => {};
  readonly connection = {
    bind: (_: string, told: (change: { current: string }) => void) => {
      this.#told = told;
    },
  };

  is(current: string): void {
    this.#told({ current });
  }

  connect(): void {
    this.done.push('connect');
    this.is('connecting');
  }

  disconnect(): void {
    this.done.push('disconnect');
    this.is('disconnected');
  }
}

describe('pusher-js that comes back soon', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  const start = () => {
    const pusher = new FakePusher();
    const reconnection = reconnectSoon(pusher, () => 0.5);
    return { pusher, reconnection };
  };
  const ANEW = ['disconnect', 'connect'];

  test('begins anew in quick succession after a loss, then more slowly, until it is connected', () => {
    const { pusher } = start();
    pusher.is('connecting');
    pusher.is('connected');
    pusher.is('connecting');
    for (const pauseMs of [1500, 1500, 1500, 1500, 3000, 6000, 12_000, 15_000, 15_000]) {
      vi.advanceTimersByTime(pauseMs - 1);
      expect(pusher.done.splice(0)).toEqual([]);
      vi.advanceTimersByTime(1);
      expect(pusher.done.splice(0)).toEqual(ANEW);
    }
    pusher.is('connected');
    vi.advanceTimersByTime(60_000);
    expect(pusher.done).toEqual([]);
    pusher.is('connecting');
    vi.advanceTimersByTime(1500);
    expect(pusher.done).toEqual(ANEW);
  });

  test('gives the first connection of a page more time: the way may be slow', () => {
    const { pusher } = start();
    pusher.is('connecting');
    pusher.is('unavailable');
    vi.advanceTimersByTime(2999);
    expect(pusher.done).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(pusher.done).toEqual(ANEW);
  });

  test('leaves a page alone that disconnected, or is refused', () => {
    const { pusher } = start();
    for (const state of ['connecting', 'connected', 'connecting', 'disconnected']) pusher.is(state);
    vi.advanceTimersByTime(60_000);
    expect(pusher.done).toEqual([]);
  });

  test('tells whether it is the one that disconnects', () => {
    const { pusher, reconnection } = start();
    const seen: boolean[] = [];
    pusher.disconnect = () => void seen.push(reconnection.isAtWork);
    pusher.is('connecting');
    vi.advanceTimersByTime(3000);
    expect([seen, reconnection.isAtWork]).toEqual([[true], false]);
  });
});

// Without it pusher-js waits for 15 seconds after an attempt at a closed port, and a page was cut off for that long by a restart of two.
test('a stock pusher-js is back before one that is left to itself, with its subscriptions, after a broker restart', async () => {
  const port = await freePort();
  const settings = { port };
  let broker = await startProcess({ apps: [APP], settings });
  const create = () =>
    new Pusher(APP.key, { cluster: '', wsHost: '127.0.0.1', wsPort: port, forceTLS: false, enabledTransports: ['ws'] });
  const [helped, alone] = [create(), create()];
  reconnectSoon(helped);
  const order: string[] = [];
  const subscribed = (pusher: Pusher, name: string): Promise<void> =>
    new Promise((resolve) => {
      pusher.channel('news').bind('pusher:subscription_succeeded', () => {
        order.push(name);
        resolve();
      });
    });
  const connected = [helped, alone].map((pusher) => {
    pusher.subscribe('news');
    return subscribed(pusher, 'before');
  });
  await Promise.all(connected);
  const failed = (pusher: Pusher): Promise<void> =>
    new Promise((resolve) => {
      pusher.connection.bind('connecting', () => resolve());
    });
  const away = [failed(helped), failed(alone)];
  broker.signal('SIGKILL');
  await broker.exited;
  // Both have begun to try, at a port that nobody has.
  await Promise.all(away);
  order.length = 0;
  const back = subscribed(helped, 'helped');
  void subscribed(alone, 'alone');
  broker = await startProcess({ apps: [APP], settings });
  await back;
  expect(order).toContain('helped');
  expect(order).not.toContain('alone');
  alone.disconnect();
  helped.disconnect();
  broker.signal('SIGKILL');
});
