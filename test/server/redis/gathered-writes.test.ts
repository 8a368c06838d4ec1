import { expect, test } from 'vitest';
import { GatheredWrites } from '../../../server/redis/gathered-writes.ts';

/** Writes that are noted in their order, and wait until the test lets them be done. */
function setUp() {
  const written: string[] = [];
  const waiting: (() => void)[] = [];
  const state = { isUp: true, fails: false, isHeld: false };
  const writes: GatheredWrites = new GatheredWrites({
    isUp: () => state.isUp,
    write: async (id) => {
      writes.take(id);
      written.push(id);
      if (state.isHeld) await new Promise<void>((resolve) => waiting.push(resolve));
      if (state.fails) writes.note(id);
    },
    ownerOf: (id) => id.slice(0, id.indexOf('/')),
  });
  const open = async (): Promise<void> => {
    for (const done of waiting.splice(0)) done();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { writes, written, state, open };
}

const many = (owner: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${owner}/${index}`);

test('a change is written once, however often it was made', async () => {
  const { writes, written } = setUp();
  for (const id of ['a/1', 'a/1', 'a/2', 'a/1']) writes.mark(id);
  await writes.flush();
  expect(written).toEqual(['a/1', 'a/2']);
  expect([writes.has('a/1'), writes.take('a/1')]).toEqual([false, false]);
  await writes.flush();
  expect(written).toHaveLength(2);
});

// What one app had left stood before all that came after it: with 100,000 channels, for seconds.
test.for([
  ['marked before it', true],
  ['marked while it is written', false],
] as const)('what one owner has left does not delay another, %s', async ([, isBefore]) => {
  const { writes, written, state, open } = setUp();
  for (const id of many('large', 10_000)) writes.mark(id);
  const others = ['b/1', 'c/1', 'b/2'];
  if (isBefore) for (const id of others) writes.mark(id);
  state.isHeld = true;
  const done = writes.flush();
  await new Promise((resolve) => setImmediate(resolve));
  expect(written).toHaveLength(200);
  if (!isBefore) for (const id of others) writes.mark(id);
  await open();
  expect(written).toHaveLength(400);
  expect(written).toEqual(expect.arrayContaining(others));
  state.isHeld = false;
  await open();
  await done;
  expect(written).toHaveLength(10_003);
  expect(written.filter((id) => id.startsWith('large/'))).toEqual(many('large', 10_000));
});

test('owners have their turns, also where there are more of them than are written at once', async () => {
  const { writes, written, state, open } = setUp();
  for (const id of many('large', 1000)) writes.mark(id);
  for (let owner = 0; owner < 500; owner += 1) writes.mark(`small-${owner}/1`);
  state.isHeld = true;
  const done = writes.flush();
  for (let turn = 0; turn < 3; turn += 1) await open();
  expect(written.filter((id) => id.startsWith('small-'))).toHaveLength(500);
  state.isHeld = false;
  await open();
  await done;
  expect(written).toHaveLength(1500);
});

test('what fails is written with the next, not again and again', async () => {
  const { writes, written, state } = setUp();
  for (const id of many('a', 500)) writes.mark(id);
  state.fails = true;
  await writes.flush();
  expect(written).toHaveLength(500);
  expect(writes.has('a/0')).toBe(true);
  state.fails = false;
  await writes.flush();
  expect(written).toHaveLength(1000);
  expect(writes.has('a/0')).toBe(false);
});

test('an end comes though others go on marking', async () => {
  const { writes, written, state, open } = setUp();
  for (const id of many('a', 1000)) writes.mark(id);
  state.isHeld = true;
  let isDone = false;
  const done = writes.flush().then(() => {
    isDone = true;
  });
  for (let round = 0; round < 20 && !isDone; round += 1) {
    for (let index = 0; index < 300; index += 1) writes.mark(`more/${round}-${index}`);
    await open();
  }
  expect(isDone).toBe(true);
  await done;
  expect(written).toEqual(expect.arrayContaining(many('a', 1000)));
  writes.stop();
});

test('nothing is written while Redis is away', async () => {
  const { writes, written, state } = setUp();
  writes.mark('a/1');
  state.isUp = false;
  await writes.flush();
  expect([written, writes.has('a/1')]).toEqual([[], true]);
  state.isUp = true;
  await writes.flush();
  expect(written).toEqual(['a/1']);
});
