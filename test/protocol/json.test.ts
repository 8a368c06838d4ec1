import { describe, expect, test } from 'vitest';
import { encodeJson, exceedsBytes, isJsonObject, parseJson, quote } from '../../protocol/json.ts';

test('takes objects only for JSON objects', () => {
  expect(isJsonObject({})).toBe(true);
  for (const value of [null, undefined, [], 'x', 1, true]) expect(isJsonObject(value)).toBe(false);
});

test('answers undefined for a text that is not JSON, and for nothing else', () => {
  expect(parseJson('{"a":1}')).toEqual({ a: 1 });
  expect(parseJson('null')).toBe(null);
  expect(parseJson('undefined')).toBe(undefined);
  expect(parseJson('')).toBe(undefined);
});

test('answers undefined for a value that can not be written', () => {
  const circular: Record<string, unknown> = {};
  circular.self = circular;
  expect(encodeJson(circular)).toBe(undefined);
  expect(encodeJson([null])).toBe('[null]');
});

test('quotes short texts whole and long ones shortened', () => {
  expect(quote('abc', 3)).toBe('abc');
  expect(quote('abcd', 3)).toBe('abc…');
});

test('text that is no JSON leaves other errors their stack traces', () => {
  const { stackTraceLimit } = Error;
  expect(parseJson('{')).toBeUndefined();
  expect(parseJson('{}')).toEqual({});
  expect(Error.stackTraceLimit).toBe(stackTraceLimit);
  expect(new Error('a bug').stack).toContain(' at ');
});

describe('the size of a text', () => {
  test.for([
    ['x', 1],
    ['ü', 2],
    ['€', 3],
    ['💡', 4],
  ] as const)('is counted in bytes of UTF-8: %s is %i', ([character, bytes]) => {
    const text = character.repeat(100);
    expect(exceedsBytes(text, bytes * 100)).toBe(false);
    expect(exceedsBytes(text, bytes * 100 - 1)).toBe(true);
  });
});
