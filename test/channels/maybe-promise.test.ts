import { describe, expect, test } from 'vitest';
import { after, afterAll, lastly } from '../../channels/maybe-promise.ts';

test('goes on at once with a value that is there, and later with one that is not', async () => {
  expect(after(1, (value) => value + 1)).toBe(2);
  expect(await after(Promise.resolve(1), (value) => value + 1)).toBe(2);
  await expect(after(Promise.reject(new Error('x')), () => 1)).rejects.toThrow('x');
});

test('makes no promise of several values that are there, and one when any is not', async () => {
  expect(afterAll([1, 2])).toEqual([1, 2]);
  const some = afterAll([1, Promise.resolve(2)]);
  expect(some).toBeInstanceOf(Promise);
  expect(await some).toEqual([1, 2]);
});

describe('the last thing to do', () => {
  test.for([
    ['an answer', () => 1],
    ['a late answer', () => Promise.resolve(1)],
    [
      'an error',
      () => {
        throw new Error('x');
      },
    ],
    ['a late error', () => Promise.reject(new Error('x'))],
  ] as [string, () => number | Promise<number>][])('is done once after %s, which is passed on', async ([, work]) => {
    let done = 0;
    const outcome = (async () =>
      lastly(work, () => {
        done += 1;
      }))().catch((error: Error) => error.message);
    expect(['x', 1]).toContain(await outcome);
    expect(done).toBe(1);
  });
});
