import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { RedisKeys } from '../../../server/redis/keys.ts';
import { RedisBroker } from '../../../server/redis/redis-broker.ts';
import type { RedisLink } from '../../../server/redis/redis-link.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

// A subscription that Redis refused on a healthy link was tried again at once, for ever: a whole core for nothing.
test('a subscription that is refused while the link is up is tried again after a pause', async () => {
  let attempts = 0;
  const link = {
    whenUp: async () => {},
    subscribe: async () => {
      attempts += 1;
      if (attempts > 1000) await new Promise(() => {});
      throw new Error('refused');
    },
    onMessage() {},
    onLost() {},
    onRestored() {},
    unsubscribe: async () => {},
  } as unknown as RedisLink;
  const broker = new RedisBroker(link, new RedisKeys(''), async () => ({ connections: 0, nodes: 0 }), {
    missed: () => {},
    skipped: () => {},
    unreadable: () => {},
    added: () => {},
  });
  void broker.subscribe('3', 'news');
  for (let turn = 0; turn < 100; turn += 1) await Promise.resolve();
  expect(attempts).toBe(1);
  await vi.advanceTimersByTimeAsync(1000);
  expect(attempts).toBeGreaterThan(2);
  expect(attempts).toBeLessThan(100);
  broker.close();
});
