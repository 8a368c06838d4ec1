import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createRedisLink } from '../../../server/redis/create-link.ts';
import type { RedisLink } from '../../../server/redis/redis-link.ts';
import { RedisServer } from '../../support/redis-server.ts';
import { redisSettings } from '../../support/redis-settings.ts';
import { TcpProxy } from '../../support/tcp-proxy.ts';

let server: RedisServer;
let proxy: TcpProxy;
let link: RedisLink;
let messages: string[];
/** Where a failover leads to. */
let other: RedisServer | undefined;

beforeEach(async () => {
  server = await RedisServer.start();
  proxy = await TcpProxy.start(server.port);
  link = createRedisLink(redisSettings({ 'database.redis.port': proxy.port }));
  await link.whenUp();
  messages = [];
  link.onMessage((topic, payload) => messages.push(`${topic} ${payload}`));
});
afterEach(async () => {
  link.close();
  await proxy.close();
  await server.dispose();
  await other?.dispose();
  other = undefined;
});

const publish = (topic: string, payload: string) => link.commands.do((client) => client.publish(topic, payload));

/** The next time that the link is lost, and the next that it is up again. */
function next(change: 'onLost' | 'onRestored'): Promise<unknown> {
  const target = new EventTarget();
  link[change](() => target.dispatchEvent(new Event('changed')));
  return once(target, 'changed');
}

describe('a link to one Redis', () => {
  test('is lost and restored with its topics when connections are cut, and takes no command in between', async () => {
    await link.subscribe('a');
    const [lost, restored] = [next('onLost'), next('onRestored')];
    proxy.cut();
    await lost;
    expect(link.isUp).toBe(false);
    expect(link.problem).toMatch(/^Redis is away \(/);
    await expect(publish('a', 'lost')).rejects.toThrow("Redis can't be reached");
    proxy.mend();
    await restored;
    expect(link.problem).toBeUndefined();
    await publish('a', 'kept');
    await link.barrier();
    expect(messages).toEqual(['a kept']);
  });

  // A peer that is gone without a word looks like one that has nothing to say, for hours.
  test('notices a connection that only goes silent, and a command on it fails', async () => {
    await link.subscribe('a');
    const [lost, restored] = [next('onLost'), next('onRestored')];
    proxy.silence();
    await expect(publish('a', 'lost')).rejects.toThrow("Redis can't be reached");
    await lost;
    proxy.cut();
    proxy.mend();
    await restored;
    await publish('a', 'kept');
    await link.barrier();
    expect(messages.at(-1)).toBe('a kept');
  });

  test('notices the silence of the connection for topics when nothing is asked', async () => {
    await link.subscribe('a');
    const lost = next('onLost');
    proxy.silence();
    await lost;
    expect(link.isUp).toBe(false);
  });

  test('follows when one of its connections finds another server than the other', async () => {
    // As after a failover behind one address: the connection for commands alone comes to the new server.
    other = await RedisServer.start();
    // Redis counts a connection among those for topics when it has one.
    await link.subscribe('held');
    const restored = next('onRestored');
    proxy.retarget(other.port);
    await link.commands.do((client) => client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'no')).catch(() => {});
    await restored;
    await link.subscribe('a');
    await publish('a', 'there');
    await link.barrier();
    expect(messages).toEqual(['a there']);
  });

  test('tells nobody that it was closed', async () => {
    let isTold = false;
    link.onLost(() => {
      isTold = true;
    });
    link.close();
    await server.kill();
    expect(isTold).toBe(false);
    expect(link.problem).toBe('Redis is away (the connection was closed)');
  });
});
