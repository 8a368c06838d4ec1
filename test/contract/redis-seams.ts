import { setImmediate, setTimeout } from 'node:timers/promises';
import pino from 'pino';
import type { Edge } from '../../channels/edge.ts';
import { wantsOf } from '../../channels/webhook-wants.ts';
import type { Settings } from '../../server/config/index.ts';
import { createRedisLink } from '../../server/redis/create-link.ts';
import { PARTITIONS, RedisKeys } from '../../server/redis/keys.ts';
import type { RedisLink } from '../../server/redis/redis-link.ts';
import { RedisSeams } from '../../server/redis/redis-seams.ts';
import { seamsNode } from '../support/seams-node.ts';
import type { OutboxFixtureOptions } from './outbox-contract.ts';
import type { EdgesFixture, OutboxFixture } from './seams-fixture.ts';

let runs = 0;

/** Three nodes on a real Redis. */
export async function createRedisSeams(settings: Settings): Promise<EdgesFixture & { links: readonly RedisLink[] }> {
  runs += 1;
  const prefix = `run-${runs}:`;
  const edges: Edge[] = [];
  const links = [1, 2, 3].map(() => createRedisLink(settings));
  const all = await Promise.all(
    links.map(async (link) => {
      await link.whenUp();
      const seams = new RedisSeams(link, {
        prefix,
        nodeTimeoutMs: 10_000,
        isCountAnnounced: () => true,
        log: pino({ level: 'silent' }),
        onEdge: (edge) => edges.push(edge),
      });
      await seams.start(seamsNode());
      return seams;
    }),
  );
  const [first, ...others] = all;
  if (!first) throw new Error('no node');
  return {
    edges,
    nodes: [first, ...others],
    links,
    settled: async () => {
      await Promise.all(all.map((seams) => seams.settled()));
    },
    now: Date.now,
    pass: (seconds) => setTimeout(seconds * 1000),
    dispose: async () => {
      for (const seams of all) {
        await seams.store.close();
        await seams.stop();
      }
    },
  };
}

/**
 * Three nodes with webhooks on a real Redis. They renew their leases only when all of them settle, so that a slow machine makes none of them
 * dead.
 */
export async function createRedisOutbox(
  settings: Settings,
  { webhooksOf, graceMs }: OutboxFixtureOptions,
): Promise<OutboxFixture> {
  runs += 1;
  const prefix = `run-${runs}:`;
  const keys = new RedisKeys(prefix);
  const live = await Promise.all(
    [1, 2, 3].map(async () => {
      const link = createRedisLink(settings);
      await link.whenUp();
      const seams = new RedisSeams(link, {
        prefix,
        nodeTimeoutMs: 600_000,
        isCountAnnounced: () => true,
        log: pino({ level: 'silent' }),
        webhooks: { wants: (appId, channel) => wantsOf(webhooksOf(appId), channel), graceMs },
      });
      await seams.start(seamsNode());
      return { link, seams };
    }),
  );
  const all = [...live];
  const [first, ...others] = all.map(({ seams }) => seams);
  if (!first) throw new Error('no node');
  const settled = async (): Promise<void> => {
    await Promise.all(live.map(({ seams }) => seams.settled()));
    // Nodes are woken in the next turn.
    await setImmediate();
  };
  return {
    graceMs,
    nodes: [first, ...others],
    settled,
    now: Date.now,
    pass: (seconds) => setTimeout(seconds * 1000),
    kill: async (node) => {
      const dead = all[node];
      if (!dead) throw new Error('no such node');
      live.splice(live.indexOf(dead), 1);
      dead.link.close();
      const client = live[0]?.link.commands.client;
      if (!client) throw new Error('no survivor');
      // Its lease ends, and its claims.
      const far = 10 ** 15;
      for (const id of await client.zrange(keys.nodes(), '0', '-1')) await client.zadd(keys.nodes(), far, id);
      await settled();
      for (const id of await client.zrangebyscore(keys.nodes(), far, far)) await client.zadd(keys.nodes(), 1, id);
      await client.del(keys.workers());
      for (let partition = 0; partition < PARTITIONS; partition += 1) await client.del(keys.worker(partition));
      await settled();
    },
    dispose: async () => {
      for (const { seams } of live) {
        await seams.store.close();
        await seams.stop();
      }
    },
  };
}
