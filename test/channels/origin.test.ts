import { expect, test } from 'vitest';
import { isAllowedOrigin } from '../../channels/origin.ts';

test('lets every page in when no origin is named, and clients that are no browsers always', () => {
  expect(isAllowedOrigin([], 'https://evil.test')).toBe(true);
  expect(isAllowedOrigin(['https://a.test'], undefined)).toBe(true);
  expect(isAllowedOrigin(['https://a.test'], '')).toBe(true);
});

test('lets clients that are no browsers in only where they are wanted', () => {
  for (const origin of [undefined, '']) {
    expect(isAllowedOrigin(['https://a.test'], origin, false)).toBe(false);
    expect(isAllowedOrigin(['*'], origin, false)).toBe(false);
    expect(isAllowedOrigin([], origin, false)).toBe(true);
  }
  expect(isAllowedOrigin(['https://a.test'], 'https://a.test', false)).toBe(true);
});

test.for([
  ['*', 'https://any.test', true],
  ['*', 'null', true],
  ['https://a.test', 'https://a.test', true],
  ['https://a.test', 'https://A.test', true],
  ['https://A.test/', 'https://a.test', true],
  ['https://a.test', 'https://a.test:443', true],
  ['https://a.test', 'http://a.test', false],
  ['https://a.test', 'https://a.test:8443', false],
  ['https://a.test', 'https://b.a.test', false],
  ['https://a.test', 'https://a.test.evil.test', false],
  ['https://a.test', 'https://evila.test', false],
  ['https://a.test', 'null', false],
  ['http://a.test', 'http://a.test:80', true],
  ['https://a.test:8443', 'https://a.test:8443', true],
  ['https://a.test:8443', 'https://a.test', false],
  ['https://a.test:*', 'https://a.test:8443', true],
  ['a.test', 'https://a.test', true],
  ['a.test', 'http://a.test:3000', true],
  ['a.test', 'https://b.a.test', false],
  ['a.test:3000', 'http://a.test:3000', true],
  ['a.test:3000', 'http://a.test', false],
  ['*.a.test', 'https://b.a.test', true],
  ['*.a.test', 'https://c.b.a.test:3000', true],
  ['*.a.test', 'https://a.test', false],
  ['*.a.test', 'https://.a.test', false],
  ['*.a.test', 'https://evila.test', false],
  ['*.a.test', 'https://a.test.evil.test', false],
  ['https://*.a.test', 'https://b.a.test', true],
  ['https://*.a.test', 'http://b.a.test', false],
  ['https://*.a.test:8443', 'https://b.a.test:8443', true],
  ['https://*.a.test:8443', 'https://b.a.test', false],
  ['http://localhost:*', 'http://localhost:5173', true],
  ['http://127.0.0.1', 'http://127.0.0.1', true],
  ['http://[::1]:3000', 'http://[::1]:3000', true],
  ['http://[::1]:3000', 'http://[::2]:3000', false],
  ['', 'https://a.test', false],
  ['https://', 'null', false],
  ['a.test', 'https://evil.test/a.test', false],
  ['a.test', 'https://evil.test@a.test', false],
  ['a.test', 'not an origin', false],
  ['capacitor://localhost', 'capacitor://localhost', true],
  ['capacitor://localhost', 'ionic://localhost', false],
  ['https://a.test:*', 'http://a.test:8443', false],
  ['a.b', 'https://axb', false],
] as const)('allowing %j lets %j in: %s', ([allowed, origin, isAllowed]) => {
  expect(isAllowedOrigin(['https://other.test', allowed], origin)).toBe(isAllowed);
});
