import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Edge } from '../../channels/edge.ts';
import type { WireMember } from '../../protocol/server-message.ts';
import { atLength } from '../support/at-length.ts';
import { ObservedFacts } from '../support/observed-facts.ts';
import { APP, ContractNode, type EdgesFixture } from './seams-fixture.ts';

const ROOM = 'presence-room';
const USERS = ['ann', 'bob'] as const;
const NODES = 3;

const member = (userId: string): WireMember => ({
  userId,
  userIdJson: JSON.stringify(userId),
  userInfoJson: undefined,
});

/** A change by one of the nodes; where there is only one, by that one. */
type Step =
  | { readonly do: 'join' | 'leave'; readonly node: number; readonly socket: number; readonly user: string }
  | { readonly do: 'count'; readonly node: number; readonly count: number }
  | { readonly do: 'sign in' | 'sign out'; readonly node: number; readonly user: string };

const node = fc.nat({ max: NODES - 1 });
const user = fc.constantFrom(...USERS);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('join' as const, 'leave' as const),
      node,
      socket: fc.nat({ max: 1 }),
      user,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('count' as const), node, count: fc.nat({ max: 2 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('sign in' as const, 'sign out' as const), node, user }) },
);

/** What every `ChannelStore` that is given an `OnEdge` must do; to be run on each implementation. */
export function describeEdges(name: string, create: () => Promise<EdgesFixture>): void {
  describe(`Edges: ${name}`, () => {
    let fixture: EdgesFixture;
    let nodes: ContractNode[];
    let seen = 0;
    beforeEach(async () => {
      fixture = await create();
      nodes = fixture.nodes.map((seams) => new ContractNode(fixture, seams));
      seen = 0;
    });
    afterEach(() => fixture.dispose());

    const nodeAt = (index: number): ContractNode =>
      nodes[index % nodes.length] ?? new ContractNode(fixture, fixture.nodes[0]);
    const join = (index: number, socketId: string, userId: string, max = 100) =>
      nodeAt(index).store.join(APP, ROOM, socketId, member(userId), max);
    const leave = (index: number, socketId: string, userId: string) =>
      nodeAt(index).store.leave(APP, ROOM, socketId, userId);
    const count = async (index: number, channel: string, number: number): Promise<void> => {
      nodeAt(index).store.setSubscriptionCount(APP, channel, number);
      await fixture.settled();
    };
    /** What was reported since the last call. */
    const edges = async (): Promise<Edge[]> => {
      await fixture.settled();
      const news = fixture.edges.slice(seen);
      seen = fixture.edges.length;
      return news;
    };
    const ofChannel = (kind: 'channel_occupied' | 'channel_vacated', channel: string): Edge => ({
      kind,
      appId: APP,
      channel,
    });
    const ofMember = (kind: 'member_added' | 'member_removed', userId: string): Edge => ({
      kind,
      appId: APP,
      channel: ROOM,
      userId,
    });

    test('an ordinary channel is occupied with the first subscription anywhere, and vacated with the last', async () => {
      await count(0, 'news', 1);
      expect(await edges()).toEqual([ofChannel('channel_occupied', 'news')]);
      await count(0, 'news', 5);
      await count(0, 'news', 1);
      expect(await edges()).toEqual([]);
      await count(0, 'news', 0);
      expect(await edges()).toEqual([ofChannel('channel_vacated', 'news')]);
      await count(0, 'news', 0);
      expect(await edges()).toEqual([]);
    });

    test('what other nodes have makes a channel neither occupied nor vacated again', async () => {
      await count(0, 'news', 2);
      expect(await edges()).toEqual([ofChannel('channel_occupied', 'news')]);
      if (nodes.length === 1) return;
      await count(1, 'news', 1);
      await count(0, 'news', 0);
      await count(0, 'news', 3);
      await count(1, 'news', 0);
      expect(await edges()).toEqual([]);
      await count(0, 'news', 0);
      expect(await edges()).toEqual([ofChannel('channel_vacated', 'news')]);
    });

    test('a channel that all nodes enter at once is occupied once', async () => {
      for (const { store } of nodes) store.setSubscriptionCount(APP, 'news', 1);
      expect(await edges()).toEqual([ofChannel('channel_occupied', 'news')]);
      for (const { store } of nodes) store.setSubscriptionCount(APP, 'news', 0);
      expect(await edges()).toEqual([ofChannel('channel_vacated', 'news')]);
    });

    test('channels and apps are kept apart', async () => {
      await count(0, 'news', 1);
      await count(0, 'private-news', 1);
      nodeAt(0).store.setSubscriptionCount('4', 'news', 1);
      expect(await edges()).toEqual([
        ofChannel('channel_occupied', 'news'),
        ofChannel('channel_occupied', 'private-news'),
        { ...ofChannel('channel_occupied', 'news'), appId: '4' },
      ]);
    });

    test('a presence channel is occupied before its first member is added, and vacated after the last is removed', async () => {
      await count(0, ROOM, 1);
      expect(await edges()).toEqual([]);
      await join(0, '1.1', 'ann');
      expect(await edges()).toEqual([ofChannel('channel_occupied', ROOM), ofMember('member_added', 'ann')]);
      await join(1, '1.2', 'bob');
      expect(await edges()).toEqual([ofMember('member_added', 'bob')]);
      await leave(0, '1.1', 'ann');
      expect(await edges()).toEqual([ofMember('member_removed', 'ann')]);
      await leave(1, '1.2', 'bob');
      expect(await edges()).toEqual([ofMember('member_removed', 'bob'), ofChannel('channel_vacated', ROOM)]);
      await count(0, ROOM, 0);
      expect(await edges()).toEqual([]);
    });

    test('a user is added with the first connection on any node and removed with the last', async () => {
      await join(0, '1.1', 'ann');
      await edges();
      await join(1, '1.2', 'ann');
      await join(0, '1.1', 'ann');
      await leave(0, '1.1', 'ann');
      await leave(0, '1.1', 'ann');
      await leave(2, '9.9', 'ann');
      await leave(0, '1.2', 'bob');
      expect(await edges()).toEqual([]);
      await leave(1, '1.2', 'ann');
      expect(await edges()).toEqual([ofMember('member_removed', 'ann'), ofChannel('channel_vacated', ROOM)]);
    });

    test('joins of one user at the same time add one member', async () => {
      await Promise.all(Array.from({ length: 12 }, async (_, index) => join(index, `1.${index}`, 'ann')));
      expect(await edges()).toEqual([ofChannel('channel_occupied', ROOM), ofMember('member_added', 'ann')]);
    });

    test('who finds a presence channel full makes no edge', async () => {
      await join(0, '1.1', 'ann', 1);
      await edges();
      await join(1, '1.2', 'bob', 1);
      expect(await edges()).toEqual([]);
    });

    test('a user is online with the first sign-in on any node and offline with the last, announced or not', async () => {
      await nodeAt(0).store.signIn(APP, 'ann', '1.1', false);
      await nodeAt(1).store.signIn(APP, 'ann', '1.2', true);
      expect(await edges()).toEqual([{ kind: 'user_online', appId: APP, userId: 'ann' }]);
      await nodeAt(0).store.signOut(APP, 'ann', '1.1', true);
      expect(await edges()).toEqual([]);
      await nodeAt(1).store.signOut(APP, 'ann', '1.2', false);
      await nodeAt(1).store.signOut(APP, 'ann', '1.2', false);
      expect(await edges()).toEqual([{ kind: 'user_offline', appId: APP, userId: 'ann' }]);
    });

    test('a count that is told is reported when it is another than before', async () => {
      const told = async (index: number, number: number): Promise<Edge[]> => {
        await count(index, 'news', number);
        await edges();
        nodeAt(index).store.announceSubscriptionCount(APP, 'news');
        // A channel whose number changes too quickly is told of it when that is over.
        await fixture.pass(0.1);
        return edges();
      };
      const counted = (subscriptionCount: number): Edge => {
        return { kind: 'subscription_count', appId: APP, channel: 'news', subscriptionCount };
      };
      expect(await told(0, 2)).toEqual([counted(2)]);
      expect(await told(0, 2)).toEqual([]);
      expect(await told(0, 3)).toEqual([counted(3)]);
      if (nodes.length > 1) {
        expect(await told(1, 4)).toEqual([counted(7)]);
        expect(await told(1, 0)).toEqual([counted(3)]);
      }
      await count(0, 'news', 0);
      await edges();
      expect(await told(0, 3)).toEqual([counted(3)]);
    });

    test('edges and totals agree with a model, whatever comes after what', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
          const observed = new ObservedFacts();
          const joined = new Map<string, string>();
          const signedIn = new Map<string, string>();
          const counts = new Map<number, number>();
          let told = fixture.edges.length;
          const expectAgreement = async (): Promise<void> => {
            await fixture.settled();
            for (const edge of fixture.edges.slice(told)) observed.take(edge);
            told = fixture.edges.length;
            expect(observed.contradictions).toEqual([]);
            expect(observed.members).toEqual(new Set([...joined.values()].map((id) => `${ROOM} ${id}`)));
            expect(observed.online).toEqual(new Set(signedIn.values()));
            const occupied = [
              ...(joined.size > 0 ? [ROOM] : []),
              ...([...counts.values()].some((number) => number > 0) ? ['news'] : []),
            ];
            expect(observed.occupied).toEqual(new Set(occupied));
            const open = [...counts.values()].filter((number) => number > 0);
            expect(await nodeAt(0).store.totals(APP)).toEqual({
              channels: open.length > 0 ? 1 : 0,
              subscriptions: open.reduce((sum, number) => sum + number, 0),
              presenceUsers: new Set(joined.values()).size,
            });
          };
          const take = async (each: Step): Promise<void> => {
            const index = each.node % nodes.length;
            const { store } = nodeAt(index);
            if (each.do === 'count') {
              store.setSubscriptionCount(APP, 'news', each.count);
              counts.set(index, each.count);
            } else if (each.do === 'join' || each.do === 'leave') {
              const socketId = `${index + 1}.${each.socket}`;
              const key = `${socketId} ${each.user}`;
              if (each.do === 'join') {
                joined.set(key, each.user);
                await store.join(APP, ROOM, socketId, member(each.user), 100);
              } else {
                joined.delete(key);
                await store.leave(APP, ROOM, socketId, each.user);
              }
            } else if (each.do === 'sign in') {
              signedIn.set(`${index} ${each.user}`, each.user);
              await store.signIn(APP, each.user, `${index + 1}.9`, false);
            } else {
              signedIn.delete(`${index} ${each.user}`);
              await store.signOut(APP, each.user, `${index + 1}.9`, false);
            }
          };
          for (const each of steps) await take(each);
          await expectAgreement();
          for (const index of nodes.keys()) {
            for (const userId of USERS) {
              for (const socket of [0, 1]) {
                await take({ do: 'leave', node: index, socket, user: userId });
              }
              await take({ do: 'sign out', node: index, user: userId });
            }
            await take({ do: 'count', node: index, count: 0 });
          }
          await expectAgreement();
          expect(observed.occupied.size).toBe(0);
        }),
        { numRuns: atLength(20, 200) },
      );
    });
  });
}
