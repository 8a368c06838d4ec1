import { describe, expect, test } from 'vitest';
import { FairQueue } from '../../../server/redis/fair-queue.ts';

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Work that is noted when it begins, and done when the test says so. */
function setUp(maxAtOnce: number) {
  const queue = new FairQueue(maxAtOnce);
  const begun: string[] = [];
  const waiting: (() => void)[] = [];
  const run = (name: string, outcome: () => string = () => name): Promise<string> =>
    queue.run(name.slice(0, name.indexOf('/')), async () => {
      begun.push(name);
      await new Promise<void>((resolve) => waiting.push(resolve));
      return outcome();
    });
  const finish = async (count: number): Promise<void> => {
    for (const done of waiting.splice(0, count)) done();
    await settled();
  };
  return { run, begun, finish };
}

describe('a fair queue', () => {
  test('begins what there is room for at once, and the rest in turn for each owner', async () => {
    const { run, begun, finish } = setUp(2);
    const names = ['a/1', 'a/2', 'a/3', 'a/4', 'a/5', 'b/1', 'c/1', 'b/2'];
    const all = Promise.all(names.map((name) => run(name)));
    await settled();
    expect(begun).toEqual(['a/1', 'a/2']);
    await finish(1);
    expect(begun.slice(2)).toEqual(['a/3']);
    await finish(2);
    expect(begun.slice(3)).toEqual(['b/1', 'c/1']);
    for (let count = 0; count < names.length; count += 1) await finish(2);
    expect(begun.slice(5)).toEqual(['a/4', 'b/2', 'a/5']);
    expect(await all).toEqual(names);
  });

  test('delays an owner by one turn, whatever another has left', async () => {
    const { run, begun, finish } = setUp(10);
    const large = Promise.all(Array.from({ length: 50_000 }, (_, index) => run(`large/${index}`)));
    await settled();
    const small = run('small/1');
    await finish(2);
    expect(begun).toContain('small/1');
    expect(begun).toHaveLength(12);
    while (begun.length < 50_001) await finish(10);
    await finish(10);
    expect(await small).toBe('small/1');
    await large;
    expect(begun.filter((name) => name.startsWith('large/'))).toEqual(
      Array.from({ length: 50_000 }, (_, index) => `large/${index}`),
    );
  });

  test('goes on after work that fails', async () => {
    const { run, begun, finish } = setUp(1);
    const failing = run('a/1', () => {
      throw new Error('no');
    });
    const next = run('a/2');
    const failed = expect(failing).rejects.toThrow('no');
    await finish(1);
    await failed;
    expect(begun).toEqual(['a/1', 'a/2']);
    await finish(1);
    expect(await next).toBe('a/2');
    const last = run('b/1');
    await finish(1);
    expect(await last).toBe('b/1');
  });
});
