import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RedisLink } from '../../server/redis/redis-link.ts';
import { RedisSentinel } from '../support/redis-sentinel.ts';
import { redisSettings } from '../support/redis-settings.ts';
import { describeBroker } from './broker-contract.ts';
import { describeChannelStore } from './channel-store-contract.ts';
import { describeEdges } from './edges-contract.ts';
import { describeOutbox } from './outbox-contract.ts';
import { createRedisOutbox, createRedisSeams } from './redis-seams.ts';
import { start } from './seams-fixture.ts';

const PASSWORD = 'secret';

let sentinel: RedisSentinel;
beforeAll(async () => {
  sentinel = await RedisSentinel.start('our-master', PASSWORD);
});
afterAll(() => sentinel.dispose());

const settings = () => ({
  'database.redis.sentinels': [{ host: '127.0.0.1', port: sentinel.sentinel.port }],
  'database.redis.sentinelPassword': PASSWORD,
  'database.redis.password': PASSWORD,
  'database.redis.name': 'our-master',
});
const create = () => createRedisSeams(redisSettings(settings()));

describeBroker('Redis behind Sentinel', create);
describeChannelStore('Redis behind Sentinel', create);
describeEdges('Redis behind Sentinel', create);
describeOutbox('Redis behind Sentinel', (options) => createRedisOutbox(redisSettings(settings()), options));

/** Cause: the password in the address of a Sentinel was read, and never sent. Symptom: NOAUTH at the start. */
test('Redis behind Sentinel takes the password of a Sentinel out of its address', async () => {
  const address = `redis://:${PASSWORD}@127.0.0.1:${sentinel.sentinel.port}`;
  const { 'database.redis.sentinelPassword': _, ...others } = settings();
  const seams = await start(() =>
    createRedisSeams(redisSettings({ ...others, 'database.redis.sentinels': [address] })),
  );
  await seams.last.subscribe('news');
  await seams.first.broker.publish({ appId: '3', channel: 'news', frame: 'here' });
  expect(await seams.last.frames()).toEqual(['here']);
  await seams.fixture.dispose();
});

describe('Redis behind Sentinel, when its master dies', () => {
  test('goes on with the replica: members, subscriptions and messages', async () => {
    let links: readonly RedisLink[] = [];
    const seams = await start(async () => {
      const fixture = await create();
      links = fixture.links;
      return fixture;
    });
    const ann = { userId: 'ann', userIdJson: '"ann"', userInfoJson: undefined };
    await seams.first.store.join('3', 'presence-a', '1.1', ann, 10);
    await seams.last.subscribe('news');

    const back = links.map((link) => nextRestoration(link));
    await sentinel.master.kill();
    await Promise.all(back);

    await seams.first.broker.publish({ appId: '3', channel: 'news', frame: 'after' });
    expect(await seams.last.frames()).toEqual(['after']);
    const { members } = await seams.last.store.members('3', 'presence-a');
    expect(members).toEqual([ann]);
    await seams.first.store.leave('3', 'presence-a', '1.1', 'ann');
    await seams.fixture.dispose();
  });
});

async function nextRestoration(link: RedisLink): Promise<void> {
  const target = new EventTarget();
  link.onRestored(() => target.dispatchEvent(new Event('restored')));
  await once(target, 'restored');
}
