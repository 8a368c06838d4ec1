import { describe, expect, test } from 'vitest';
import { parseParams } from '../../../auth/request-params.ts';
import { hasLives, parseConnectionPath } from '../../../protocol/handshake.ts';
import { readerToken } from '../../../server/entrance.ts';
import { bearerToken } from '../../../server/http/auth/auth-token.ts';
import { notFound } from '../../../server/http/routes.ts';
import { foreign, loggableFrame } from '../../../server/log.ts';

/** What goes through it once is done in a moment. What goes through the rest of it at each character never ends. */
const LENGTH = 5_000_000;
const long = (text: string): string => text.repeat(LENGTH / text.length);
const NO_PARAMS = parseParams('');

// Cause: a regular expression tried all ways to share spaces, or began anew at each backslash. Symptom: one frame or header held up everybody for seconds.
// Cause: each escape that is none was tried, and took an error with its stack. Symptom: a request of 20 KB, signed by nobody, took 100 ms.
test.for(['%', '%FF', 'a=%&b=%E0%80', '[]=%'])(
  'of a query of many broken escapes only a thousand are tried: %s',
  (pair) => {
    const { single, lists } = parseParams(Array.from({ length: 10_000 }, (_, index) => `${index}${pair}`).join('&'));
    expect(single.size + lists.size).toBeLessThanOrEqual(1000);
  },
);

describe('a long text takes no more than going through it once', () => {
  test.for([
    ['a frame of backslashes at debug level', () => loggableFrame(long('\\'))],
    ['a frame of names at debug level', () => loggableFrame(long('"auth":"'))],
    ['a frame of names and spaces at debug level', () => loggableFrame(long('"auth"          '))],
    ['control characters in the log', () => foreign(long('\u009b'))],
    ['a token after spaces, with a line separator', () => readerToken(`Bearer${long(' ')}\u2028`, NO_PARAMS)],
    ['a token of spaces and letters', () => readerToken(`Bearer ${long('a ')}\u2028`, NO_PARAMS)],
    ['a bearer token after spaces', () => bearerToken(`Bearer${long(' ')}\u2028`)],
    ['a list parameter of brackets', () => parseParams(`${long('[')}]`)],
    ['a list parameter of digits', () => parseParams(`${long('[1')}]`)],
    ['a path of slashes', () => notFound(long('/'))],
    ['a path of slashes and letters', () => notFound(long('//a'))],
    [
      'a path to connect to',
      () => expect(() => parseConnectionPath(`/app/${long('/')}`, '')).toThrow('Path not found'),
    ],
    ['a version of a client', () => hasLives({ client: 'js', version: long('1.'), origin: '' })],
  ] as const)('%s', ([, read]) => {
    read();
  });
});
