import { describe, expect, test } from 'vitest';
import { signChannelAuth, verifyChannelAuth, verifyUserAuth } from '../../auth/client-signature.ts';
import { hmacHex } from '../../auth/hmac.ts';
import { PusherError, SubscriptionError } from '../../protocol/errors.ts';

// Pusher's own examples ("Generating the authentication string").
const KEY = '278d425bdf160c739803';
const SECRET = '7ad3773142a6692b25b8';
const KEYS = [{ key: KEY, secret: SECRET }];
const SOCKET = '1234.1234';

describe('the auth of a subscription', () => {
  test.for([
    ['private-foobar', undefined, '58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4'],
    [
      'presence-foobar',
      '{"user_id":10,"user_info":{"name":"Mr. Pusher"}}',
      'afaed3695da2ffd16931f457e338e6c9f2921fa133ce7dac49f529792be6304c',
    ],
    [
      'presence-foobar',
      '{"user_id":10,"user_info":{"name":"Mr. Channels"}}',
      '31935e7d86dba64c2a90aed31fdc61869f9b22ba9d8863bba239c03ca481bc80',
    ],
  ] as const)('for %s with %s is %s', ([channel, channelData, signature]) => {
    expect(() => verifyChannelAuth(KEYS, SOCKET, channel, `${KEY}:${signature}`, channelData)).not.toThrow();
    expect(signChannelAuth({ key: KEY, secret: SECRET }, SOCKET, channel, channelData)).toBe(`${KEY}:${signature}`);
  });

  test('covers channel_data on private channels too, byte for byte', () => {
    const data = '{ "user_id" : 10 }';
    const auth = `${KEY}:${hmacHex(SECRET, `${SOCKET}:private-a:${data}`)}`;
    expect(() => verifyChannelAuth(KEYS, SOCKET, 'private-a', auth, data)).not.toThrow();
    expect(() => verifyChannelAuth(KEYS, SOCKET, 'private-a', auth, '{"user_id":10}')).toThrow(SubscriptionError);
    expect(() => verifyChannelAuth(KEYS, SOCKET, 'private-a', auth, undefined)).toThrow(SubscriptionError);
  });

  test('may be made with any key of the app, so that keys can be rotated', () => {
    const keys = [...KEYS, { key: 'next', secret: 'next-secret' }];
    const text = `${SOCKET}:private-a`;
    for (const { key, secret } of keys) {
      const auth = `${key}:${hmacHex(secret, text)}`;
      expect(() => verifyChannelAuth(keys, SOCKET, 'private-a', auth, undefined)).not.toThrow();
    }
    const mixed = `next:${hmacHex(SECRET, text)}`;
    expect(() => verifyChannelAuth(keys, SOCKET, 'private-a', mixed, undefined)).toThrow('Invalid signature');
  });

  const format = "Auth value for subscription to private-a is invalid: should be of format 'key:signature'";
  const right = hmacHex(SECRET, `${SOCKET}:private-a`);
  const expected = 'Invalid signature: Expected HMAC SHA256 hex digest of 1234.1234:private-a, but got';
  test.for([
    ['nothing', undefined, 'auth-format', format],
    ['an empty text', '', 'auth-format', format],
    ['no colon', KEY, 'auth-format', format],
    ['no key', `:${right}`, 'auth-format', format],
    ['a foreign key', `other:${right}`, 'auth-unknown-key', "Invalid key in subscription auth data: 'other'"],
    ['no signature', `${KEY}:`, 'auth-signature', `${expected} `],
    ['a short signature', `${KEY}:${right.slice(1)}`, 'auth-signature', `${expected} ${right.slice(1)}`],
    ['upper case', `${KEY}:${right.toUpperCase()}`, 'auth-signature', `${expected} ${right.toUpperCase()}`],
    ['the signature of another socket', `${KEY}:${hmacHex(SECRET, '1.1:private-a')}`, 'auth-signature', expected],
  ] as const)('is refused with %s', ([, auth, id, message]) => {
    try {
      verifyChannelAuth(KEYS, SOCKET, 'private-a', auth, undefined);
    } catch (error) {
      expect(error).toBeInstanceOf(SubscriptionError);
      expect(error).toMatchObject({ id, code: null, channel: 'private-a', type: 'AuthError', status: 401 });
      expect((error as Error).message).toContain(message);
      expect((error as Error).message).not.toContain(SECRET);
      return;
    }
    throw new Error('it was taken');
  });

  test('never tells the signature that was expected', () => {
    const auth = `${KEY}:${'0'.repeat(64)}`;
    expect(() => verifyChannelAuth(KEYS, SOCKET, 'private-a', auth, undefined)).not.toThrow(right);
  });
});

describe('the auth of a sign-in', () => {
  const userData = '{"id":"12345"}';

  test('is the vector of the documentation', () => {
    const auth = `${KEY}:4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba`;
    expect(() => verifyUserAuth(KEYS, SOCKET, auth, userData)).not.toThrow();
    expect(() => verifyUserAuth(KEYS, SOCKET, auth, '{"id":"12346"}')).toThrow(PusherError);
    expect(() => verifyUserAuth(KEYS, '1234.1235', auth, userData)).toThrow(PusherError);
  });

  test.for([
    ['', 'auth-format', 'Invalid format: auth must have the format key:signature'],
    ['x', 'auth-format', 'Invalid format: auth must have the format key:signature'],
    ['x:y', 'auth-unknown-key', "Invalid key in subscription auth data: 'x'"],
    [
      `${KEY}:y`,
      'auth-signature',
      `Invalid signature: Expected HMAC SHA256 hex digest of ${SOCKET}::user::${userData}, but got y`,
    ],
  ])('is refused as %s', ([auth = '', id = '', message = '']) => {
    expect(() => verifyUserAuth(KEYS, SOCKET, auth, userData)).toThrow(new PusherError(id, message));
  });
});
