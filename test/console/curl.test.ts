import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { curlOf, curlOfEvent } from '../../console/data/curl.ts';
import type { LiveFact } from '../../server/console/contract.ts';

const PORT = { origin: 'http://127.0.0.1:9601', hasTokens: false };

/** Words of a command, as a shell splits them. */
function wordsOf(command: string): readonly string[] {
  return execFileSync('sh', ['-c', `printf '%s\\n' ${command.replace(/^curl /, '')}`], { encoding: 'utf8' })
    .trimEnd()
    .split('\n');
}

test('an event with quotes and dollars reaches the shell as it is', () => {
  const event = { name: 'it\'s "$HOME"', channels: ['a', 'b'], data: '{"`id`":"\\\\"}' };
  const words = wordsOf(curlOfEvent('my app', event, PORT));
  expect(words.slice(0, 4)).toEqual(['-s', '-H', 'X-Kulkul-Admin: 1', 'http://127.0.0.1:9601/apps/my%20app/events']);
  expect(JSON.parse(words.at(-1) ?? '')).toEqual(event);
});

test('a token is read from a file, as others could see it in a command line', () => {
  const command = curlOfEvent('1', { name: 'e', channels: ['a'], data: '1' }, { ...PORT, hasTokens: true });
  expect(command).toMatch(/^curl -s -H @admin\.header /);
});

const FACT: Omit<LiveFact, 'type'> = { time: '2026-01-02T03:04:05.006Z', node: 'n', app: '1' };

test.for([
  [{ ...FACT, type: 'connected', socket: '1.2' }, '/apps/1/connections/1.2'],
  [{ ...FACT, type: 'disconnected', socket: '1.2' }, '/apps/1'],
  [{ ...FACT, type: 'subscribed', channel: 'a#b' }, '/apps/1/channels/a%23b'],
  [{ ...FACT, type: 'webhook', webhook: 'w' }, '/apps/1/webhooks'],
  [{ ...FACT, type: 'published', channels: ['a'], event: 'e', data: 'x' }, '/apps/1/events'],
] as const)('a command shows what %o is about', ([fact, path]) => {
  expect(wordsOf(curlOf(fact, PORT) ?? '')).toContain(`http://127.0.0.1:9601${path}`);
});

test('there is no command for what has no app', () => {
  expect(curlOf({ type: 'refused', time: FACT.time, node: 'n' }, PORT)).toBeUndefined();
});
