import { expect, test } from 'vitest';
import { Sampler } from '../../../server/metrics/sampler.ts';

/** A clock that counts how often it is looked at. */
function setUp() {
  let nowMs = 1000;
  let looks = 0;
  const sampler = new Sampler({
    elapsedMs: () => {
      looks += 1;
      return nowMs;
    },
  });
  /** @returns how many are in the sample, of so many that come at even distances */
  const sampled = (count: number, apartMs: number): number => {
    let chosen = 0;
    for (let index = 0; index < count; index += 1) {
      nowMs += apartMs;
      if (sampler.next() !== undefined) chosen += 1;
    }
    return chosen;
  };
  return { sampled, looks: () => looks };
}

test('everything that comes singly is in the sample', () => {
  const { sampled } = setUp();
  expect(sampled(100, 25)).toBe(100);
});

test('of very much, some fifty per second are, and the clock is seldom looked at', () => {
  const { sampled, looks } = setUp();
  const chosen = sampled(20_000, 0.05);
  expect(chosen).toBeGreaterThan(40);
  expect(chosen).toBeLessThanOrEqual(50);
  expect(looks()).toBeLessThan(20_000 / 10);
});

test('after a rush what comes singly is in the sample again soon', () => {
  const { sampled } = setUp();
  sampled(10_000, 0.05);
  sampled(60, 25);
  expect(sampled(50, 25)).toBe(50);
});
