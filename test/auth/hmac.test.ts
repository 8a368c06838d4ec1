import { expect, test } from 'vitest';
import { equalSignatures, hmacHex } from '../../auth/hmac.ts';

test('signs a webhook body as the documentation does', () => {
  const body = '{"time_ms":1327078148132,"events":[{"name":"channel_occupied","channel":"foo"}]}';
  const digest = 'fb9ffd9bb470525310582460d3ff6932ffa2fd1092becb5c1e73369a0d6cbfb4';
  expect(hmacHex('7ad3773142a6692b25b8', body)).toBe(digest);
});

test('compares texts of any length and any characters', () => {
  expect(equalSignatures('abc', 'abc')).toBe(true);
  for (const given of ['', 'ab', 'abd', 'abcd', 'ABC', 'ab\u00e7']) expect(equalSignatures('abc', given)).toBe(false);
});
