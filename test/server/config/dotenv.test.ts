// biome-ignore-all lint/suspicious/noTemplateCurlyInString: `.env` files are what this is about.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseDotenv } from '../../../server/config/environment.ts';
import { load, onlyApp } from './load.ts';

const parse = (text: string, env: Record<string, string> = {}) => Object.fromEntries(parseDotenv(text, env));

it.each<[string, string]>([
  ['A=b', 'b'],
  ['  export   A=b', 'b'],
  ['A = b ', 'b'],
  ['A=b # comment', 'b'],
  ['A=b#comment', 'b'],
  ['A=# comment', ''],
  ['A=', ''],
  ["A='b # c'", 'b # c'],
  ['A="b # c" # comment', 'b # c'],
  ['A="a \\"quoted\\" text # " # "comment"', 'a "quoted" text # '],
  ['A="back\\\\slash\\tand\\nline"', 'back\\slash\tand\nline'],
  ["A='no\\nline'", 'no\\nline'],
  ['A="two\nlines"', 'two\nlines'],
  ['A=My Application', 'My Application'],
  ['A="not closed', '"not closed'],
  ['# A=c\nA=b', 'b'],
  ['A=b\r\nB=c', 'b'],
  ['A=1\nA=b', 'b'],
])('%j says that A is %j', (text, value) => {
  expect(parse(text).A).toBe(value);
});

// Cause: nothing was expanded. Symptom: an application's REVERB_APP_KEY="${PUSHER_APP_KEY}" was the key itself.
it.each<[string, string]>([
  ['B=x\nA=${B}', 'x'],
  ['B=x\nA="<${B}>${B}"', '<x>x'],
  ["B=x\nA='${B}'", '${B}'],
  ['B=x\nA="\\${B}"', '${B}'],
  ['A=${LATER}\nLATER=x', '${LATER}'],
  ['A=${NOBODY}', '${NOBODY}'],
  ['B=x\nA=$B', '$B'],
  ['B=${B}${C}\nA=${B}', '${B}${C}'],
  ['B=of-the-file\nSET=of-the-file\nA=${B},${SET}', 'of-the-file,of-the-environment'],
])('%j makes A %j', (text, value) => {
  expect(parse(text, { SET: 'of-the-environment' }).A).toBe(value);
});

it('comes to its end with whatever it is given, and keeps what is quoted', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      parse(text);
      const plain = text.replaceAll(/['\r]/g, '');
      expect(parse(`A='${plain}'`).A).toBe(plain);
    }),
  );
});

it('is read by the broker so', () => {
  const dotenv = 'ID=7\nexport PUSHER_APP_ID="${ID}"\nPUSHER_APP_KEY=\'k#1\'\nPUSHER_APP_SECRET="s # 1" # mine\n';
  // The key is wrong: it is part of a URL.
  expect(() => load({ dotenv })).toThrow('.env: PUSHER_APP_KEY');
  const app = onlyApp({ dotenv: dotenv.replace('k#1', 'k1') });
  expect([app.id, app.keys]).toEqual(['7', [{ key: 'k1', secret: 's # 1' }]]);
});
