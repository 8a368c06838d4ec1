import { expect, test } from 'vitest';
import { type Soak, verdictOf } from '../../bench/soak/report.ts';
import type { SoakSample } from '../../bench/soak/sample.ts';

const FLAT: SoakSample = {
  minutes: -1,
  residentBytes: 100e6,
  heapBytes: 20e6,
  externalBytes: 3e6,
  openFiles: 20,
  resources: 3,
  connections: 0,
  channels: 0,
  cpuSeconds: 0,
  delayP99Ms: 0,
  delayMaxMs: 0,
};

/** An hour, sampled once a minute. */
function soak(change: (sample: SoakSample, minute: number) => Partial<SoakSample>, facts: Partial<Soak> = {}): Soak {
  const samples = Array.from({ length: 60 }, (_, minutes) => {
    const busy = { ...FLAT, minutes, openFiles: 320, connections: 300, channels: 100 };
    return { ...busy, ...change(busy, minutes) };
  });
  const machine = {} as Soak['facts']['machine'];
  const shown = { machine, cores: { server: 0, load: 1 }, versions: [], isQuick: false };
  return { facts: shown, minutes: 60, before: FLAT, samples, after: FLAT, counts: {}, problems: [], ...facts };
}

test('a soak passes when figures go up and down, or found their level in the first half', () => {
  const noisy = soak(({ residentBytes, heapBytes }, minute) => ({
    residentBytes: residentBytes + (minute < 20 ? minute * 2e6 : 40e6),
    heapBytes: heapBytes + (minute % 2) * 2e6,
  }));
  expect(verdictOf(noisy)).toMatchObject({
    passed: true,
    text: expect.stringContaining('memory and handles are flat'),
  });
});

test.each([
  ['heap', ({ heapBytes }: SoakSample, minute: number) => ({ heapBytes: heapBytes + minute * 50e3 }), 'heap'],
  [
    'resident memory',
    ({ residentBytes }: SoakSample, minute: number) => ({ residentBytes: residentBytes + minute * 200e3 }),
    'resident memory',
  ],
  [
    'open files',
    ({ openFiles }: SoakSample, minute: number) => ({ openFiles: openFiles + Math.floor(minute / 3) }),
    'open files',
  ],
])('a soak fails when %s grows steadily', (_name, change, text) => {
  expect(verdictOf(soak(change))).toMatchObject({ passed: false, text: expect.stringContaining(`${text}`) });
});

test('a soak fails when something is left behind, or was lost', () => {
  const fails = (facts: Partial<Soak>): string => {
    const { passed, text } = verdictOf(soak(() => ({}), facts));
    expect(passed).toBe(false);
    return text;
  };
  expect(fails({ after: { ...FLAT, connections: 1 } })).toContain('1 connections were left');
  expect(fails({ after: { ...FLAT, channels: 2 } })).toContain('2 channels were left');
  expect(fails({ after: { ...FLAT, openFiles: 40 } })).toContain('20 open files were left');
  expect(fails({ problems: ['event 3 came after 1'] })).toContain('event 3 came after 1');
});

test('a few minutes tell nothing about memory', () => {
  const short = soak(({ heapBytes }, minute) => ({ heapBytes: heapBytes + minute * 1e6 }), { minutes: 5 });
  expect(verdictOf(short)).toMatchObject({ passed: true, text: expect.stringContaining('too short') });
});
