import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { keySlot, PARTITIONS, partitionOf, RedisKeys } from '../../../server/redis/keys.ts';

const DOCS = new URL('../../../docs/scaling.md', import.meta.url);
const SLOTS = 16_384;

/** Every key and topic there is, of the app APP, the channel CHANNEL, the node NODE, and the partition of that channel. */
function allKeys(): string[] {
  const keys = new RedisKeys('') as unknown as Readonly<Record<string, (...args: (string | number)[]) => string>>;
  const names = Object.getOwnPropertyNames(RedisKeys.prototype).filter((name) => name !== 'constructor');
  const partition = partitionOf('APP', 'CHANNEL');
  const named = new RedisKeys('').lastEvent('APP', 'CHANNEL', 'EVENT');
  const others = names.map((name) => {
    const of = keys[name];
    if (['settled', 'outbox', 'due', 'wants', 'told', 'worker'].includes(name)) return of?.call(keys, partition) ?? '';
    if (name === 'letters' || name === 'letterOrder') return of?.call(keys, 'APP', 'WEBHOOK') ?? '';
    const owner = name.startsWith('node') ? 'NODE' : 'APP';
    const ofPartition = ['channels', 'totals', 'nodeChannels', 'nodeMembers'].includes(name);
    return of?.call(keys, owner, ofPartition ? partition : 'CHANNEL') ?? '';
  });
  return [named, ...others];
}

/** First column of the table of keys, but for what the start leaves behind for a moment. */
function documentedKeys(): string[] {
  const keys = [...readFileSync(DOCS, 'utf8').matchAll(/^\| `(kulkul:[^`]+)` \|/gm)].map(([, key = '']) => key);
  return keys.filter((key) => !key.includes('{self-test/'));
}

test('docs/scaling.md lists every key and topic, and no other', () => {
  const withoutTag = (key: string): string => key.replace(/\{\d+\}/, '{P}');
  expect(documentedKeys().sort()).toEqual(allKeys().map(withoutTag).sort());
});

test('all keys of a partition are in the slot of its topics, and no two are the same', () => {
  const keys = allKeys();
  expect(new Set(keys).size).toBe(keys.length);
  const tags = keys
    .filter((key) => /CHANNEL|node-|:channels:|:totals:|:(settled|outbox|due|wants|told|worker)$/.test(key))
    .map((key) => /\{(.*?)\}/.exec(key)?.[1]);
  expect(tags).toHaveLength(20);
  expect(new Set(tags).size).toBe(1);
});

test('partitions are spread over the slots of a cluster evenly, and channels over the partitions', () => {
  const keys = new RedisKeys('any-prefix:');
  const shares = Array.from({ length: PARTITIONS }, (_, partition) =>
    Math.floor(keySlot(keys.settled(partition)) / (SLOTS / PARTITIONS)),
  );
  expect(shares).toEqual(shares.map((_, partition) => partition));
  const channels = Array.from({ length: 6400 }, (_, index) => partitionOf('3', `private-user.${index}`));
  const sizes = shares.map((partition) => channels.filter((found) => found === partition).length);
  expect(Math.min(...sizes)).toBeGreaterThan(50);
  expect(Math.max(...sizes)).toBeLessThan(200);
});

test('a channel stays in its partition: another place for it would be another layout', () => {
  const topic = (channel: string): string => new RedisKeys('').topic('3', channel);
  expect([topic('news'), topic('presence-room'), topic('#watch-ü')]).toMatchInlineSnapshot(`
    [
      "kulkul:3:{68}:topic:3/news",
      "kulkul:3:{12}:topic:3/presence-room",
      "kulkul:3:{123}:topic:3/#watch-ü",
    ]
  `);
});

test('a prefix stands before all of them', () => {
  const keys = new RedisKeys('mine:');
  for (const key of [keys.topic('1', 'a'), keys.nodes(), keys.nodeChannels('n', 0), keys.rates('1')]) {
    expect(key).toMatch(/^mine:kulkul:(3:)?\{/);
  }
});
