import { availableParallelism } from 'node:os';
import pino from 'pino';
import { describe, expect, test } from 'vitest';
import { Backoff } from '../../../server/backoff.ts';
import { sumUsage } from '../../../server/usage.ts';
import { Contributions } from '../../../server/workers/host.ts';
import { workerCount } from '../../../server/workers/supervisor.ts';
import { WholeLines } from '../../../server/workers/worker-process.ts';

describe('the number of workers', () => {
  const log: { level: number; msg: string }[] = [];
  const logger = pino({}, { write: (line) => log.push(JSON.parse(line)) });

  test('is as set, or one for each core', () => {
    expect(workerCount(3, logger, 'linux')).toBe(3);
    expect(workerCount('auto', logger, 'linux')).toBe(availableParallelism());
    expect(workerCount(1, logger, 'darwin')).toBe(1);
    expect(log).toEqual([]);
  });

  test('is one, with a warning, where the system does not spread connections', () => {
    expect(workerCount(2, logger, 'darwin')).toBe(1);
    expect(log).toMatchObject([
      { level: 40, workers: 2, platform: 'darwin', msg: expect.stringContaining('need Linux') },
    ]);
  });
});

describe('lines', () => {
  test('are passed on whole, wherever the stream was cut', () => {
    const text = 'one\nzwei ü💡\n\nlast';
    const bytes = Buffer.from(text);
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const written: string[] = [];
      const lines = new WholeLines((part) => written.push(part));
      lines.take(bytes.subarray(0, cut));
      lines.take(bytes.subarray(cut));
      expect(written.every((part) => part.endsWith('\n'))).toBe(true);
      lines.end();
      expect(written.join('')).toBe(`${text}\n`);
    }
  });
});

test('whoever dies again and again is started ever later, until it lived for a while', () => {
  const backoff = new Backoff();
  const die = (livedMs: number): number => {
    backoff.started(1000);
    return backoff.ended(1000 + livedMs);
  };
  expect([die(10), die(10), die(29_999)]).toEqual([100, 200, 400]);
  expect(Array.from({ length: 10 }, () => backoff.ended(0)).at(-1)).toBe(10_000);
  expect([die(30_000), die(10)]).toEqual([100, 200]);
});

test('usage is the sum of all processes; the fullest of several bounds tells how full it is', () => {
  const process = { connections: 2, residentBytes: 1000, heapShare: 0.1 };
  const usage = sumUsage([process, { ...process, heapShare: 0.93 }, { ...process, connections: 5 }]);
  expect(usage).toMatchObject({ connections: 9, memory: { used: 3000, percent: 93 } });
  expect(usage.memory.free + usage.memory.used).toBe(usage.memory.total);
});

test('what was taken back is not remembered', () => {
  const own = new Contributions();
  own.join('3', 'presence-room', '1.1', 'ann');
  own.join('3', 'presence-room', '1.2', 'ann');
  own.leave('3', 'presence-room', '1.1', 'ann');
  own.signIn('3', 'ann', '1.1', true);
  own.signOut('3', 'ann', '1.1');
  own.setCount('3', 'news', 2);
  own.setCount('3', 'news', 0);
  expect([...own.members]).toEqual([{ appId: '3', channel: 'presence-room', socketId: '1.2', userId: 'ann' }]);
  expect([...own.signIns, ...own.counts()]).toEqual([]);
});
