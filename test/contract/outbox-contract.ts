import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import type { DeadLetter, Outbox, OutboxEntry, WebhookState } from '../../channels/outbox.ts';
import type { WireMember } from '../../protocol/server-message.ts';
import { WEBHOOK_EVENT_TYPES, type Webhook, type WebhookEvent } from '../../protocol/webhook.ts';
import { atLength } from '../support/at-length.ts';
import { APP, ContractNode, type OutboxFixture } from './seams-fixture.ts';

const ROOM = 'presence-room';
/** Has no webhooks. */
const SILENT_APP = '4';
/** Wants to know of members in some channels. */
const FILTERED_APP = '5';
const MINUTE_MS = 60_000;

/** Far longer than anything that a test does while it lasts. */
const LONG_GRACE_MS = 3000;
const SHORT_GRACE_MS = 40;

function webhook(id: string, more: Partial<Webhook> = {}): Webhook {
  const url = `http://localhost/${id}`;
  return { id, url, headers: {}, eventTypes: WEBHOOK_EVENT_TYPES, startsWith: [], endsWith: [], ...more };
}

const WEBHOOKS: Readonly<Record<string, readonly Webhook[]>> = {
  [APP]: [webhook('all')],
  [SILENT_APP]: [],
  [FILTERED_APP]: [webhook('some', { eventTypes: ['member_added'], endsWith: ['-room'] })],
};

export interface OutboxFixtureOptions {
  /** Of the apps that there are. */
  readonly webhooksOf: (appId: string) => readonly Webhook[];
  /** How long ends are held back, in milliseconds. */
  readonly graceMs: number;
}

const member = (userId: string): WireMember => ({
  userId,
  userIdJson: JSON.stringify(userId),
  userInfoJson: undefined,
});

const occupied = (channel: string): WebhookEvent => ({ name: 'channel_occupied', channel });
const vacated = (channel: string): WebhookEvent => ({ name: 'channel_vacated', channel });
const added = (user_id: string): WebhookEvent => ({ name: 'member_added', channel: ROOM, user_id });
const removed = (user_id: string): WebhookEvent => ({ name: 'member_removed', channel: ROOM, user_id });

/** A node with its outbox, and what it has read. */
class OutboxNode extends ContractNode {
  readonly outbox: Outbox;
  wakes = 0;

  constructor(fixture: OutboxFixture, seams: OutboxFixture['nodes'][number]) {
    super(fixture, seams);
    this.outbox = seams.outbox;
  }

  work(): void {
    this.outbox.work(() => {
      this.wakes += 1;
    });
  }

  /** Takes what the partitions hold that this node has now, those of one channel in order. */
  async take(): Promise<OutboxEntry[]> {
    const taken: OutboxEntry[] = [];
    for (const partition of await this.outbox.claim()) {
      const entries = await this.outbox.read(partition, '', 10_000);
      const ids = entries.map(({ id }) => id);
      if (ids.length > 0) await this.outbox.remove(partition, ids);
      taken.push(...entries);
    }
    return taken;
  }

  /** The partition that has an entry, and what it holds. */
  async find(
    isSought: (entry: OutboxEntry) => boolean,
  ): Promise<{ partition: number; entries: readonly OutboxEntry[] }> {
    for (const partition of await this.outbox.claim()) {
      const entries = await this.outbox.read(partition, '', 10_000);
      if (entries.some(isSought)) return { partition, entries };
    }
    throw new Error('no partition has such an entry');
  }
}

/** What every `Outbox` must do, beside a `ChannelStore` and a `Broker`; to be run on each implementation. */
export function describeOutbox(name: string, create: (options: OutboxFixtureOptions) => Promise<OutboxFixture>): void {
  describe(`Outbox: ${name}`, () => {
    let fixture: OutboxFixture;
    let nodes: OutboxNode[];
    afterEach(() => fixture.dispose());

    /** @returns the node that works on the outbox */
    async function start(graceMs = SHORT_GRACE_MS): Promise<OutboxNode> {
      fixture = await create({ webhooksOf: (appId) => WEBHOOKS[appId] ?? [], graceMs });
      nodes = fixture.nodes.map((seams) => new OutboxNode(fixture, seams));
      const worker = nodeAt(0);
      worker.work();
      await fixture.settled();
      return worker;
    }
    function nodeAt(index: number): OutboxNode {
      const node = nodes[index % nodes.length];
      if (!node) throw new Error('no node');
      return node;
    }
    const join = (index: number, socketId: string, userId: string, appId = APP, channel = ROOM) =>
      nodeAt(index).store.join(appId, channel, socketId, member(userId), 100);
    const leave = (index: number, socketId: string, userId: string) =>
      nodeAt(index).store.leave(APP, ROOM, socketId, userId);
    const count = async (index: number, channel: string, number: number): Promise<void> => {
      nodeAt(index).store.setSubscriptionCount(APP, channel, number);
      await fixture.settled();
    };
    const grace = async (): Promise<void> => {
      await fixture.settled();
      await fixture.pass((fixture.graceMs + 1) / 1000);
      await fixture.settled();
    };
    const events = async (worker: OutboxNode): Promise<WebhookEvent[]> => {
      await fixture.settled();
      return (await worker.take()).map(({ event }) => event);
    };

    describe('what becomes true', () => {
      test('is told at once, in order, and what ends when the grace period is over', async () => {
        const worker = await start(LONG_GRACE_MS);
        await join(0, '1.1', 'ann');
        await join(1, '1.2', 'bob');
        await join(1, '1.3', 'ann');
        expect(await events(worker)).toEqual([occupied(ROOM), added('ann'), added('bob')]);
        await leave(0, '1.1', 'ann');
        await leave(1, '1.3', 'ann');
        await leave(1, '1.2', 'bob');
        expect(await events(worker)).toEqual([]);
        await grace();
        expect(await events(worker)).toEqual([removed('ann'), removed('bob'), vacated(ROOM)]);
      });

      test('is not told when it was so a moment ago, nor is that it ended', async () => {
        const worker = await start(LONG_GRACE_MS);
        await join(0, '1.1', 'ann');
        await join(0, '1.9', 'bob');
        await count(0, 'news', 1);
        await nodeAt(0).store.signIn(APP, 'ann', '1.1', false);
        await events(worker);
        await leave(0, '1.1', 'ann');
        await leave(0, '1.9', 'bob');
        await count(0, 'news', 0);
        await nodeAt(0).store.signOut(APP, 'ann', '1.1', false);
        await join(1, '1.2', 'ann');
        await count(1, 'news', 1);
        await nodeAt(1).store.signIn(APP, 'ann', '1.2', false);
        expect(await events(worker)).toEqual([]);
        await grace();
        expect(await events(worker)).toEqual([removed('bob')]);
      });

      test('is told anew when the grace period is over', async () => {
        const worker = await start();
        await count(0, 'news', 1);
        await count(0, 'news', 0);
        await grace();
        await count(1, 'news', 1);
        expect(await events(worker)).toEqual([occupied('news'), vacated('news'), occupied('news')]);
      });

      test('is told once, whichever nodes find it at the same time', async () => {
        const worker = await start();
        for (const { store } of nodes) store.setSubscriptionCount(APP, 'news', 1);
        await Promise.all(nodes.map((_, index) => join(index, `1.${index}`, 'ann')));
        const told = await events(worker);
        expect(told).toHaveLength(3);
        expect(told).toEqual(expect.arrayContaining([occupied('news'), occupied(ROOM), added('ann')]));
      });

      test('is told when a node is about to have its first subscriber, and taken back when nobody comes', async () => {
        const worker = await start();
        const { store } = nodeAt(1);
        await store.occupy(APP, 'news');
        store.setSubscriptionCount(APP, 'news', 1);
        expect(await events(worker)).toEqual([occupied('news')]);
        await store.occupy(APP, 'other');
        store.setSubscriptionCount(APP, 'other', 0);
        await grace();
        const told = await events(worker);
        expect([[], [occupied('other'), vacated('other')]]).toContainEqual(told);
      });

      test('of users has no channel', async () => {
        const worker = await start();
        await nodeAt(0).store.signIn(APP, 'ann', '1.1', true);
        await nodeAt(1).store.signIn(APP, 'ann', '1.2', true);
        await nodeAt(0).store.signOut(APP, 'ann', '1.1', true);
        await nodeAt(1).store.signOut(APP, 'ann', '1.2', true);
        await grace();
        expect(await events(worker)).toEqual([
          { name: 'user_online', channel: '', user_id: 'ann' },
          { name: 'user_offline', channel: '', user_id: 'ann' },
        ]);
      });

      test('is told with the time at which it did, and each entry has an id of its own', async () => {
        const worker = await start();
        const before = fixture.now();
        for (const channel of ['a', 'b', 'c']) await count(0, channel, 1);
        await fixture.settled();
        const entries = await worker.take();
        expect(new Set(entries.map(({ id }) => id)).size).toBe(3);
        for (const { timeMs, appId, told, replayed } of entries) {
          expect(timeMs).toBeGreaterThanOrEqual(before);
          expect(timeMs).toBeLessThanOrEqual(fixture.now());
          expect({ appId, told, replayed }).toEqual({ appId: APP, told: [], replayed: undefined });
        }
      });
    });

    test('a count is told when subscribers are', async () => {
      const worker = await start();
      await count(0, 'news', 2);
      nodeAt(0).store.announceSubscriptionCount(APP, 'news');
      // A channel whose number changes too quickly is told of it when that is over.
      await fixture.pass(0.1);
      expect(await events(worker)).toEqual([
        occupied('news'),
        { name: 'subscription_count', channel: 'news', subscription_count: 2 },
      ]);
    });

    test('what no webhook wants is not kept, and both ends of a fact of which it wants one', async () => {
      const worker = await start();
      for (const appId of [SILENT_APP, FILTERED_APP]) {
        nodeAt(1).store.setSubscriptionCount(appId, 'news', 1);
        await join(1, '1.1', 'ann', appId);
        await join(1, '1.1', 'ann', appId, 'presence-other');
        await nodeAt(1).store.signIn(appId, 'ann', '1.1', false);
        await nodeAt(1).store.leave(appId, ROOM, '1.1', 'ann');
      }
      await grace();
      await fixture.settled();
      const told = (await worker.take()).map(({ appId, event }) => ({ appId, event }));
      expect(told).toEqual([added('ann'), removed('ann')].map((event) => ({ appId: FILTERED_APP, event })));
    });

    describe('an event of a client', () => {
      const said = (number: number): WebhookEvent => {
        return { name: 'client_event', channel: ROOM, event: 'client-said', data: `${number}`, socket_id: '1.1' };
      };
      const publish = (index: number, number: number) =>
        nodeAt(index).broker.publish({ appId: APP, channel: ROOM, frame: `${number}`, webhookEvent: said(number) });

      test('is there once it is published, in the order of the channel, and is not delivered', async () => {
        const worker = await start();
        const reader = nodeAt(1);
        await reader.subscribe(ROOM);
        await join(0, '1.1', 'ann');
        for (let number = 0; number < 10; number += 1) await publish(number, number);
        const expected = [occupied(ROOM), added('ann'), ...Array.from({ length: 10 }, (_, number) => said(number))];
        expect((await worker.take()).map(({ event }) => event)).toEqual(expected);
        for (const message of await reader.messages()) expect(message.webhookEvent).toBe(undefined);
      });

      test('may be any text', async () => {
        const worker = await start();
        const data = '\u2028"\\\n\u0000 😀 </script>';
        const webhookEvent: WebhookEvent = {
          ...said(1),
          name: 'client_event',
          event: 'client-ü',
          data,
          user_id: 'ä',
        } as WebhookEvent;
        await nodeAt(0).broker.publish({ appId: APP, channel: ROOM, frame: '{}', webhookEvent });
        expect(await events(worker)).toEqual([webhookEvent]);
      });
    });

    test('a miss of an empty cache channel is told once, however many nodes have it, and again later', async () => {
      const worker = await start();
      await Promise.all(nodes.map(({ outbox }) => outbox.appendMiss(APP, 'cache-news')));
      await nodeAt(0).outbox.appendMiss(APP, 'cache-news');
      await nodeAt(1).outbox.appendMiss(APP, 'cache-other');
      const told = await events(worker);
      expect(told).toHaveLength(2);
      expect(told).toEqual(
        expect.arrayContaining([
          { name: 'cache_miss', channel: 'cache-news' },
          { name: 'cache_miss', channel: 'cache-other' },
        ]),
      );
      await fixture.pass(3.1);
      await nodeAt(1).outbox.appendMiss(APP, 'cache-news');
      expect(await events(worker)).toEqual([{ name: 'cache_miss', channel: 'cache-news' }]);
    });

    describe('entries', () => {
      const miss = (number: number): WebhookEvent => ({
        name: 'client_event',
        channel: ROOM,
        event: `client-${number}`,
        data: '',
        socket_id: '1.1',
      });

      test('stay until they are removed, and are read on from any of them', async () => {
        const worker = await start();
        for (let number = 0; number < 5; number += 1) await nodeAt(number).outbox.append(APP, miss(number));
        const { partition, entries } = await worker.find(() => true);
        expect(entries.map(({ event }) => event)).toEqual([0, 1, 2, 3, 4].map(miss));
        const ids = entries.map(({ id }) => id);
        const read = async (afterId: string, max: number) =>
          (await worker.outbox.read(partition, afterId, max)).map(({ id }) => id);
        expect(await read('', 2)).toEqual(ids.slice(0, 2));
        expect(await read(ids[1] ?? '', 2)).toEqual(ids.slice(2, 4));
        await worker.outbox.remove(partition, [ids[0] ?? '', ids[3] ?? '']);
        expect(await read('', 10)).toEqual([ids[1], ids[2], ids[4]]);
        expect(await read(ids[3] ?? '', 10)).toEqual([ids[4]]);
        expect(await read(ids[4] ?? '', 10)).toEqual([]);
      });

      test('say which webhooks have them', async () => {
        const worker = await start();
        await worker.outbox.append(APP, miss(0));
        await worker.outbox.append(APP, miss(1));
        const { partition, entries } = await worker.find(() => true);
        await worker.outbox.noteTold(partition, entries[0]?.id ?? '', 'a');
        await worker.outbox.noteTold(partition, entries[0]?.id ?? '', 'b');
        await worker.outbox.noteTold(partition, '9-9', 'b');
        const told = (await worker.outbox.read(partition, '', 10)).map((entry) => [...entry.told].sort());
        expect(told).toEqual([['a', 'b'], []]);
      });

      test('say which dead letter they are', async () => {
        const worker = await start();
        const replayed = { webhookId: 'w', eventId: 'gone' };
        await nodeAt(1).outbox.append(APP, miss(0), replayed);
        expect(await worker.take()).toMatchObject([{ event: miss(0), replayed }]);
      });

      test('wake the node that works', async () => {
        const worker = await start();
        await worker.take();
        const before = worker.wakes;
        await nodeAt(1).outbox.append(APP, miss(0));
        await fixture.settled();
        expect(worker.wakes).toBeGreaterThan(before);
      });

      test('go to one node at a time, and to the next when it gives them up', async () => {
        const worker = await start();
        await nodeAt(0).outbox.append(APP, miss(0));
        await worker.find(() => true);
        await worker.outbox.release();
        if (nodes.length === 1) return;
        const next: OutboxNode = nodeAt(1);
        next.work();
        await fixture.settled();
        expect((await next.take()).map(({ event }) => event)).toEqual([miss(0)]);
      });

      test('are in no two claims, and all of them in some', async () => {
        await start();
        for (const node of nodes) node.work();
        await fixture.settled();
        for (let number = 0; number < 40; number += 1) {
          await nodeAt(number).outbox.append(APP, { name: 'cache_miss', channel: `cache-${number}` });
        }
        const told: OutboxEntry[] = [];
        // Who has more than its share gives it up, and the others have it the next time.
        for (let round = 0; round < 3; round += 1) for (const node of nodes) told.push(...(await node.take()));
        expect(new Set(told.map(({ id }) => id)).size).toBe(40);
        expect(told).toHaveLength(40);
        const claims: number[] = [];
        for (const { outbox } of nodes) claims.push(...(await outbox.claim()));
        expect(new Set(claims).size).toBe(claims.length);
      });
    });

    describe('when a node dies', () => {
      test('what it told of is there, and what it had ends after the grace period', async () => {
        const worker = await start();
        if (!fixture.kill) return;
        await join(1, '2.1', 'ann');
        await join(0, '1.1', 'bob');
        await nodeAt(1).store.signIn(APP, 'ann', '2.1', false);
        await count(1, 'news', 3);
        await fixture.kill(1);
        await grace();
        const told = await events(worker);
        expect(told.filter((event) => event.channel === ROOM)).toEqual([
          occupied(ROOM),
          ...[added('ann'), added('bob')],
          removed('ann'),
        ]);
        expect(told.filter(({ channel }) => channel === 'news')).toEqual([occupied('news'), vacated('news')]);
        expect(told.filter(({ channel }) => channel === '').map((event) => event.name)).toEqual([
          'user_online',
          'user_offline',
        ]);
      });

      test('another one goes on with the entries that it had', async () => {
        await start();
        if (!fixture.kill) return;
        nodeAt(1).work();
        await fixture.settled();
        for (let number = 0; number < 20; number += 1) await count(0, `news-${number}`, 1);
        await nodeAt(0).outbox.claim();
        await nodeAt(1).outbox.claim();
        await fixture.kill(0);
        const told: WebhookEvent[] = [];
        for (let round = 0; round < 2; round += 1) told.push(...(await events(nodeAt(1))));
        const begun = told.filter((event) => event.name === 'channel_occupied');
        expect(new Set(begun.map(({ channel }) => channel)).size).toBe(20);
        expect(begun).toHaveLength(20);
      });
    });

    describe('dead letters', () => {
      const letter = (id: string, more: Partial<DeadLetter> = {}): DeadLetter => ({
        id,
        appId: APP,
        webhookId: 'w',
        url: 'http://localhost/',
        event: { name: 'cache_miss', channel: `cache-${id}` },
        timeMs: fixture.now() - 1000,
        buriedMs: fixture.now(),
        attempts: 3,
        error: 'answered 500',
        status: 500,
        ...more,
      });
      const idsOf = (letters: readonly DeadLetter[]): string[] => letters.map(({ id }) => id);

      test('are found on all nodes as they are, oldest first, and counted by webhook', async () => {
        const { outbox } = await start();
        const first = letter('a', { status: undefined });
        await outbox.bury([first, letter('b', { buriedMs: first.buriedMs + 1 })], { max: 10, maxAgeMs: MINUTE_MS });
        await outbox.bury([letter('c', { webhookId: 'v' })], { max: 10, maxAgeMs: MINUTE_MS });
        await outbox.bury([letter('d', { appId: SILENT_APP })], { max: 10, maxAgeMs: MINUTE_MS });
        const other = nodeAt(1).outbox;
        expect(idsOf(await other.deadLetters(APP, 'w'))).toEqual(['a', 'b']);
        expect((await other.deadLetters(APP, 'w'))[0]).toEqual(first);
        expect(new Map([...(await other.deadLetterCounts(APP))].sort())).toEqual(
          new Map([
            ['v', 1],
            ['w', 2],
          ]),
        );
      });

      test('make room for later ones, and do not stay for ever', async () => {
        const { outbox } = await start();
        const bounds = { max: 2, maxAgeMs: MINUTE_MS };
        const at = (id: string, ageMs: number, webhookId = 'w') =>
          letter(id, { buriedMs: fixture.now() - ageMs, webhookId });
        await outbox.bury([at('a', 3000), at('b', 2000), at('c', 1000)], bounds);
        expect(idsOf(await outbox.deadLetters(APP, 'w'))).toEqual(['b', 'c']);
        await outbox.bury([at('d', 2 * MINUTE_MS, 'v'), at('e', 0, 'v')], { max: 10, maxAgeMs: MINUTE_MS });
        expect(idsOf(await outbox.deadLetters(APP, 'v'))).toEqual(['e']);
      });

      test('are taken out by one only, those that are named or all of a webhook', async () => {
        const { outbox } = await start();
        const letters = ['a', 'b', 'c'].map((id, index) => letter(id, { buriedMs: fixture.now() + index }));
        await outbox.bury(letters, { max: 10, maxAgeMs: MINUTE_MS });
        const answers = await Promise.all(nodes.map((node) => node.outbox.exhume(APP, 'w', ['b', 'gone'])));
        expect(answers.flatMap(idsOf)).toEqual(['b']);
        expect(idsOf(await nodeAt(1).outbox.exhume(APP, 'w'))).toEqual(['a', 'c']);
        expect(await outbox.deadLetters(APP, 'w')).toEqual([]);
        expect([...(await outbox.deadLetterCounts(APP))]).toEqual([]);
      });
    });

    test('what nodes tell of their webhooks is known to all', async () => {
      const { outbox } = await start();
      const state = (appId: string, webhookId: string, attempts: number): WebhookState => {
        const url = 'http://localhost/';
        return { appId, webhookId, url, waiting: 1, oldestMs: 5, attempts, failures: 0, delivered: 2, buried: 0 };
      };
      await outbox.report([state(APP, 'w', 1), state(APP, 'v', 1), state(SILENT_APP, 'w', 1)]);
      await outbox.report([state(APP, 'w', 2)]);
      const states = [...(await nodeAt(1).outbox.states(APP))].sort((one, other) =>
        one.webhookId < other.webhookId ? -1 : 1,
      );
      expect(states).toEqual([state(APP, 'v', 1), state(APP, 'w', 2)]);
    });

    test('what was told agrees with what is, in the end, and contradicts itself at no time', async () => {
      const worker = await start();
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
          const told = new ToldFacts();
          const joined = new Map<string, string>();
          const counts = new Map<number, number>();
          const take = async ({ node: index, ...each }: Step): Promise<void> => {
            const { store } = nodeAt(index);
            const at = index % nodes.length;
            if (each.do === 'wait') {
              await fixture.pass(fixture.graceMs / 2000);
              for (const event of await events(worker)) told.take(event);
            } else if (each.do === 'count') {
              store.setSubscriptionCount(APP, 'news', each.count);
              counts.set(at, each.count);
            } else {
              const socketId = `${at + 1}.${each.user}`;
              if (each.do === 'join') {
                joined.set(socketId, each.user);
                await store.join(APP, ROOM, socketId, member(each.user), 100);
              } else {
                joined.delete(socketId);
                await store.leave(APP, ROOM, socketId, each.user);
              }
            }
          };
          for (const each of steps) await take(each);
          await grace();
          for (const event of await events(worker)) told.take(event);
          const isOccupied = [...counts.values()].some((number) => number > 0);
          expect(told.members).toEqual(new Set(joined.values()));
          expect(told.occupied).toEqual(new Set([...(joined.size > 0 ? [ROOM] : []), ...(isOccupied ? ['news'] : [])]));
          for (const index of nodes.keys()) {
            for (const user of USERS) await take({ do: 'leave', node: index, user });
            await take({ do: 'count', node: index, count: 0 });
          }
          await grace();
          for (const event of await events(worker)) told.take(event);
          expect([...told.members, ...told.occupied, ...told.contradictions]).toEqual([]);
        }),
        { numRuns: atLength(15, 100) },
      );
    });
  });
}

const USERS = ['ann', 'bob'] as const;
type Step = { readonly node: number } & (
  | { readonly do: 'join' | 'leave'; readonly user: string }
  | { readonly do: 'count'; readonly count: number }
  | { readonly do: 'wait' }
);
const node = fc.nat({ max: 2 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('join' as const, 'leave' as const),
      node,
      user: fc.constantFrom(...USERS),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('count' as const), node, count: fc.nat({ max: 1 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), node }) },
);

/** What a receiver knows by events alone. */
class ToldFacts {
  readonly occupied = new Set<string>();
  readonly members = new Set<string>();
  /** Events that tell what was known, or what can't be in their place. */
  readonly contradictions: WebhookEvent[] = [];

  take(event: WebhookEvent): void {
    const { name, channel } = event;
    const isFine =
      (name === 'channel_occupied' && !this.occupied.has(channel)) ||
      (name === 'channel_vacated' && this.occupied.has(channel) && (channel !== ROOM || this.members.size === 0)) ||
      (name === 'member_added' && this.occupied.has(channel) && !this.members.has(event.user_id)) ||
      (name === 'member_removed' && this.members.has(event.user_id));
    if (!isFine) this.contradictions.push(event);
    if (name === 'channel_occupied') this.occupied.add(channel);
    else if (name === 'channel_vacated') this.occupied.delete(channel);
    else if (name === 'member_added') this.members.add(event.user_id);
    else if (name === 'member_removed') this.members.delete(event.user_id);
  }
}
