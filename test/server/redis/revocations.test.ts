import { Redis } from 'ioredis';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { NODES_APP, NODES_CHANNEL } from '../../../channels/nodes-channel.ts';
import type { Revocation } from '../../../channels/revocations.ts';
import { revoke } from '../../../channels/revoke.ts';
import { RedisKeys } from '../../../server/redis/keys.ts';
import { encodeHeader } from '../../../server/redis/wire.ts';
import { APP } from '../../support/broker.ts';
import { RawClient } from '../../support/raw-client.ts';
import { RedisServer } from '../../support/redis-server.ts';
import { until, untilEqual } from '../../support/until.ts';
import { startRedisNode, startSeams, type TestRedisNode } from './nodes.ts';

const redis = await RedisServer.start();
const client = new Redis({ port: redis.port });
// It is killed by a test.
client.on('error', () => {});
const keys = new RedisKeys('');
afterAll(async () => {
  client.disconnect();
  await redis.dispose();
});
beforeEach(() => client.flushall());

const revocation = (channel: string): Revocation => ({
  appId: APP.id,
  channel,
  target: { kind: 'everyone' },
  atMs: Date.now(),
});

async function withNodes(use: (...nodes: [TestRedisNode, TestRedisNode]) => Promise<void>): Promise<void> {
  const nodes = [await startRedisNode(redis.port), await startRedisNode(redis.port)] as const;
  try {
    await use(...nodes);
  } finally {
    for (const node of nodes) node.kill();
  }
}

test('what others put among the revocations is passed over', async () => {
  const { channel, ...more } = revocation('private-a');
  const garbage = ['', 'x', '{}', '[]', 'null', '{"appId":1}', JSON.stringify({ ...more, channel: '{sub}' })];
  for (const text of garbage) await client.zadd(keys.revocations(), Date.now(), text);
  await client.zadd(keys.revocations(), '+inf', JSON.stringify({ ...more, channel: 'private-inf', atMs: undefined }));
  const seams = await startSeams(redis.port);
  const good = { ...more, channel };
  await seams.store.revoke(good);
  expect(await seams.store.revocations()).toEqual([good]);
  await seams.stop();
});

test('revoking fails where Redis can not keep it, and says so', async () => {
  // A transaction succeeds even when its commands fail: the revocation was lost without a word.
  await client.set(keys.revocations(), 'mine');
  const seams = await startSeams(redis.port);
  await expect(seams.store.revoke(revocation('private-a'))).rejects.toThrow(/^Redis refuses \(WRONGTYPE/);
  await seams.stop();
});

test('old entries do not stay in Redis, nor does the key itself', async () => {
  const seams = await startSeams(redis.port);
  await seams.store.revoke({ ...revocation('private-old'), atMs: Date.now() - 90_000_000 });
  await seams.store.revoke(revocation('private-a'));
  expect(await client.zcard(keys.revocations())).toBe(1);
  expect(await client.pttl(keys.revocations())).toBeGreaterThan(86_000_000);
  await seams.stop();
});

test('what others publish on the topic of all nodes changes nothing', async () => {
  await withNodes(async (node, other) => {
    const page = await RawClient.connect(node.wsUrl);
    // No presence channel tells of the number of its subscribers, whenever that comes.
    await page.subscribed('presence-a', '{"user_id":"1"}');
    const topic = keys.topic(NODES_APP, NODES_CHANNEL);
    for (const text of [
      '',
      'x',
      '{"kind":"revoked"}',
      `1\t0\t${encodeHeader({})}\nx`,
      `2\t1\t${encodeHeader({})}\n{"kind":"revoked","revocation":{}}`,
    ]) {
      await client.publish(topic, text);
    }
    await until(() => node.log.some(({ during }) => during === 'reading a message between nodes'));
    expect(await page.flush()).toEqual([]);
    await revoke(other.server.node, { appId: APP.id, channel: 'presence-a', target: { kind: 'everyone' } });
    expect(await page.next('pusher:subscription_error')).toMatchObject({ channel: 'presence-a' });
  });
});

test('a Redis that lost its data gets the revocations back, so that a node that starts later knows them', async () => {
  await withNodes(async (node, other) => {
    await revoke(node.server.node, { appId: APP.id, channel: 'private-a', target: { kind: 'everyone' } });
    await until(() => !other.server.node.nodesChannel.revocations.isEmpty);
    // Whoever told of it is gone: the other one knows it, too.
    node.kill();
    await redis.kill();
    await redis.run();
    await untilEqual(() => client.zcard(keys.revocations()), 1);
    const later = await startRedisNode(redis.port);
    expect(later.server.node.nodesChannel.revocations.all).toHaveLength(1);
    later.kill();
  });
});
