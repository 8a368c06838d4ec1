import { expect, test } from 'vitest';
import type { HttpConnection } from '../../bench/load/http-connection.ts';
import { OpenLoop } from '../../bench/load/open-loop.ts';
import type { Subscriber } from '../../bench/load/subscriber.ts';

const PER_SECOND = 200;
const DURATION_MS = 400;
const STALL_MS = 200;

test('whoever waited for a server that stalls is counted, too: not only the request that was under way', async () => {
  const subscriber = { received: 0 };
  const loop: OpenLoop = new OpenLoop({
    connections: [connection()],
    requestOf: () => Buffer.alloc(0),
    channels: 1,
    spins: true,
  });
  loop.time(subscriber as Subscriber, 0);
  const { events, latencies } = await loop.run(PER_SECOND, DURATION_MS);
  expect(events).toBe((PER_SECOND * DURATION_MS) / 1000);
  expect(latencies.deliveries).toBe(events);
  expect(latencies.max).toBeGreaterThanOrEqual(STALL_MS - 1);
  // With one event every 5 ms, 40 of 80 became due while it stalled: a quarter of all waited for half of the stall or more.
  expect(latencies.p95).toBeGreaterThan(STALL_MS / 2);

  /** Delivers and answers at once, but for its first request. */
  function connection(): HttpConnection {
    let isFirst = true;
    const request = (_request: Buffer, onAnswer: () => void): void => {
      const answer = (): void => {
        subscriber.received += 1;
        loop.delivered(1, subscriber as Subscriber);
        onAnswer();
      };
      if (isFirst) setTimeout(answer, STALL_MS);
      else setImmediate(answer);
      isFirst = false;
    };
    return { request } as HttpConnection;
  }
});
