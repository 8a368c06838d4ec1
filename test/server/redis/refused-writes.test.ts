import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { read, trigger } from '../../support/api-client.ts';
import { RawClient } from '../../support/raw-client.ts';
import { RedisServer } from '../../support/redis-server.ts';
import { untilEqual } from '../../support/until.ts';
import { startRedisNode, type TestRedisNode } from './nodes.ts';

let redis: RedisServer;
let admin: Redis;
let node: TestRedisNode;
beforeEach(async () => {
  redis = await RedisServer.start();
  admin = new Redis({ port: redis.port });
  node = await startRedisNode(redis.port, { nodeTimeoutMs: 600 });
});
afterEach(async () => {
  node.kill();
  admin.disconnect();
  await redis.dispose();
});

const EVENT = { name: 'e', channel: 'news', data: '1' };
const ready = async (): Promise<[number, string]> => {
  const answer = await fetch(`${node.url}/ready`);
  return [answer.status, await answer.text()];
};

/** How Redis comes to refuse writes, and to take them again. */
const CASES: Readonly<Record<string, readonly [refuse: () => Promise<unknown>, take: () => Promise<unknown>]>> = {
  'has no memory left': [() => admin.config('SET', 'maxmemory', '1'), () => admin.config('SET', 'maxmemory', '0')],
  'became a replica': [() => admin.replicaof('127.0.0.1', 1), () => admin.replicaof('NO', 'ONE')],
  'lacks its replicas': [
    () => admin.config('SET', 'min-replicas-to-write', '1'),
    () => admin.config('SET', 'min-replicas-to-write', '0'),
  ],
};

// /ready said OK, and every event was answered 503.
test.for(Object.entries(CASES))(
  'a node is not ready while Redis %s, and is again after it',
  async ([, [refuse, take]]) => {
    const client = await RawClient.connect(node.wsUrl);
    await client.subscribed('news');
    await client.next('pusher_internal:subscription_count');
    await refuse();
    // Nobody publishes: the node finds out by itself.
    await untilEqual(async () => (await ready())[0], 503);
    expect((await ready())[1]).toMatch(/^Not ready: Redis (refuses writes|is away)$/);
    const answer = await trigger(node.url, EVENT);
    expect([answer.status, answer.text]).toEqual([503, expect.stringContaining('Redis')]);
    expect(answer.text).not.toContain('127.0.0.1');
    // Neither the count of this one nor the end of the other can be written now.
    const late = await RawClient.connect(node.wsUrl);
    late.subscribe('news');
    await take();
    await untilEqual(ready, [200, 'OK']);
    expect((await trigger(node.url, EVENT)).status).toBe(200);
    let frame = await client.next();
    while (frame.event !== 'e') frame = await client.next();
    expect(frame.data).toBe('1');
    await untilEqual(() => read(node.url, '/channels/news', { info: 'subscription_count' }), {
      occupied: true,
      subscription_count: 2,
    });
    const bugs = node.log.filter(({ msg }) => msg === 'unexpected failure');
    expect(bugs).toEqual([]);
    await Promise.all([client, late].map((one) => one.close()));
  },
);
