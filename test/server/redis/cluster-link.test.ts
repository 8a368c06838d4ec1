import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createRedisLink } from '../../../server/redis/create-link.ts';
import { keySlot } from '../../../server/redis/keys.ts';
import type { RedisLink } from '../../../server/redis/redis-link.ts';
import { RedisCluster } from '../../support/redis-cluster.ts';
import type { RedisServer } from '../../support/redis-server.ts';
import { redisSettings } from '../../support/redis-settings.ts';

let cluster: RedisCluster;
let link: RedisLink;
let messages: string[];

// A cluster takes two seconds to form: the tests share one, and the last of them takes it apart.
beforeAll(async () => {
  cluster = await RedisCluster.start({ replicas: 1 });
});
afterAll(() => cluster.dispose());

beforeEach(async () => {
  link = createRedisLink(redisSettings({ 'database.redis.clusterNodes': `127.0.0.1:${cluster.masters[0]?.port}` }));
  await link.whenUp();
  messages = [];
  link.onMessage((topic, payload) => messages.push(`${topic} ${payload}`));
});
afterEach(() => link.close());

const publish = (topic: string, payload: string) => link.commands.do((client) => client.spublish(topic, payload));

/** Resolves when the link was lost and is up again. */
function restoration(): Promise<unknown> {
  const target = new EventTarget();
  link.onRestored(() => target.dispatchEvent(new Event('restored')));
  return once(target, 'restored');
}

/** Gives a slot to another master, as `redis-cli --cluster reshard` does when all of its keys are gone over. */
async function moveSlot(slot: number, from: RedisServer, to: RedisServer): Promise<void> {
  const [fromId, toId] = await Promise.all(
    [from, to].map(async (node) => String(await cluster.call(node, 'CLUSTER', 'MYID'))),
  );
  await cluster.call(to, 'CLUSTER', 'SETSLOT', slot, 'IMPORTING', fromId ?? '');
  await cluster.call(from, 'CLUSTER', 'SETSLOT', slot, 'MIGRATING', toId ?? '');
  for (const node of [to, from, ...cluster.masters])
    await cluster.call(node, 'CLUSTER', 'SETSLOT', slot, 'NODE', toId ?? '');
}

const masterOf = (slot: number): RedisServer => at(cluster.masters, Math.floor(slot / Math.ceil(16_384 / 3)));

function at<T>(list: readonly T[], index: number): T {
  const item = list[index % list.length];
  if (item === undefined) throw new Error('nothing there');
  return item;
}

test('computes slots as Redis does', async () => {
  const keys = [
    'a',
    '123456789',
    'x{a}y',
    '{}a',
    '{a',
    'a}b{c}d',
    '{{a}}',
    'ü{ö}',
    '',
    'x:{3/presence-room.1}:members',
  ];
  const slots = await Promise.all(keys.map((key) => cluster.call(at(cluster.masters, 0), 'CLUSTER', 'KEYSLOT', key)));
  expect(keys.map(keySlot)).toEqual(slots);
});

test('hears topics of all masters, each on its own, and no others', async () => {
  const topics = ['{f}', '{b}', '{c}', '{d}', '{e}'];
  expect(new Set(topics.map((topic) => masterOf(keySlot(topic)))).size).toBe(3);
  for (const topic of topics.slice(1)) await link.subscribe(topic);
  for (const topic of topics) await publish(topic, 'hello');
  await link.barrier();
  expect(messages.sort()).toEqual(['{b} hello', '{c} hello', '{d} hello', '{e} hello']);
  await link.unsubscribe('{b}');
  await publish('{b}', 'late');
  await link.barrier();
  expect(messages).toHaveLength(4);
});

test('follows a slot to another master, with what is subscribed and what comes later', async () => {
  await link.subscribe('{a}');
  await link.subscribe('{b}');
  const slot = keySlot('{a}');
  const from = masterOf(slot);
  const to = at(cluster.masters, cluster.masters.indexOf(from) + 1);
  const back = restoration();
  await moveSlot(slot, from, to);
  await back;
  await publish('{a}', 'after');
  await publish('{b}', 'after');
  await link.subscribe('x{a}');
  await publish('x{a}', 'new');
  await link.barrier();
  expect(messages.sort()).toEqual(['x{a} new', '{a} after', '{b} after']);
  expect(await cluster.call(to, 'PUBSUB', 'SHARDNUMSUB', '{a}')).toEqual(['{a}', 1]);
});

test('goes on with the replica of a master that dies, says so meanwhile, and keeps the other masters', async () => {
  const dying = at(cluster.masters, 0);
  const [lost = '', kept = ''] = ['{f}', '{b}', '{c}', '{d}', '{e}'].sort(
    (one, other) => Number(masterOf(keySlot(other)) === dying) - Number(masterOf(keySlot(one)) === dying),
  );
  expect(masterOf(keySlot(lost))).toBe(dying);
  await link.subscribe(lost);
  await link.subscribe(kept);
  const back = restoration();
  const gone = new Promise<void>((resolve) => {
    link.onLost(resolve);
  });
  await dying.kill();
  await gone;
  expect(link.problem).toMatch(/^Redis is away \(/);
  await expect(publish(lost, 'meanwhile')).rejects.toThrow();
  await back;
  expect(link.problem).toBeUndefined();
  await publish(lost, 'after');
  await publish(kept, 'after');
  await link.barrier();
  expect(messages.sort()).toEqual([`${lost} after`, `${kept} after`].sort());
});
