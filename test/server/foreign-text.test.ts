import pino from 'pino';
import { describe, expect, test } from 'vitest';
import { createLog, foreign, loggableFrame, logOptions } from '../../server/log.ts';

/** The line of a log for machines. */
function jsonLine(fields: object): string {
  const lines: string[] = [];
  pino(logOptions('info'), { write: (text) => lines.push(text) }).info(fields, 'refused');
  return lines.join('');
}

/** The line of a log for people, without colours. */
async function prettyLine(fields: object): Promise<string> {
  const lines: string[] = [];
  const output = { write: (text: string) => void lines.push(text), onResume: () => {} };
  (await createLog({ level: 'info', format: 'pretty' }, output, false)).info(fields, 'refused');
  return lines.join('');
}

const CONTROLS: readonly (readonly [string, string])[] = [
  ['\u001b[2J', '\\u001b[2J'],
  ['a\nb\rc', 'a\\u000ab\\u000dc'],
  ['\0', '\\u0000'],
  ['\u007f', '\\u007f'],
  // One character that terminals take for ESC [.
  ['\u009b31m', '\\u009b31m'],
  ['\u0085', '\\u0085'],
  ['\u2028\u2029', '\\u2028\\u2029'],
  ['\u202egnp.exe', '\\u202egnp.exe'],
  ['\ud83d', '\\ud83d'],
];

describe('a text of a stranger in the log', () => {
  test.for(CONTROLS)('has no control character: %j', async ([text, escaped]) => {
    expect(foreign(text)).toBe(escaped);
    expect(JSON.parse(jsonLine({ userAgent: text })).userAgent).toBe(escaped);
    for (const line of [jsonLine({ path: text }), await prettyLine({ path: text })]) {
      expect(line.trimEnd()).not.toMatch(/[\p{Cc}\p{Cs}\u2028\u2029\u202e]/u);
    }
  });

  test.for(CONTROLS)('has none where an error quotes it: %j', async ([text, escaped]) => {
    const fields = { err: new TypeError(`bad ${text}`) };
    expect(JSON.parse(jsonLine(fields)).err.message).toBe(`bad ${escaped}`);
    expect((await prettyLine(fields)).replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cs}\u2028\u2029\u202e]/u);
  });

  test.for(['origin', 'userAgent', 'forwardedFor', 'path', 'channel', 'frame', 'topic', 'any other'])(
    'is cut to 200 characters, and tells its length: %s',
    (name) => {
      const value = JSON.parse(jsonLine({ [name]: 'x'.repeat(20_000) }))[name];
      expect(value).toBe(`${'x'.repeat(200)}… (20000 characters)`);
    },
  );

  test('leaves short texts, numbers and lists as they are', () => {
    const fields = { path: '/app/é 😀', code: 4001, changed: ['1'], gone: true };
    expect(JSON.parse(jsonLine(fields))).toMatchObject(fields);
  });

  test('does not grow the stack of an error without end', () => {
    const line = jsonLine({ err: new Error('x'.repeat(100_000)) });
    expect(line.length).toBeLessThan(10_000);
  });
});

describe('a frame in the log', () => {
  test.for([
    ['{"auth":"key:abcdef","channel":"private-a"}', '{"auth":"key:•••","channel":"private-a"}'],
    ['{"auth" : "eyJh.bGci.Oi"}', '{"auth" : "•••"}'],
    ['{"data":"{\\"auth\\":\\"key:abc\\",\\"a\\":1}"}', '{"data":"{\\"auth\\":\\"key:•••\\",\\"a\\":1}"}'],
    ['{"auth":"Bearer a\\/b"}', '{"auth":"•••"}'],
    ['{"auth":"cut off in the mid', '{"auth":"•••'],
    ['{"auth":"a","auth":"b"}', '{"auth":"•••","auth":"•••"}'],
    ['{"auth":""}', '{"auth":""}'],
  ])('shows of %s no more than the key', ([frame = '', shown]) => {
    expect(loggableFrame(frame)).toBe(shown);
  });
});
