import { expect, test } from 'vitest';
import { findAppKey } from '../../auth/hmac.ts';

test('finds the pair of a key, by the exact key', () => {
  const pairs = [
    { key: 'a', secret: '1' },
    { key: 'b', secret: '2' },
  ];
  expect(findAppKey(pairs, 'b')).toEqual({ key: 'b', secret: '2' });
  for (const key of ['', 'A', 'a ', 'toString', '__proto__']) expect(findAppKey(pairs, key)).toBe(undefined);
});
