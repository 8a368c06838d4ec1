import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ChannelPattern, claimAt, textsOf } from '../../auth/channel-pattern.ts';

const matches = (pattern: string, name: string): boolean => new ChannelPattern(pattern).matches(name);
const matchesFor = (pattern: string, name: string, claims: object): boolean =>
  new ChannelPattern(pattern).matchesFor(name, claims as Record<string, unknown>);

describe('a pattern', () => {
  test.for([
    ['news', ['news'], ['new', 'newss', 'anews', 'News', '']],
    ['*', ['', 'news', '*', 'a*b'], []],
    ['private-*', ['private-', 'private-x', 'private-*'], ['private', 'aprivate-x', 'Private-x']],
    ['*-dashboard', ['-dashboard', 'a-dashboard', 'a-dashboard-dashboard'], ['dashboard', 'a-dashboards']],
    ['a*b*c', ['abc', 'aXbYc', 'abbcc', 'abcbc'], ['ab', 'ac', 'acb', 'abcd', 'xabc']],
    ['a*a', ['aa', 'aba', 'aaa'], ['a', 'ab']],
    ['ab*ba', ['abba', 'abXba'], ['aba', 'ab', 'ba']],
    ['a**b', ['ab', 'aXb'], ['a', 'b']],
    ['private-user.{sub}', ['private-user.7', 'private-user..'], ['private-user.', 'private-user', 'xprivate-user.7']],
    ['{a}{b}', ['xy', 'xyz'], ['x', '']],
    ['{a}*{b}', ['xy', 'xyz'], ['x', '']],
    ['x{a}*', ['xy', 'xyz'], ['x']],
    ['{a}-{b}', ['x-y', 'x--', '--y', '---'], ['x-', '-y', '-', 'xy']],
    ['a.b', ['a.b'], ['axb']],
    ['(a+)+$', ['(a+)+$'], ['aa', 'a']],
    ['[ab]|c', ['[ab]|c'], ['a', 'b', 'c']],
  ] as const)('%s matches %j, and not %j', ([pattern, good, bad]) => {
    expect(good.filter((name) => !matches(pattern, name))).toEqual([]);
    expect(bad.filter((name) => matches(pattern, name))).toEqual([]);
  });

  test('tells the claims that it names, each once', () => {
    expect(new ChannelPattern('a').claims).toEqual([]);
    expect(new ChannelPattern('{sub}-*-{org.id}-{sub}').claims).toEqual(['sub', 'org.id']);
    expect(new ChannelPattern('{sub}').text).toBe('{sub}');
  });

  test.for(['{', '}', '{}', 'a{', 'a}', '{a', 'a{}b', '{{a}}', '{a}}', '}{'])('is not %s', (text) => {
    expect(() => new ChannelPattern(text)).toThrow(SyntaxError);
  });

  test('matches what an expression of the same meaning matches', () => {
    const part = fc.constantFrom('a', 'b', 'ab', '*', '{x}', '.', '-');
    const patterns = fc.array(part, { maxLength: 7 }).map((parts) => parts.join(''));
    const names = fc.array(fc.constantFrom('a', 'b', '.', '-'), { maxLength: 9 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(patterns, names, (pattern, name) => {
        expect(matches(pattern, name)).toBe(expressionOf(pattern, '(?:.+)').test(name));
      }),
      { numRuns: 3000 },
    );
  });

  test('with claims matches what an expression with their values matches', () => {
    const part = fc.constantFrom('a', 'b', '*', '{x}', '{y}', '-');
    const patterns = fc.array(part, { maxLength: 6 }).map((parts) => parts.join(''));
    const text = fc.array(fc.constantFrom('a', 'b', '-'), { maxLength: 8 }).map((parts) => parts.join(''));
    const value = fc.oneof(fc.constantFrom('a', 'b', 'a-b'), fc.constantFrom(['a'], ['a', 'ba'], []));
    fc.assert(
      fc.property(patterns, text, value, value, (pattern, name, x, y) => {
        // Each place may have another value of a list.
        const valuesOf = { x: `(?:${[x].flat().join('|') || '[]'})`, y: `(?:${[y].flat().join('|') || '[]'})` };
        const expected = expressionOf(pattern, valuesOf).test(name);
        expect(matchesFor(pattern, name, { x, y })).toBe(expected);
      }),
      { numRuns: 3000 },
    );
  });

  test.for([
    ['a*a*a*a*a*a*a*a*a*a*a*a*a*a*b', 'a'.repeat(5000), false],
    [`${'*a'.repeat(200)}*b`, 'a'.repeat(5000), false],
    [`${'*a'.repeat(200)}*`, 'a'.repeat(5000), true],
    ['*'.repeat(5000), 'a'.repeat(5000), true],
    [`${'{x}'.repeat(500)}b`, 'a'.repeat(5000), false],
    [`${'{x}*'.repeat(500)}a`, 'a'.repeat(501), true],
  ] as const)('does not go astray: %#', ([pattern, name, isMatch]) => {
    expect(matches(pattern, name)).toBe(isMatch);
  });
});

describe('a pattern for the holder of a token', () => {
  test('has what the token says in the place of claims', () => {
    expect(matchesFor('private-user.{sub}', 'private-user.42', { sub: '42' })).toBe(true);
    expect(matchesFor('private-user.{sub}', 'private-user.42', { sub: 42 })).toBe(true);
    for (const sub of ['4', '421', '', '*', ' 42', 42.5, null, true, {}, { sub: '42' }, [], [['42']]]) {
      expect([sub, matchesFor('private-user.{sub}', 'private-user.42', { sub })]).toEqual([sub, false]);
    }
    expect(matchesFor('private-user.{sub}', 'private-user.42', {})).toBe(false);
    expect(matchesFor('private-user.{sub}', 'private-user.', { sub: '' })).toBe(false);
  });

  test('never takes what a claim says for a pattern', () => {
    for (const sub of ['*', '{sub}', '{other}', '.*']) {
      expect(matchesFor('private-user.{sub}', 'private-user.42', { sub, other: '42' })).toBe(false);
      expect(matchesFor('private-user.{sub}', `private-user.${sub}`, { sub, other: '42' })).toBe(true);
    }
  });

  test('fits with any value of a list', () => {
    const claims = { orgs: ['acme', 7, null, ['evil'], ''], sub: '1' };
    for (const org of ['acme', '7']) expect(matchesFor('private-org.{orgs}', `private-org.${org}`, claims)).toBe(true);
    for (const org of ['evil', 'null', '', 'acme,7']) {
      expect(matchesFor('private-org.{orgs}', `private-org.${org}`, claims)).toBe(false);
    }
    expect(matchesFor('{orgs}.{sub}', 'acme.1', claims)).toBe(true);
    expect(matchesFor('{orgs}.{sub}', 'acme.2', claims)).toBe(false);
  });

  test('has claims inside of others, and those that have dots in their names', () => {
    expect(matchesFor('a.{org.id}', 'a.7', { org: { id: 7 } })).toBe(true);
    expect(matchesFor('a.{https://x.y/org}', 'a.7', { 'https://x.y/org': 7 })).toBe(true);
    expect(matchesFor('a.{org.id}', 'a.7', { org: { id: 8 }, 'org.id': 7 })).toBe(true);
  });

  // Cause: values of lists were combined before it was asked which of them can stand in the name at all. Symptom: only the
  // first 200 values of a list opened a channel, and each further claim made 200 copies of its whole list.
  test('finds what fits in long lists', () => {
    const many = Array.from({ length: 3000 }, (_, index) => `v${index}`);
    expect(matchesFor('org.{a}', 'org.v2999', { a: many })).toBe(true);
    expect(matchesFor('{a}-{b}-{c}', 'v2999-v2998-v2997', { a: many, b: many, c: many })).toBe(true);
    expect(matchesFor('{a}-{b}-{c}', 'v2999-v2998-w', { a: many, b: many, c: many })).toBe(false);
    const same = Array.from({ length: 3000 }, () => 'v1');
    expect(matchesFor('{a}{b}{c}', 'v1v1v1', { a: same, b: same, c: same })).toBe(true);
  });

  test('answers for names in which very many combinations can stand', () => {
    const name = 'abc'.repeat(60);
    const texts = Array.from({ length: 60 }, (_, index) => name.slice(index, index + 3 + (index % 50)));
    const claims = Object.fromEntries([...'abcdefgh'].map((claim) => [claim, texts]));
    expect(matchesFor('{a}{b}{c}{d}{e}{f}{g}{h}x', name, claims)).toBe(false);
    expect(matchesFor('{a}*{b}*{c}*{d}*{e}*{f}*{g}*{h}', name, claims)).toBe(true);
  });
});

describe('a claim', () => {
  test('is never what every object has', () => {
    for (const path of [
      '__proto__',
      'constructor',
      'constructor.name',
      'toString',
      'a.length',
      'list.length',
      'a.__proto__',
    ]) {
      expect(claimAt({ a: 'text', list: [1] }, path)).toBe(path === 'list.length' ? 1 : undefined);
    }
  });

  test('is text, an integer, or a list of those', () => {
    expect(textsOf(['a', 1, -2, 1.5, '', null, undefined, {}, ['b'], true, 2 ** 53])).toEqual(['a', '1', '-2']);
    for (const value of [undefined, null, {}, { a: 1 }, true, Number.NaN, Number.POSITIVE_INFINITY, '']) {
      expect(textsOf(value)).toEqual([]);
    }
  });
});

describe('a pattern that covers another', () => {
  test.for([
    ['private-*', 'private-admin', true],
    ['private-*', 'private-{sub}', true],
    ['private-{sub}', 'private-{org}', true],
    ['a', 'a', true],
    ['*', 'a*b{c}', true],
    ['private-{sub}', 'private-*', false],
    ['private-admin', 'private-*', false],
    ['private-*', 'presence-x', false],
    ['*x*', '*', false],
    ['private-*.a', 'private-*', false],
  ] as const)('%s covers %s: %s', ([wide, narrow, expected]) => {
    expect(new ChannelPattern(wide).covers(new ChannelPattern(narrow))).toBe(expected);
  });
});

/** The slow way. */
function expressionOf(pattern: string, claims: string | Readonly<Record<string, string>>): RegExp {
  const source = pattern.replace(/\{(\w)\}|\*|[^{}*]/g, (part, claim: string | undefined) => {
    if (part === '*') return '.*';
    if (claim === undefined) return part.replace(/[.$^|()[\]\\+?-]/g, '\\$&');
    return typeof claims === 'string' ? claims : (claims[claim] ?? '');
  });
  return new RegExp(`^${source}$`, 's');
}
