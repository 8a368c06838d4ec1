import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { equalSignatures, hmacHex } from '../../auth/hmac.ts';

test('signs a webhook body as the documentation does', () => {
  const body = '{"time_ms":1327078148132,"events":[{"name":"channel_occupied","channel":"foo"}]}';
  const digest = 'fb9ffd9bb470525310582460d3ff6932ffa2fd1092becb5c1e73369a0d6cbfb4';
  expect(hmacHex('7ad3773142a6692b25b8', body)).toBe(digest);
});

test('signs every text with every secret as Node does', () => {
  const secret = fc.string({ unit: 'binary', maxLength: 100 });
  const text = fc.string({ unit: 'binary', maxLength: 300 });
  const signsAlike = (key: string, signed: string): void => {
    expect(hmacHex(key, signed)).toBe(createHmac('sha256', key).update(signed).digest('hex'));
  };
  fc.assert(fc.property(secret, text, signsAlike), { numRuns: 500 });
  // Around one block of secret, around what is reserved for the text, and characters that UTF-8 can't write.
  for (const length of [0, 1, 63, 64, 65, 200]) signsAlike('s'.repeat(length), 'text');
  for (const length of [0, 5440, 5441, 16_320, 16_384, 100_000]) signsAlike('secret', '\u20ac'.repeat(length));
  signsAlike('\ud800', 'a\udfff');
});

test('keeps signing right with more secrets than it remembers', () => {
  for (let index = 0; index < 2100; index += 1) {
    const secret = `secret-${index}`;
    expect(hmacHex(secret, 'text')).toBe(createHmac('sha256', secret).update('text').digest('hex'));
  }
});

test('compares texts of any length and any characters', () => {
  const right = hmacHex('secret', 'text');
  const others = [
    '',
    'ab',
    right.slice(1),
    `${right}0`,
    right.toUpperCase(),
    `${right.slice(1)}0`,
    `${right.slice(2)}ç0`,
  ];
  expect(equalSignatures(right, right)).toBe(true);
  for (const given of others) expect(equalSignatures(right, given)).toBe(false);
});
