import { expect, test } from 'vitest';
import { CLOSE_CODES, closeReason, ERROR_CODES } from '../../protocol/errors.ts';

test('gives each code the range that clients act on', () => {
  const { reconnect, pongTimeout, overCapacity, ...final } = CLOSE_CODES;
  for (const code of Object.values(final)) expect(code >= 4000 && code < 4100).toBe(true);
  expect(overCapacity).toBe(4100);
  expect([reconnect, pongTimeout]).toEqual([4200, 4201]);
  // pusher-js takes codes from 4300 on for fatal: they may not be among those that close.
  for (const code of Object.values(CLOSE_CODES)) expect(code).toBeLessThan(4300);
  expect(ERROR_CODES).toEqual({ clientEventRate: 4301, watchlistLimit: 4302 });
});

test('leaves a reason that fits into a close frame as it is', () => {
  const text = 'x'.repeat(123);
  expect(closeReason(text)).toBe(text);
});

test.for(['x', 'ü', '€', '💡'])('cuts a reason of %s to 123 bytes, never through a character', (character) => {
  for (let offset = 0; offset < 4; offset += 1) {
    const reason = closeReason('a'.repeat(offset) + character.repeat(124));
    expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(123);
    expect(Buffer.byteLength(reason)).toBeGreaterThan(119);
    expect(reason).toMatch(new RegExp(`^a{${offset}}(${character})+\\.\\.\\.$`, 'u'));
  }
});
