import pino from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { SampledLog } from '../../server/log.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function start(level = 'info') {
  const lines: Record<string, unknown>[] = [];
  const log = new SampledLog(
    pino({ level, base: null, timestamp: false }, { write: (line) => lines.push(JSON.parse(line)) }),
  );
  return { log, take: () => lines.splice(0) };
}

describe('lines of one cause', () => {
  test('come at once, then once a second with the number of those left out', () => {
    const { log, take } = start();
    for (let ip = 1; ip <= 1000; ip += 1) log.info({ cause: 'unknown-app', ip }, 'refused');
    expect(take()).toEqual([{ level: 30, cause: 'unknown-app', ip: 1, msg: 'refused' }]);
    vi.advanceTimersByTime(1000);
    expect(take()).toEqual([{ level: 30, cause: 'unknown-app', ip: 1000, leftOut: 998, msg: 'refused' }]);
    for (let ip = 2001; ip <= 2003; ip += 1) log.info({ cause: 'unknown-app', ip }, 'refused');
    expect(take()).toEqual([]);
    vi.advanceTimersByTime(1000);
    expect(take()).toEqual([{ level: 30, cause: 'unknown-app', ip: 2003, leftOut: 2, msg: 'refused' }]);
  });

  test('are all written where they are rare', () => {
    const { log, take } = start();
    log.warn({ ip: 1 }, 'too slow');
    log.warn({ ip: 2 }, 'too slow');
    vi.advanceTimersByTime(5000);
    log.warn({ ip: 3 }, 'too slow');
    expect(take().map(({ ip, leftOut }) => [ip, leftOut])).toEqual([
      [1, undefined],
      [2, undefined],
      [3, undefined],
    ]);
    vi.advanceTimersByTime(5000);
    expect(take()).toEqual([]);
  });

  test('are all written where each step is', () => {
    const { log, take } = start('debug');
    for (let ip = 0; ip < 10; ip += 1) log.info({ cause: 'unknown-app', ip }, 'refused');
    expect(take()).toHaveLength(10);
  });
});

test('one cause does not keep another from being said', () => {
  const { log, take } = start();
  log.info({ cause: 'unknown-app' }, 'refused');
  log.info({ cause: 'app-disabled' }, 'refused');
  log.info({ cause: 'app-disabled' }, 'ended');
  log.error({ during: 'a' }, 'failure');
  log.error({ during: 'b' }, 'failure');
  expect(take()).toHaveLength(5);
});
