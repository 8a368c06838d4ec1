import { setTimeout } from 'node:timers/promises';
import pino from 'pino';
import type { Edge } from '../../channels/edge.ts';
import type { Settings } from '../../server/config/index.ts';
import { createRedisLink } from '../../server/redis/create-link.ts';
import type { RedisLink } from '../../server/redis/redis-link.ts';
import { RedisSeams } from '../../server/redis/redis-seams.ts';
import { seamsNode } from '../support/seams-node.ts';
import type { EdgesFixture } from './seams-fixture.ts';

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
