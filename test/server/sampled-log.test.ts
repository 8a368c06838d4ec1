import pino from 'pino';
import { describe, expect, test } from 'vitest';
import { SampledLog } from '../../server/log.ts';
import { FakeClock } from '../support/fake-clock.ts';

function start(level = 'info') {
  const lines: Record<string, unknown>[] = [];
  const clock = new FakeClock();
  const log = new SampledLog(
    pino({ level, base: null, timestamp: false }, { write: (line) => lines.push(JSON.parse(line)) }),
    clock,
  );
  return { clock, log, take: () => lines.splice(0) };
}

describe('lines of one cause', () => {
  test('come at once, then once a second with the number of those left out', () => {
    const { clock, log, take } = start();
    for (let ip = 1; ip <= 1000; ip += 1) log.info({ cause: 'unknown-app', ip }, 'refused');
    expect(take()).toEqual([{ level: 30, cause: 'unknown-app', ip: 1, msg: 'refused' }]);
    clock.advance(1000);
    expect(take()).toEqual([{ level: 30, cause: 'unknown-app', ip: 1000, leftOut: 998, msg: 'refused' }]);
    for (let ip = 2001; ip <= 2003; ip += 1) log.info({ cause: 'unknown-app', ip }, 'refused');
    expect(take()).toEqual([]);
    clock.advance(1000);
    expect(take()).toEqual([{ level: 30, cause: 'unknown-app', ip: 2003, leftOut: 2, msg: 'refused' }]);
  });

  test('are all written where they are rare', () => {
    const { clock, log, take } = start();
    log.warn({ ip: 1 }, 'too slow');
    log.warn({ ip: 2 }, 'too slow');
    clock.advance(5000);
    log.warn({ ip: 3 }, 'too slow');
    expect(take().map(({ ip, leftOut }) => [ip, leftOut])).toEqual([
      [1, undefined],
      [2, undefined],
      [3, undefined],
    ]);
    clock.advance(5000);
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
