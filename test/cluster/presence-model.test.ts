import { setTimeout } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import { atLength } from '../support/at-length.ts';
import { untilEqual, untilSame } from '../support/until.ts';
import { Cluster } from './cluster.ts';
import { Page } from './page.ts';

const NODES = 3;
const ROOMS = 3;
const USERS = ['ann', 'bob', 'cid', 'dan'] as const;
const RUNS = Number(process.env.KULKUL_TEST_RUNS ?? atLength(2, 8));
const SEED = Number(process.env.KULKUL_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));

type Step =
  | { readonly do: 'open'; readonly node: number; readonly room: number; readonly user: string }
  | { readonly do: 'leave' | 'enter' | 'vanish'; readonly page: number }
  | { readonly do: 'kill' | 'hang' | 'wake' | 'slow' | 'quick' | 'cut' | 'mend'; readonly node: number }
  | { readonly do: 'pause'; readonly ms: number };

const node = fc.nat({ max: NODES - 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant('open' as const),
      node,
      room: fc.nat({ max: ROOMS - 1 }),
      user: fc.constantFrom(...USERS),
    }),
  },
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constantFrom('leave' as const, 'enter' as const, 'vanish' as const),
      page: fc.nat({ max: 30 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'hang' as const,
        'wake' as const,
        'slow' as const,
        'quick' as const,
        'cut' as const,
        'mend' as const,
      ),
      node,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('kill' as const), node }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('pause' as const), ms: fc.nat({ max: 400 }) }) },
);

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start({ nodes: NODES, settings: { 'adapter.nodeTimeoutSeconds': 1 } });
});
afterAll(() => cluster.stop());

async function take(each: Step, pages: Page[], rooms: readonly string[]): Promise<void> {
  if (each.do === 'pause') {
    await setTimeout(each.ms);
  } else if (each.do === 'open') {
    pages.push(new Page(cluster.node(each.node), rooms[each.room] ?? '', each.user));
  } else if ('page' in each) {
    const page = pages[each.page % Math.max(1, pages.length)];
    if (page?.isOpen) page[each.do]();
  } else {
    const { broker, wire } = cluster.node(each.node);
    if (each.do === 'hang') broker.signal('SIGSTOP');
    else if (each.do === 'wake') broker.signal('SIGCONT');
    else if (each.do === 'slow') wire.delayMs = 80;
    else if (each.do === 'quick') wire.delayMs = 0;
    else if (each.do === 'cut') wire.cut();
    else if (each.do === 'mend') wire.mend();
    else {
      wire.mend();
      await broker.kill();
      await cluster.node(each.node).restart();
    }
  }
}

/** All nodes, all pages and the model say the same of a room. */
async function expectAgreement(room: string, pages: readonly Page[]): Promise<void> {
  const users = (): string[] => [...new Set(pages.filter(({ isIn }) => isIn).map(({ userId }) => userId))].sort();
  for (const node of cluster.nodes) await untilSame(async () => [await node.users(room), users()]);
  for (const { watcher, isIn } of pages) {
    if (watcher && isIn) await untilSame(() => (watcher.end ? ['', ''] : [watcher.roster, users()]));
  }
  for (const node of cluster.nodes) {
    const count = users().length;
    await untilEqual(() => node.summary(room), { occupied: count > 0, user_count: count });
  }
  for (const { watcher, isIn } of pages) {
    if (!watcher) continue;
    if (isIn) {
      await watcher.flush();
      expect(watcher.roster).toEqual(users());
    }
    expect(watcher.contradictions).toEqual([]);
  }
}

test(
  'rosters, numbers and what each page was told agree with the model, whatever happens to nodes and wires',
  async () => {
    let run = 0;
    let last: readonly Step[] = [];
    onTestFailed(() => {
      process.stderr.write(`KULKUL_TEST_SEED=${SEED} in run ${run}: ${JSON.stringify(last)}\n`);
    });
    const property = fc.asyncProperty(fc.array(step, { minLength: 30, maxLength: 60 }), async (steps) => {
      run += 1;
      last = steps;
      const rooms = Array.from({ length: ROOMS }, (_, index) => `presence-${run}-${index}`);
      const pages: Page[] = [];
      for (const each of steps) await take(each, pages, rooms);
      for (const { broker, wire } of cluster.nodes) {
        broker.signal('SIGCONT');
        wire.delayMs = 0;
        wire.mend();
      }
      await cluster.ready();
      await Promise.all(pages.map((page) => page.settled()));
      for (const room of rooms) {
        await expectAgreement(
          room,
          pages.filter(({ channel }) => channel === room),
        );
      }
      for (const page of pages) page.vanish();
      for (const room of rooms) {
        for (const node of cluster.nodes) {
          await untilEqual(() => node.summary(room), { occupied: false, user_count: 0 });
        }
      }
    });
    await fc.assert(property, { numRuns: RUNS, seed: SEED, endOnFailure: true });
  },
  Math.max(60_000, 8_000 * RUNS),
);
