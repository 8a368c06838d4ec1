import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { elementTexts, memberText } from '../../protocol/json.ts';

describe('a field of an object', () => {
  test.for([
    ['{"a":1}', 'a', '1'],
    ['{"a":1,"b":2}', 'b', '2'],
    [' { "a" : 1 , "b" : 2 } ', 'a', '1'],
    ['\t{\r\n"a"\n:\r-1.50e+10\t}\n', 'a', '-1.50e+10'],
    ['{"a":1234567890123456789}', 'a', '1234567890123456789'],
    ['{"a":1e400,"b":0}', 'a', '1e400'],
    ['{"a":true }', 'a', 'true'],
    ['{"a":null}', 'a', 'null'],
    ['{"a":{"a":1,"a":2} ,"b":[]}', 'a', '{"a":1,"a":2}'],
    ['{"b":{"a":1},"a":[ {"a":2} , "]" ]}', 'a', '[ {"a":2} , "]" ]'],
    [String.raw`{"x":"\\","a":"\"}"}`, 'a', String.raw`"\"}"`],
    [String.raw`{"x":"\\\"a\":1","a":"\\"}`, 'a', String.raw`"\\"`],
    ['{"a":"\u2028\ud800"}', 'a', '"\u2028\ud800"'],
    [String.raw`{"a":{"x":"\ud800\u2028\/"}}`, 'a', String.raw`{"x":"\ud800\u2028\/"}`],
    ['{"":7}', '', '7'],
    ['{"__proto__":{"a":1}}', '__proto__', '{"a":1}'],
  ])('of %j, %j, is %j', ([text = '', name = '', value]) => {
    expect(JSON.parse(text)).toHaveProperty([name]);
    expect(memberText(text, name)).toBe(value);
  });

  test('is the last of several, as JSON.parse has it', () => {
    expect(memberText('{"a":1,"b":0,"a":{"c":2},"c":3}', 'a')).toBe('{"c":2}');
  });

  test('is found by a name that is written with escapes', () => {
    expect(memberText(String.raw`{"\u0064ata":1.0}`, 'data')).toBe('1.0');
    expect(memberText(String.raw`{"data":1,"d\u0061ta":2.0}`, 'data')).toBe('2.0');
    expect(memberText(String.raw`{"\\u0064ata":1}`, 'data')).toBeUndefined();
    expect(memberText(String.raw`{"\"":1}`, '"')).toBe('1');
  });

  test.for(['{}', ' { } ', '{"b":{"a":1}}', '{"A":1}', '{"b":"a"}'])('is none where %s has none', (text) => {
    expect(memberText(text, 'a')).toBeUndefined();
  });
});

test.for([
  ['[]', []],
  [' [ ] ', []],
  ['[1]', ['1']],
  ['[ 1.0 , [2,[3]] , {"a":[","]} , "]" , null ]', ['1.0', '[2,[3]]', '{"a":[","]}', '"]"', 'null']],
] as const)('the elements of %s', ([text, values]) => {
  expect(elementTexts(text)).toEqual(values);
});

test('goes as deep as a text may go', () => {
  const deep = `${'[{"a":'.repeat(50_000)}1${'}]'.repeat(50_000)}`;
  expect(memberText(`{"data":${deep},"x":0}`, 'data')).toBe(deep);
});

/** JSON texts as JSON.stringify never writes them: white space, escapes, numbers out of range, fields given twice. */
const space = fc.string({ unit: fc.constantFrom(' ', '\t', '\n', '\r'), maxLength: 3 });
const name = fc.oneof(fc.constantFrom('data', 'a', '', '__proto__'), fc.string({ unit: 'binary', maxLength: 4 }));
const literal = fc
  .tuple(fc.oneof(name, fc.string({ unit: 'binary' })), fc.boolean())
  .map(([text, isEscaped]) => (isEscaped ? escaped(text) : JSON.stringify(text)));
const { value } = fc.letrec<{ value: string; object: string; array: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom('0', '-0.0', '1e400', '1234567890123456789', '10.00', '2E-3', 'true', 'false', 'null'),
    literal,
    tie('object'),
    tie('array'),
  ),
  object: fc
    .array(fc.tuple(space, literal, space, space, tie('value'), space), { maxLength: 5 })
    .map((fields) => `{${fields.map(([a, key, b, c, own, d]) => `${a}${key}${b}:${c}${own}${d}`).join(',')}}`),
  array: fc
    .array(fc.tuple(space, tie('value'), space), { maxLength: 5 })
    .map((items) => `[${items.map((parts) => parts.join('')).join(',')}]`),
}));

function escaped(text: string): string {
  const units = Array.from({ length: text.length }, (_, at) => text.charCodeAt(at).toString(16).padStart(4, '0'));
  return `"${units.map((unit) => `\\u${unit}`).join('')}"`;
}

test('finds what JSON.parse finds, and each part is a text of its own', () => {
  const fields = fc.array(fc.tuple(literal, value), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(fields, space, (given, gap) => {
      const text = `${gap}{${given.map(([key, own]) => `${gap}${key}${gap}:${gap}${own}${gap}`).join(',')}}${gap}`;
      const last = new Map(given.map(([key, own]) => [JSON.parse(key) as string, own]));
      for (const [key, own] of last) expect(memberText(text, key)).toBe(own);
      const list = `${gap}[${given.map(([, own]) => `${gap}${own}${gap}`).join(',')}]${gap}`;
      expect(elementTexts(list)).toEqual(given.map(([, own]) => own));
    }),
  );
});

test('reads each text no more than a few times, however it is made', () => {
  // Counted, not timed: a text of twice the length must take twice the looks at it.
  const looks = (text: string): number => {
    let count = 0;
    const counted = {
      length: text.length,
      charCodeAt: (at: number) => {
        count += 1;
        return text.charCodeAt(at);
      },
      slice: (from: number, to: number) => text.slice(from, to),
    } as string;
    memberText(counted, 'data');
    return count / text.length;
  };
  const evil = [
    `{"x":"${'\\\\'.repeat(5000)}","data":1}`,
    `{"x":"${'\\"'.repeat(5000)}","data":1}`,
    `{"data":${'['.repeat(5000)}${']'.repeat(5000)}}`,
    `{${Array(2000).fill('"data":{}').join(',')}}`,
    `{"data":${' '.repeat(9000)}1${' '.repeat(9000)}}`,
  ];
  for (const text of evil) expect(looks(text)).toBeLessThan(8);
});
