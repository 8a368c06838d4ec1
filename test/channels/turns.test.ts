import { expect, test } from 'vitest';
import { inTurns, Turns } from '../../channels/turns.ts';

test('owners have their turns one after the other, with so many items at once, each owner in its order', () => {
  const turns = new Turns<string, number>();
  for (const item of [1, 2, 3]) turns.add('a', item);
  turns.add('b', 4);
  expect(turns.next(2)).toEqual({ owner: 'a', items: [1, 2] });
  turns.add('a', 5);
  turns.add('c', 6);
  expect([turns.next(2), turns.next(2), turns.next(2), turns.next(2)]).toEqual([
    { owner: 'b', items: [4] },
    { owner: 'a', items: [3, 5] },
    { owner: 'c', items: [6] },
    undefined,
  ]);
});

test('an item that waits keeps its place when it is added again, and what is taken out leaves no owner behind', () => {
  const turns = new Turns<string, number>();
  for (const item of [1, 2, 1]) turns.add('a', item);
  expect([...turns.items()]).toEqual([1, 2]);
  expect([turns.remove('a', 1), turns.remove('a', 1), turns.hasItem('a', 1), turns.hasItem('a', 2)]).toEqual([
    true,
    false,
    false,
    true,
  ]);
  expect(turns.remove('a', 2)).toBe(true);
  expect(turns.has('a')).toBe(false);
  turns.add('b', 3);
  turns.removeAll('b');
  expect(turns.next()).toBeUndefined();
});

test('items are put in turn for each owner', () => {
  const owner = (item: string): string => item.charAt(0);
  expect(inTurns(['a1', 'a2', 'a3', 'b1', 'c1', 'c2'], owner)).toEqual(['a1', 'b1', 'c1', 'a2', 'c2', 'a3']);
  expect(inTurns([], owner)).toEqual([]);
});
