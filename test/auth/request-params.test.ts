import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalParams, parseParams } from '../../auth/request-params.ts';

describe('a query string', () => {
  test.for([
    ['', {}],
    ['a=1&b=2', { a: '1', b: '2' }],
    ['a=1&a=2', { a: '2' }],
    ['A=1', { a: '1' }],
    ['a', { a: '' }],
    ['a=', { a: '' }],
    ['a=b=c', { a: 'b=c' }],
    ['&&a=1&', { a: '1' }],
    ['a=1%202', { a: '1 2' }],
    ['a=%C3%BC', { a: 'ü' }],
    ['info=user_count%2Csubscription_count', { info: 'user_count,subscription_count' }],
    ['info=user_count,subscription_count', { info: 'user_count,subscription_count' }],
    ['a=1+2', { a: '1+2' }],
    ['a=%', { a: '%' }],
    ['a=%E0%A4%A', { a: '%E0%A4%A' }],
    ['__proto__=1', { ['__proto__']: '1' }],
  ] as [string, Record<string, string>][])('%j holds %j', ([query, expected]) => {
    expect([...parseParams(query).single]).toEqual(Object.entries(expected));
    expect([...parseParams(query).lists]).toEqual([]);
  });

  test('has `+` for a space where forms write it', () => {
    expect(parseParams('a=1+2%2B', true).single.get('a')).toBe('1 2+');
  });

  test.for(['channels[]=b&channels[]=a', 'channels%5B%5D=b&Channels%5b%5d=a', 'channels[0]=b&channels[1]=a'])(
    '%s holds a list in the given order',
    (query) => {
      expect([...parseParams(query).lists]).toEqual([['channels', ['b', 'a']]]);
      expect(parseParams(query).single.size).toBe(0);
    },
  );
});

describe('the signed parameters', () => {
  test('are sorted by name, in lower case, decoded, without the signature', () => {
    const params = parseParams('b=2&auth_signature=x&A=%C3%BC%26&auth_key=k&auth=1');
    expect(canonicalParams(params, 'brackets')).toBe('a=ü&&auth=1&auth_key=k&b=2');
  });

  test('hold lists as brackets or, as PHP signs them, joined by commas', () => {
    const params = parseParams('name=e&channels[0]=b&channels[1]=a');
    expect(canonicalParams(params, 'brackets')).toBe('channels[]=b&channels[]=a&name=e');
    expect(canonicalParams(params, 'commas')).toBe('channels=b,a&name=e');
  });

  test('hold a plain parameter before the list of the same name', () => {
    const params = parseParams('k[]=b&k1=x&k=a&auth_signature[]=s');
    expect(canonicalParams(params, 'brackets')).toBe('auth_signature[]=s&k=a&k[]=b&k1=x');
    expect(canonicalParams(params, 'commas')).toBe('auth_signature=s&k=a&k=b&k1=x');
  });

  // What most SDKs send is taken as it is, and only if it is what would be put together.
  test('are the query without the signature where that is in order', () => {
    const parts = [
      'a=1',
      'b=',
      'b=2',
      'A=3',
      'auth_signature=x',
      'auth_key=k',
      'c',
      'k[]=1',
      'd=%41',
      'e=1+2',
      '',
      'z==',
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...parts), { maxLength: 7 }), (pairs) => {
        const params = parseParams(pairs.join('&'));
        for (const lists of ['brackets', 'commas'] as const) {
          expect(canonicalParams(params, lists)).toBe(canonicalParams({ ...params, canonical: undefined }, lists));
        }
      }),
      { numRuns: 2000 },
    );
    const query = 'auth_key=k&auth_timestamp=1&auth_version=1.0&body_md5=m&auth_signature=x';
    expect(parseParams(query).canonical).toBe('auth_key=k&auth_timestamp=1&auth_version=1.0&body_md5=m');
    expect(parseParams('auth_key=k&auth_signature=x&auth_version=1.0').canonical).toBe('auth_key=k&auth_version=1.0');
  });
});
