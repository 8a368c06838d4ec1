import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Batch } from '../../../server/workers/calls.ts';
import { WorkerHost } from '../../../server/workers/host.ts';
import { type TestClient, TestNode } from '../../channels/test-node.ts';
import { atLength } from '../../support/at-length.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { ObservedFacts } from '../../support/observed-facts.ts';
import { copyOf, WorkerEnds } from './join-workers.ts';

const ROOM = 'presence-cache-room';
const WORKERS = 2;
const CLIENTS_EACH = 2;

type Step =
  | { readonly do: 'subscribe'; readonly client: number; readonly user: string }
  | { readonly do: 'unsubscribe' | 'vanish'; readonly client: number }
  | { readonly do: 'publish' | 'die' | 'carry-up' | 'carry-down'; readonly worker: number };

const client = fc.nat({ max: WORKERS * CLIENTS_EACH - 1 });
const worker = fc.nat({ max: WORKERS - 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('subscribe' as const), client, user: fc.constantFrom('ann', 'bob') }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('unsubscribe' as const, 'vanish' as const), client }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('die' as const), worker }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('publish' as const), worker }) },
  {
    weight: 12,
    arbitrary: fc.record({ do: fc.constantFrom('carry-up' as const, 'carry-down' as const), worker }),
  },
);

/** A worker whose messages are carried when the test says so. */
class CarriedWorker {
  readonly node: TestNode;
  readonly ends: WorkerEnds;
  readonly #up: Batch[] = [];
  readonly #down: Batch[] = [];
  slots: TestClient[] = [];

  constructor(host: WorkerHost, clock: FakeClock, createSocketId: () => string, failed: (error: unknown) => Error) {
    this.ends = new WorkerEnds(
      host,
      (batch) => this.#up.push(copyOf(batch)) > 0,
      (batch) => this.#down.push(copyOf(batch)) > 0,
      failed,
    );
    this.node = new TestNode({ clock, seams: this.ends.seams });
    Object.assign(this.node.node, { createSocketId });
    this.slots = Array.from({ length: CLIENTS_EACH }, () => this.node.open());
  }

  async carryUp(): Promise<boolean> {
    const batch = this.#up.shift();
    if (batch) this.ends.hostLink.receive(batch);
    await turn();
    return batch !== undefined;
  }

  async carryDown(): Promise<boolean> {
    const batch = this.#down.shift();
    if (batch) this.ends.link.receive(batch);
    await turn();
    return batch !== undefined;
  }
}

/** Lets everything run that is ready. */
async function turn(): Promise<void> {
  for (let round = 0; round < 4; round += 1) await new Promise((resolve) => setImmediate(resolve));
}

async function carryAll(workers: readonly CarriedWorker[]): Promise<void> {
  for (let isMoving = true; isMoving; ) {
    isMoving = false;
    for (const each of workers) {
      if (await each.carryUp()) isMoving = true;
      if (await each.carryDown()) isMoving = true;
    }
  }
}

/** What a page was told: the members as pusher-js keeps them, and the events in their order. */
function toldTo(frames: readonly string[]): { members: Set<string>; events: string[] } {
  let members = new Set<string>();
  let events: string[] = [];
  for (const { event, data } of frames.map((frame) => JSON.parse(frame))) {
    if (event === 'pusher_internal:subscription_succeeded') {
      members = new Set(JSON.parse(data).presence.ids);
      events = [];
    } else if (event === 'pusher_internal:member_added') {
      const id = JSON.parse(data).user_id;
      expect(members.has(id), `${id} was added twice`).toBe(false);
      members.add(id);
    } else if (event === 'pusher_internal:member_removed') {
      const id = JSON.parse(data).user_id;
      expect(members.delete(id), `${id} was removed without having been there`).toBe(true);
    } else if (event === 'level') {
      events.push(data);
    }
  }
  return { members, events };
}

test('pages on all workers, and who observes edges, agree with the host, however messages are carried and whoever dies', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 80, size: 'max' }), async (steps) => {
      const clock = new FakeClock();
      const failures: unknown[] = [];
      const host = new WorkerHost(clock);
      // On a worker that dies, edges that are on their way may be lost. This one stays.
      const observed = new ObservedFacts();
      host.listenToEdges(
        host.add({
          deliver: () => {},
          deliverCounted: async () => 0,
          report: (edge) => observed.take(edge),
          wakeOutbox: () => {},
        }),
      );
      const failed = (error: unknown): Error => {
        failures.push(error);
        return new Error('failed', { cause: error });
      };
      let sockets = 0;
      const start = (): CarriedWorker =>
        new CarriedWorker(
          host,
          clock,
          () => {
            sockets += 1;
            return `1.${sockets}`;
          },
          failed,
        );
      const workers = Array.from({ length: WORKERS }, start);
      await carryAll(workers);
      const published: string[] = [];
      for (const each of steps) {
        if ('worker' in each) {
          const of = workers[each.worker];
          if (!of) continue;
          if (each.do === 'carry-up') await of.carryUp();
          else if (each.do === 'carry-down') await of.carryDown();
          else if (each.do === 'publish') {
            const data = `${published.length}`;
            published.push(data);
            const frame = `{"event":"level","channel":"${ROOM}","data":"${data}"}`;
            // Answered when the host has it, as the channel keeps it.
            void of.node.node.broker.publish({ appId: '3', channel: ROOM, frame, keepSeconds: 60 });
          } else {
            of.ends.die();
            workers[each.worker] = start();
          }
          continue;
        }
        const of = workers[Math.floor(each.client / CLIENTS_EACH)];
        const slot = each.client % CLIENTS_EACH;
        const page = of?.slots[slot];
        if (!of || !page) continue;
        if (each.do === 'vanish') {
          page.vanish();
          of.slots[slot] = of.node.open();
        } else if (page.connection) {
          if (each.do === 'subscribe') page.subscribe(ROOM, JSON.stringify({ user_id: each.user }));
          else page.unsubscribe(ROOM);
        }
      }
      await carryAll(workers);

      const actual = host.store.members('3', ROOM).members.map(({ userId }) => userId);
      const pages = workers.flatMap(({ slots }) => slots);
      const inside = pages.filter(({ connection }) => connection?.subscriptions.has(ROOM));
      const users = inside.map(({ connection }) => connection?.subscriptions.get(ROOM)?.member?.userId);
      expect(new Set(actual)).toEqual(new Set(users));
      const last = host.broker.lastEvent('3', ROOM)?.frame;
      for (const { frames } of inside) {
        const { members, events } = toldTo(frames);
        expect(members).toEqual(new Set(actual));
        // Whoever came in after an event was told of it, once: the channel keeps its last.
        expect(new Set(events).size).toBe(events.length);
        if (last !== undefined) expect(events.at(-1)).toBe(JSON.parse(last).data);
      }
      expect(host.store.summary('3', ROOM).subscriptionCount).toBe(inside.length);
      expect(observed.members).toEqual(new Set(actual.map((id) => `${ROOM} ${id}`)));
      expect(observed.occupied).toEqual(new Set(actual.length > 0 ? [ROOM] : []));

      for (const each of pages) each.vanish();
      await carryAll(workers);
      expect(host.store.members('3', ROOM).members).toEqual([]);
      expect(host.store.occupied('3', '')).toEqual([]);
      expect([...observed.members, ...observed.occupied, ...observed.contradictions]).toEqual([]);
      expect([...host.interests.in('3', ROOM)]).toEqual([]);
      expect(host.store.addConnection('3', 0)).toBe(false);
      expect(failures).toEqual([]);
      for (const { node } of workers) expect(node.failures).toEqual([]);
    }),
    { numRuns: atLength(50, 150) },
  );
});
