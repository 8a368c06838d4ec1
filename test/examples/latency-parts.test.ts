import { describe, expect, test } from 'vitest';
import { milliseconds, Statistics, verdictOf } from '../../examples/latency/page/statistics.ts';

describe('the average latency', () => {
  test('is of the messages that come later than three seconds after a connect', () => {
    const statistics = new Statistics();
    expect(statistics.average).toBeUndefined();
    statistics.connected(1000);
    expect(statistics.add(500, 1001)).toBe(false);
    expect(statistics.add(400, 3999)).toBe(false);
    expect(statistics.average).toBeUndefined();
    expect(statistics.add(10, 4000)).toBe(true);
    expect(statistics.add(20, 6000)).toBe(true);
    expect(statistics.average).toBe(15);
    statistics.connected(9000);
    expect(statistics.add(900, 9100)).toBe(false);
    expect([statistics.average, statistics.count]).toEqual([15, 5]);
  });

  test('forgets what is long ago', () => {
    const statistics = new Statistics();
    statistics.connected(0);
    statistics.add(1000, 3000);
    for (let count = 0; count < 200; count += 1) statistics.add(2, 4000);
    expect(statistics.average).toBe(2);
  });
});

test.for([
  [3.14, 3.4, 'WebSocket 3.1 ms, SSE 3.4 ms: no difference you could feel'],
  [3, 52.9, 'WebSocket 3 ms, SSE 52.9 ms: no difference you could feel'],
  [3, 153, 'WebSocket 3 ms, SSE 153 ms: SSE is 150 ms slower'],
  [80, 10, 'WebSocket 80 ms, SSE 10 ms: WebSocket is 70 ms slower'],
  [3, undefined, 'WebSocket 3 ms, SSE not measured yet'],
  [undefined, undefined, 'WebSocket not measured yet, SSE not measured yet'],
] as const)('the verdict on %s and %s is: %s', ([webSocket, sse, verdict]) => {
  expect(verdictOf(webSocket, sse)).toBe(verdict);
});

test('a time is shown as exactly as it is known', () => {
  expect([4, 4.04, 99.96, 123.4, -2].map(milliseconds)).toEqual(['4 ms', '4.0 ms', '100.0 ms', '123 ms', '-2 ms']);
});
