import { expect, test } from 'vitest';
import { DueTimes } from '../../channels/due-times.ts';
import { FakeClock } from '../support/fake-clock.ts';

function create() {
  const clock = new FakeClock();
  const failures: unknown[] = [];
  const done: string[] = [];
  const dueTimes = new DueTimes(clock, (error) => failures.push(error));
  const nowSeconds = clock.now() / 1000;
  const add = (name: string, inSeconds: number): (() => void) =>
    dueTimes.add(nowSeconds + inSeconds, () => void done.push(name));
  return { clock, failures, done, dueTimes, nowSeconds, add };
}

test('runs each thing at its second, in the order in which they were added', () => {
  const { clock, done, add } = create();
  add('b', 2);
  add('a', 1);
  add('c', 2);
  clock.advance(999);
  expect(done).toEqual([]);
  clock.advance(1);
  expect(done).toEqual(['a']);
  clock.advance(1000);
  expect(done).toEqual(['a', 'b', 'c']);
});

test('falls on whole seconds, whenever it was begun, and on the next for a part of one', () => {
  const { clock, done, add } = create();
  clock.advance(300);
  add('whole', 1);
  add('part', 1.2);
  clock.advance(700);
  expect(done).toEqual(['whole']);
  clock.advance(1000);
  expect(done).toEqual(['whole', 'part']);
});

test('runs what is overdue, as after the machine slept', () => {
  const { clock, done, add } = create();
  add('a', 1);
  add('b', 5000);
  clock.sleep(10_000_000);
  clock.advance(1000);
  expect(done).toEqual(['a', 'b']);
});

test('waits for nothing when nothing is due, or all of it was called off', () => {
  const { clock, done, dueTimes, add } = create();
  expect(clock.pending).toBe(0);
  const cancels = [add('a', 1), add('b', 1), add('c', 3)];
  expect([clock.pending, dueTimes.size]).toEqual([1, 3]);
  for (const cancel of cancels) cancel();
  for (const cancel of cancels) cancel();
  expect([clock.pending, dueTimes.size]).toEqual([0, 0]);
  add('d', 1);
  clock.advance(5000);
  expect(done).toEqual(['d']);
  expect([clock.pending, dueTimes.size]).toEqual([0, 0]);
});

test('runs the others when one throws, and tells of it', () => {
  const { clock, failures, done, dueTimes, nowSeconds, add } = create();
  dueTimes.add(nowSeconds + 1, () => {
    throw new Error('no');
  });
  add('a', 1);
  add('b', 2);
  clock.advance(2000);
  expect(done).toEqual(['a', 'b']);
  expect(failures).toEqual([new Error('no')]);
});

test('takes new things while it runs, for that second too', () => {
  const { clock, done, dueTimes, nowSeconds, add } = create();
  let cancelSecond = (): void => {};
  dueTimes.add(nowSeconds + 1, () => {
    add('again', 1);
    cancelSecond();
  });
  cancelSecond = add('second', 1);
  clock.advance(1000);
  clock.advance(1000);
  expect(done).toEqual(['again']);
  expect(dueTimes.size).toBe(0);
});

// What was added was forgotten together with the second, which calling off the last one had emptied.
test('keeps what is added for that second after the last other thing of it was called off', () => {
  const { clock, done, dueTimes, nowSeconds, add } = create();
  let cancelSecond = (): void => {};
  dueTimes.add(nowSeconds + 1, () => {
    cancelSecond();
    add('again', 1);
  });
  cancelSecond = add('second', 1);
  clock.advance(1000);
  clock.advance(1000);
  expect(done).toEqual(['again']);
  expect([clock.pending, dueTimes.size]).toEqual([0, 0]);
});

test('goes by the calendar: a clock that is set brings the time nearer, or takes it away', () => {
  const { clock, done, add } = create();
  add('early', 3600);
  add('late', 7200);
  clock.setBy(3_600_000);
  clock.advance(1000);
  expect(done).toEqual(['early']);
  clock.setBy(-3_600_000);
  clock.advance(7_198_000);
  expect(done).toEqual(['early']);
  clock.advance(2000);
  expect(done).toEqual(['early', 'late']);
});
