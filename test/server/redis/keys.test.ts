import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { RedisKeys } from '../../../server/redis/keys.ts';

const DOCS = new URL('../../../docs/scaling.md', import.meta.url);

/** Every key and topic there is, of the app APP, the channel CHANNEL and the node NODE. */
function allKeys(): string[] {
  const keys = new RedisKeys('') as unknown as Readonly<Record<string, (...args: string[]) => string>>;
  const names = Object.getOwnPropertyNames(RedisKeys.prototype).filter((name) => name !== 'constructor');
  return names.map((name) => {
    const of = keys[name];
    const args = of?.length === 2 ? ['APP', 'CHANNEL'] : [name.startsWith('node') ? 'NODE' : 'APP'];
    return of?.call(keys, ...args) ?? '';
  });
}

/** First column of the table of keys, but for what the start leaves behind for a moment. */
function documentedKeys(): string[] {
  const keys = [...readFileSync(DOCS, 'utf8').matchAll(/^\| `(kulkul:[^`]+)` \|/gm)].map(([, key = '']) => key);
  return keys.filter((key) => !key.includes('{self-test/'));
}

test('docs/scaling.md lists every key and topic, and no other', () => {
  expect(documentedKeys().sort()).toEqual(allKeys().sort());
});

test('all keys of a channel are in the slot of its topic, and no two are the same', () => {
  const keys = allKeys();
  expect(new Set(keys).size).toBe(keys.length);
  const ofChannel = keys.filter((key) => key.includes('CHANNEL'));
  for (const key of ofChannel) expect(key).toMatch(/^kulkul:\{APP\/CHANNEL\}(:\w+)?$/);
});

test('a prefix stands before all of them', () => {
  const keys = new RedisKeys('mine:');
  for (const key of [keys.topic('1', 'a'), keys.nodes(), keys.nodeChannels('n'), keys.rates('1')]) {
    expect(key).toMatch(/^mine:kulkul:\{/);
  }
});
