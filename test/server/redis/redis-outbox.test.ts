import { Redis } from 'ioredis';
import pino from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { DeadLetter, OutboxEntry } from '../../../channels/outbox.ts';
import { WANTS } from '../../../channels/webhook-wants.ts';
import { createRedisLink } from '../../../server/redis/create-link.ts';
import { PARTITIONS, partitionOf, RedisKeys } from '../../../server/redis/keys.ts';
import type { RedisLink } from '../../../server/redis/redis-link.ts';
import { RedisSeams } from '../../../server/redis/redis-seams.ts';
import { RedisServer } from '../../support/redis-server.ts';
import { redisSettings } from '../../support/redis-settings.ts';
import { seamsNode } from '../../support/seams-node.ts';
import { until, untilEqual } from '../../support/until.ts';

const APP = '12345';
const ROOM = 'presence-room';
const GRACE_MS = 3_600_000;
const EVERYTHING = Object.values(WANTS).reduce((all, bit) => all | bit, 0);
const keys = new RedisKeys('');
const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition);

let server: RedisServer;
let client: Redis;
beforeAll(async () => {
  server = await RedisServer.start();
  client = new Redis({ port: server.port });
});
const started: OutboxNode[] = [];
afterEach(async () => {
  for (const node of started.splice(0)) await node.stop();
  await client.flushall();
});
afterAll(async () => {
  client.disconnect();
  await server.dispose();
});

/** A node that renews its lease and its claims only when it is told to. */
class OutboxNode {
  readonly seams: RedisSeams;
  readonly #link: RedisLink;

  constructor(seams: RedisSeams, link: RedisLink) {
    this.seams = seams;
    this.#link = link;
  }

  /** @param wants - undefined: the node doesn't know the app */
  static async start(wants: number | undefined = EVERYTHING): Promise<OutboxNode> {
    const link = createRedisLink(redisSettings({ 'database.redis.port': server.port }));
    await link.whenUp();
    const seams = new RedisSeams(link, {
      prefix: '',
      nodeTimeoutMs: 600_000,
      isCountAnnounced: () => false,
      log: pino({ level: 'silent' }),
      webhooks: { wants: () => wants, graceMs: GRACE_MS },
    });
    await seams.start(seamsNode());
    const node = new OutboxNode(seams, link);
    started.push(node);
    return node;
  }

  get outbox() {
    return this.seams.outbox;
  }

  async join(socketId: string, userId: string): Promise<void> {
    const member = { userId, userIdJson: JSON.stringify(userId), userInfoJson: undefined };
    await this.seams.store.join(APP, ROOM, socketId, member, 100);
  }

  async leave(socketId: string, userId: string): Promise<void> {
    await this.seams.store.leave(APP, ROOM, socketId, userId);
  }

  async count(channel: string, number: number): Promise<void> {
    this.seams.store.setSubscriptionCount(APP, channel, number);
    await this.seams.settled();
  }

  /** All there is in the partitions that it claims, oldest first in each. */
  async entries(): Promise<readonly OutboxEntry[]> {
    const found: OutboxEntry[] = [];
    for (const partition of await this.outbox.claim()) found.push(...(await this.outbox.read(partition, '', 100)));
    return found;
  }

  /** Takes all there is out: `member_added ann`. */
  async taken(): Promise<readonly string[]> {
    const found: string[] = [];
    for (const partition of await this.outbox.claim()) {
      const entries = await this.outbox.read(partition, '', 100);
      await this.outbox.remove(
        partition,
        entries.map(({ id }) => id),
      );
      found.push(
        ...entries.map(({ event }) => `${event.name} ${('user_id' in event && event.user_id) || event.channel}`),
      );
    }
    return found;
  }

  /** Says nothing to the others. */
  die(): void {
    this.#link.close();
  }

  async stop(): Promise<void> {
    await this.seams.store.close();
    await this.seams.stop();
  }
}

/** The grace periods of all that is held back are over. */
async function endGrace(): Promise<void> {
  for (const partition of partitions) {
    const items = await client.zrange(keys.due(partition), '0', '-1', 'WITHSCORES');
    for (let index = 0; index < items.length; index += 2) {
      await client.zadd(keys.due(partition), Number(items[index + 1]) - GRACE_MS * 1000, items[index] ?? '');
    }
  }
}

/** The leases of nodes that died end, and a survivor cleans up. */
async function sweep(survivor: OutboxNode): Promise<void> {
  const far = 10 ** 15;
  for (const id of await client.zrange(keys.nodes(), '0', '-1')) await client.zadd(keys.nodes(), far, id);
  await survivor.seams.settled();
  for (const id of await client.zrangebyscore(keys.nodes(), far, far)) await client.zadd(keys.nodes(), 1, id);
  await survivor.seams.settled();
}

/** The claims of a node that died end. */
async function endClaims(of: readonly number[]): Promise<void> {
  const dead = new Set(await Promise.all(of.map((partition) => client.get(keys.worker(partition)))));
  for (const id of dead) if (id) await client.zadd(keys.workers(), 1, id);
  await client.del(...of.map((partition) => keys.worker(partition)));
}

describe('facts', () => {
  test('are added when they begin, and when they ended and the grace period is over', async () => {
    const node = await OutboxNode.start();
    await node.count('news', 1);
    await node.seams.store.signIn(APP, 'ann', '1.1', false);
    await node.join('1.1', 'ann');
    await node.join('1.2', 'bob');
    expect((await node.taken()).toSorted()).toEqual([
      'channel_occupied news',
      `channel_occupied ${ROOM}`,
      'member_added ann',
      'member_added bob',
      'user_online ann',
    ]);
    await node.count('news', 0);
    await node.seams.store.signOut(APP, 'ann', '1.1', false);
    await node.leave('1.1', 'ann');
    await node.leave('1.2', 'bob');
    expect(await node.taken()).toEqual([]);
    await endGrace();
    const told = await node.taken();
    expect(told.toSorted()).toEqual([
      'channel_vacated news',
      `channel_vacated ${ROOM}`,
      'member_removed ann',
      'member_removed bob',
      'user_offline ann',
    ]);
    expect(told.filter((text) => /(ann|bob|room)$/.test(text) && !text.startsWith('user'))).toEqual([
      'member_removed ann',
      'member_removed bob',
      `channel_vacated ${ROOM}`,
    ]);
    expect(await client.keys('kulkul:3:*:due')).toEqual([]);
    expect(await client.keys('kulkul:3:*:wants')).toEqual([]);
  });

  test('that come back within the grace period are not told, on whichever node', async () => {
    const [first, second] = [await OutboxNode.start(), await OutboxNode.start()];
    await first.join('1.1', 'ann');
    await first.count('news', 1);
    await first.seams.store.signIn(APP, 'ann', '1.1', false);
    await first.taken();
    await first.leave('1.1', 'ann');
    await first.count('news', 0);
    await first.seams.store.signOut(APP, 'ann', '1.1', false);
    await second.join('2.1', 'ann');
    await second.count('news', 1);
    await second.seams.store.signIn(APP, 'ann', '2.1', false);
    await endGrace();
    expect(await first.taken()).toEqual([]);
  });

  test('that come back after it are told, even if nobody looked in between', async () => {
    const node = await OutboxNode.start();
    await node.join('1.1', 'ann');
    await node.leave('1.1', 'ann');
    await endGrace();
    await node.join('1.2', 'ann');
    expect(await node.taken()).toEqual([
      `channel_occupied ${ROOM}`,
      'member_added ann',
      'member_removed ann',
      `channel_vacated ${ROOM}`,
      `channel_occupied ${ROOM}`,
      'member_added ann',
    ]);
  });

  test('cost an app without webhooks no key', async () => {
    const node = await OutboxNode.start(0);
    await node.join('1.1', 'ann');
    await node.count('news', 1);
    await node.seams.store.signIn(APP, 'ann', '1.1', false);
    await node.leave('1.1', 'ann');
    await node.count('news', 0);
    expect(await client.keys('kulkul:3:*:outbox')).toEqual([]);
    expect(await client.keys('kulkul:3:*:due')).toEqual([]);
    expect(await client.keys('kulkul:3:*:wants')).toEqual([]);
  });

  test('are only those that webhooks want to know', async () => {
    const node = await OutboxNode.start(WANTS.members);
    await node.join('1.1', 'ann');
    await node.count('news', 1);
    await node.leave('1.1', 'ann');
    await node.count('news', 0);
    await endGrace();
    expect(await node.taken()).toEqual(['member_added ann', 'member_removed ann']);
  });

  test('of a dead node are told by one that does not know the app', async () => {
    const [dead, survivor] = [await OutboxNode.start(), await OutboxNode.start(undefined)];
    let isFound = false;
    survivor.outbox.onWaiting(() => {
      isFound = true;
    });
    await dead.join('1.1', 'ann');
    await dead.count('news', 2);
    await dead.seams.store.signIn(APP, 'ann', '1.1', false);
    await survivor.taken();
    dead.die();
    expect(isFound).toBe(false);
    await sweep(survivor);
    expect(isFound).toBe(true);
    await endGrace();
    expect((await survivor.taken()).toSorted()).toEqual([
      'channel_vacated news',
      `channel_vacated ${ROOM}`,
      'member_removed ann',
      'user_offline ann',
    ]);
  });

  test('of which Redis lost all are not told again, and what ends after that is', async () => {
    const [first, second] = [await OutboxNode.start(), await OutboxNode.start()];
    await first.join('1.1', 'ann');
    await first.count('news', 1);
    await client.flushall();
    await second.join('2.1', 'ann');
    await first.seams.settled();
    await first.leave('1.1', 'ann');
    expect(await first.taken()).toEqual([]);
    for (const partition of partitions) await client.set(keys.settled(partition), '0');
    await second.leave('2.1', 'ann');
    await first.count('news', 0);
    await endGrace();
    expect((await first.taken()).toSorted()).toEqual([
      'channel_vacated news',
      `channel_vacated ${ROOM}`,
      'member_removed ann',
    ]);
  });

  // An answer before the write could be followed by a crash, and nobody was told of a channel that had a subscriber.
  test('of a first subscriber are there when it is answered', async () => {
    const node = await OutboxNode.start();
    await Promise.all([node.seams.store.occupy(APP, 'news'), node.seams.store.occupy(APP, 'news')]);
    expect(await node.taken()).toEqual(['channel_occupied news']);
    await node.count('news', 1);
    await node.count('news', 0);
    await endGrace();
    expect(await node.taken()).toEqual(['channel_vacated news']);
  });
});

describe('entries', () => {
  test('have an id of their own, the time of the fact, and who has them', async () => {
    const node = await OutboxNode.start();
    const event = { name: 'cache_miss', channel: 'cache-a' } as const;
    const replayed = { webhookId: 'w', eventId: '1-2-3' };
    const before = Date.now();
    for (const channel of ['a', 'b', 'c', 'd']) await node.outbox.append(APP, { name: 'cache_miss', channel });
    await node.outbox.append(APP, event, replayed);
    const entries = await node.entries();
    expect(new Set(entries.map(({ id }) => id)).size).toBe(5);
    for (const { timeMs } of entries) expect(Math.abs(timeMs - before)).toBeLessThan(60_000);
    const partition = partitionOf(APP, 'cache-a');
    const last = entries.find((entry) => entry.replayed);
    expect(last).toMatchObject({ appId: APP, event, replayed, told: [] });
    const id = last?.id ?? '';
    await node.outbox.noteTold(partition, id, 'one');
    await node.outbox.noteTold(partition, id, 'two');
    await node.outbox.noteTold(partition, `${partition}-1-1`, 'one');
    expect((await node.outbox.read(partition, '', 100)).at(-1)?.told).toEqual(['one', 'two']);
    await node.outbox.remove(partition, [id]);
    expect((await node.entries()).map((entry) => entry.id)).not.toContain(id);
    expect(await client.keys('kulkul:3:*:told')).toEqual([]);
  });

  test('are read in pages, and those that are no entries are thrown away', async () => {
    const node = await OutboxNode.start();
    const event = { name: 'client_event', channel: 'news', event: 'e', socket_id: '1.1' } as const;
    const partition = partitionOf(APP, 'news');
    for (const data of ['1', '2', '3']) await node.outbox.append(APP, { ...event, data });
    await client.xadd(keys.outbox(partition), '*', 'a', APP, 'e', 'no JSON');
    await node.outbox.claim();
    const read = async (afterId: string) => {
      const entries = await node.outbox.read(partition, afterId, 2);
      return [entries.map((entry) => 'data' in entry.event && entry.event.data), entries.at(-1)?.id ?? ''] as const;
    };
    const [first, lastId] = await read('');
    expect(first).toEqual(['1', '2']);
    const [second, end] = await read(lastId);
    expect(second).toEqual(['3']);
    await untilEqual(() => client.xlen(keys.outbox(partition)), 3);
    expect(await read(end)).toEqual([[], '']);
    await node.outbox.append(APP, { ...event, data: '4' });
    expect((await read(end))[0]).toEqual(['4']);
  });

  test('of many misses at once are one', async () => {
    const [first, second] = [await OutboxNode.start(), await OutboxNode.start()];
    for (const { outbox } of [first, second, first]) await outbox.appendMiss(APP, 'cache-news');
    await second.outbox.appendMiss(APP, 'cache-other');
    expect((await first.taken()).toSorted()).toEqual(['cache_miss cache-news', 'cache_miss cache-other']);
    await client.del(keys.missed(APP, 'cache-news'));
    await first.outbox.appendMiss(APP, 'cache-news');
    expect(await first.taken()).toEqual(['cache_miss cache-news']);
  });

  test('come with the message that they tell of', async () => {
    const node = await OutboxNode.start();
    const message = { appId: APP, channel: 'cache-a', frame: '{}' };
    const event = { name: 'client_event', channel: 'cache-a', event: 'e', data: '1', socket_id: '1.1' } as const;
    await node.seams.broker.publish({ ...message, webhookEvent: event });
    await node.seams.broker.publish({ ...message, frame: '{"kept":1}', keepSeconds: 60, webhookEvent: event });
    await node.seams.broker.publish({
      ...message,
      frame: '{"named":1}',
      keepNamed: { name: 'e', seconds: 60 },
      webhookEvent: event,
    });
    expect((await node.entries()).map((entry) => entry.event)).toEqual([event, event, event]);
    expect(await node.seams.broker.lastEvent(APP, 'cache-a')).toMatchObject({ frame: '{"kept":1}' });
    expect(await node.seams.broker.lastEvent(APP, 'cache-a', 'e')).toMatchObject({ frame: '{"named":1}' });
  });

  test('wake the node that works on them, wherever they are added', async () => {
    const [worker, other] = [await OutboxNode.start(), await OutboxNode.start()];
    let wakes = 0;
    worker.outbox.work(() => {
      wakes += 1;
    });
    await worker.taken();
    await worker.seams.settled();
    await other.outbox.append(APP, { name: 'cache_miss', channel: 'a' });
    await until(() => wakes > 0);
    wakes = 0;
    await worker.outbox.append(APP, { name: 'cache_miss', channel: 'b' });
    await until(() => wakes > 0);
  });

  test('that are there at the start are found', async () => {
    const [first] = [await OutboxNode.start()];
    await first.outbox.append(APP, { name: 'cache_miss', channel: 'a' });
    const next = await OutboxNode.start();
    let isFound = false;
    next.outbox.onWaiting(() => {
      isFound = true;
    });
    expect(isFound).toBe(true);
  });
});

describe('partitions', () => {
  test('are shared evenly, and each is one node’s', async () => {
    const [first, second, third] = [await OutboxNode.start(), await OutboxNode.start(), await OutboxNode.start()];
    expect(await first.outbox.claim()).toHaveLength(PARTITIONS);
    const sizes = async (...nodes: readonly OutboxNode[]): Promise<number[]> => {
      for (const { outbox } of nodes) await outbox.claim();
      for (const { outbox } of nodes) await outbox.claim();
      const shares = await Promise.all(nodes.map(async ({ outbox }) => outbox.claim()));
      expect(shares.flat().toSorted((a, b) => a - b)).toEqual(partitions);
      return shares.map(({ length }) => length).toSorted();
    };
    expect(await sizes(first, second)).toEqual([32, 32]);
    expect(await sizes(first, second, third)).toEqual([21, 21, 22]);
    await third.outbox.release();
    expect(await sizes(first, second)).toEqual([32, 32]);
  });

  test('of a dead node go to others with all that waits in them', async () => {
    const [dead, survivor] = [await OutboxNode.start(), await OutboxNode.start()];
    await dead.outbox.append(APP, { name: 'cache_miss', channel: 'a' });
    const claimed = await dead.outbox.claim();
    expect(await survivor.outbox.claim()).toEqual([]);
    const entries = await dead.entries();
    dead.die();
    await endClaims(claimed);
    expect(await survivor.entries()).toEqual(entries);
  });

  test('that another node took meanwhile are not read', async () => {
    const [slow, other] = [await OutboxNode.start(), await OutboxNode.start()];
    await slow.outbox.append(APP, { name: 'cache_miss', channel: 'a' });
    const claimed = await slow.outbox.claim();
    await endClaims(claimed);
    expect(await other.entries()).toHaveLength(1);
    expect(await slow.outbox.read(partitionOf(APP, 'a'), '', 100)).toEqual([]);
  });
});

describe('dead letters and states', () => {
  const began = Date.now();
  const letter = (id: string, webhookId = 'w'): DeadLetter => ({
    id,
    appId: APP,
    webhookId,
    url: 'http://localhost/',
    event: { name: 'cache_miss', channel: 'cache-a' },
    timeMs: 1,
    buriedMs: began + id.charCodeAt(0),
    attempts: 3,
    error: 'answered 500',
    status: 500,
  });
  const bounds = { max: 3, maxAgeMs: 60_000 };

  test('are bounded, listed, and taken out', async () => {
    const { outbox } = await OutboxNode.start();
    const { outbox: other } = await OutboxNode.start();
    await outbox.bury([letter('a'), letter('b'), letter('x', 'v'), letter('c'), letter('d')], bounds);
    expect(await other.deadLetters(APP, 'w')).toEqual([letter('b'), letter('c'), letter('d')]);
    expect(await other.deadLetterCounts(APP)).toEqual(
      new Map([
        ['v', 1],
        ['w', 3],
      ]),
    );
    expect(await other.exhume(APP, 'w', ['c', 'gone'])).toEqual([letter('c')]);
    expect(await other.exhume(APP, 'w', [])).toEqual([]);
    await client.zadd(keys.letterOrder(APP, 'w'), 1, 'b');
    await outbox.bury([letter('e')], bounds);
    expect(await outbox.exhume(APP, 'w')).toEqual([letter('d'), letter('e')]);
    expect(await outbox.deadLetters(APP, 'w')).toEqual([]);
    expect(await outbox.deadLetterCounts(APP)).toEqual(new Map([['v', 1]]));
    await outbox.bury([letter('f', 'v')], { ...bounds, max: 0 });
    expect(await outbox.deadLetterCounts(APP)).toEqual(new Map());
  });

  test('are told by each node, and forgotten', async () => {
    const [first, second] = [await OutboxNode.start(), await OutboxNode.start()];
    const state = (webhookId: string, waiting: number) => ({
      appId: APP,
      webhookId,
      url: 'http://localhost/',
      waiting,
      attempts: 1,
      failures: 0,
      delivered: 1,
      buried: 0,
    });
    await first.outbox.report([state('v', 1), state('w', 2)]);
    await second.outbox.report([state('w', 3)]);
    await second.outbox.report([state('w', 4)]);
    const waiting = async () => (await first.outbox.states(APP)).map((each) => each.waiting).toSorted();
    expect(await waiting()).toEqual([1, 2, 4]);
    const known = await client.hgetall(keys.webhookStates(APP));
    const field = Object.keys(known).find((name) => known[name]?.includes('"waiting":4')) ?? '';
    await client.hset(keys.webhookStates(APP), field, `1\t${known[field]?.split('\t')[1]}`);
    expect(await waiting()).toEqual([1, 2]);
  });
});
