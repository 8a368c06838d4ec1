import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { watchChannelName } from '../../channels/local-channel.ts';
import { NODES_APP, NODES_CHANNEL, parseNodesMessage } from '../../channels/nodes-channel.ts';
import { REVOCATION_MEMORY_MS, type Revocation, type RevocationTarget } from '../../channels/revocations.ts';
import {
  encodeMemberAdded,
  encodeMemberRemoved,
  encodeSubscriptionCount,
  encodeWatchlistEvents,
  type WireMember,
} from '../../protocol/server-message.ts';
import { ODD_MEMBERS, SEED, wireMember } from '../support/wire-arbitraries.ts';
import { APP, type ContractNode, type CreateSeams, type Started, start } from './seams-fixture.ts';

const ROOM = 'presence-room';
const ANN: WireMember = { userId: 'ann', userIdJson: '"ann"', userInfoJson: '{"name":"Ann ü"}' };
const BOB: WireMember = { userId: '7', userIdJson: '7', userInfoJson: undefined };

/** What every `ChannelStore` must do; to be run on each implementation. */
export function describeChannelStore(name: string, create: CreateSeams): void {
  describe(`ChannelStore: ${name}`, () => {
    let seams: Started;
    beforeEach(async () => {
      seams = await start(create);
    });
    afterEach(() => seams.fixture.dispose());

    describe('subscription counts', () => {
      const summary = async (channel: string, appId = APP) => seams.last.store.summary(appId, channel);
      const setCounts = async (channel: string, count: number, appId = APP): Promise<void> => {
        for (const { store } of seams.nodes) store.setSubscriptionCount(appId, channel, count);
        await seams.fixture.settled();
      };

      test('are the sum of what each node has', async () => {
        await setCounts('news', 2);
        const sum = 2 * seams.nodes.length;
        expect(await summary('news')).toEqual({ channel: 'news', subscriptionCount: sum, userCount: 0 });
        await setCounts('news', 5);
        expect((await summary('news')).subscriptionCount).toBe(5 * seams.nodes.length);
      });

      test('of 0 make a channel vacant', async () => {
        await setCounts('news', 1);
        await setCounts('news', 0);
        expect(await summary('news')).toEqual({ channel: 'news', subscriptionCount: 0, userCount: 0 });
        expect(await seams.last.store.occupied(APP, '')).toEqual([]);
      });

      test('of a channel that nobody knows are 0', async () => {
        expect(await summary('never')).toEqual({ channel: 'never', subscriptionCount: 0, userCount: 0 });
      });

      test('belong to one app', async () => {
        await setCounts('news', 1);
        expect((await summary('news', '4')).subscriptionCount).toBe(0);
        expect(await seams.last.store.occupied('4', '')).toEqual([]);
      });

      test('tell the occupied channels, all of them or those with a prefix', async () => {
        for (const channel of ['news', 'newspaper', 'presence-room', 'a*b?']) await setCounts(channel, 1);
        await seams.first.store.join(APP, ROOM, '1.1', ANN, 100);
        const names = async (prefix: string): Promise<string[]> =>
          (await seams.last.store.occupied(APP, prefix)).map(({ channel }) => channel).sort();
        expect(await names('')).toEqual(['a*b?', 'news', 'newspaper', 'presence-room']);
        expect(await names('news')).toEqual(['news', 'newspaper']);
        expect(await names('*')).toEqual([]);
        expect(await names('a*')).toEqual(['a*b?']);
        const [room] = await seams.last.store.occupied(APP, 'presence-');
        expect(room).toEqual({ channel: ROOM, subscriptionCount: seams.nodes.length, userCount: 1 });
      });

      test('are announced to the channel', async () => {
        await seams.last.subscribe('news');
        await setCounts('news', 3);
        seams.first.store.announceSubscriptionCount(APP, 'news');
        expect((await seams.last.frames()).at(-1)).toBe(encodeSubscriptionCount('news', 3 * seams.nodes.length));
      });
    });

    describe('presence', () => {
      const join = (node: ContractNode, socketId: string, member: WireMember, max = 100) =>
        node.store.join(APP, ROOM, socketId, member, max);
      const leave = (node: ContractNode, socketId: string, member: WireMember) =>
        node.store.leave(APP, ROOM, socketId, member.userId);
      const members = async (): Promise<WireMember[]> =>
        [...(await seams.last.store.members(APP, ROOM)).members].sort((a, b) => (a.userId < b.userId ? -1 : 1));

      test('answers a join with all members, the new one among them', async () => {
        const first = await join(seams.first, '1.1', ANN);
        expect(first.outcome === 'joined' && [...first.members]).toEqual([ANN]);
        const second = await join(seams.last, '1.2', BOB);
        expect(second.outcome === 'joined' && new Set([...second.members])).toEqual(new Set([ANN, BOB]));
        expect(await members()).toEqual([BOB, ANN]);
        expect((await seams.first.store.summary(APP, ROOM)).userCount).toBe(2);
      });

      test('tells the channel of the first connection of a user and of the last, in their order', async () => {
        await seams.last.subscribe(ROOM);
        await join(seams.first, '1.1', ANN);
        await join(seams.last, '1.2', ANN);
        await leave(seams.first, '1.1', ANN);
        await leave(seams.last, '1.2', ANN);
        await join(seams.last, '1.2', BOB);
        const told = await seams.last.messages();
        expect(told.map(({ frame }) => frame)).toEqual([
          encodeMemberAdded(ROOM, ANN),
          encodeMemberRemoved(ROOM, ANN),
          encodeMemberAdded(ROOM, BOB),
        ]);
        expect(told.map(({ exceptSocketId }) => exceptSocketId)).toEqual(['1.1', undefined, '1.2']);
        expect(told.map(({ member }) => member)).toEqual([
          { change: 'added', member: ANN },
          { change: 'removed', member: ANN },
          { change: 'added', member: BOB },
        ]);
      });

      test('keeps the data of the first connection that is still there', async () => {
        await seams.last.subscribe(ROOM);
        await join(seams.first, '1.1', BOB);
        await join(seams.last, '1.2', { ...BOB, userIdJson: '"7"', userInfoJson: '{"name":"B"}' });
        expect(await members()).toEqual([BOB]);
        await leave(seams.last, '1.2', BOB);
        await leave(seams.first, '1.1', BOB);
        expect(await seams.last.frames()).toEqual([encodeMemberAdded(ROOM, BOB), encodeMemberRemoved(ROOM, BOB)]);
      });

      test('gives a member the data of the next connection when the first one leaves', async () => {
        // The first connection's data stayed for as long as the user had any, so that newcomers got what a closed tab had brought.
        const withName = (name: string): WireMember => ({ ...ANN, userInfoJson: `{"name":"${name}"}` });
        const [one, two, three] = [withName('one'), withName('two'), withName('three')];
        await seams.last.subscribe(ROOM);
        await join(seams.first, '1.1', one);
        await join(seams.last, '1.2', { ...two, userIdJson: '"an\u006e"' });
        await join(seams.first, '1.3', three);
        await join(seams.last, '1.4', three);
        await leave(seams.first, '1.1', one);
        expect(await members()).toEqual([two]);
        await join(seams.first, '1.1', one);
        expect(await members()).toEqual([two]);
        await leave(seams.last, '1.2', two);
        expect(await members()).toEqual([three]);
        await leave(seams.first, '1.3', three);
        await leave(seams.last, '1.4', three);
        expect(await members()).toEqual([one]);
        await leave(seams.first, '1.1', one);
        const told = await seams.last.messages();
        expect(told.map(({ member }) => member)).toEqual([
          { change: 'added', member: one },
          { change: 'updated', member: two },
          { change: 'updated', member: three },
          { change: 'updated', member: one },
          { change: 'removed', member: one },
        ]);
        expect(told.map(({ frame }) => frame !== '')).toEqual([true, false, false, false, true]);
      });

      test('takes joins of the same user at the same time for one member', async () => {
        await seams.last.subscribe(ROOM);
        await Promise.all(Array.from({ length: 20 }, async (_, index) => join(seams.node(index), `1.${index}`, ANN)));
        expect(await members()).toEqual([ANN]);
        await Promise.all(Array.from({ length: 20 }, async (_, index) => leave(seams.node(index), `1.${index}`, ANN)));
        expect(await members()).toEqual([]);
        expect(await seams.last.frames()).toEqual([encodeMemberAdded(ROOM, ANN), encodeMemberRemoved(ROOM, ANN)]);
      });

      test('carries out joins and leaves of a socket in the order of the calls', async () => {
        await seams.last.subscribe(ROOM);
        await Promise.all([
          join(seams.first, '1.1', ANN),
          leave(seams.first, '1.1', ANN),
          join(seams.first, '1.1', ANN),
          leave(seams.first, '1.1', ANN),
        ]);
        expect(await members()).toEqual([]);
        expect(await seams.last.frames()).toEqual([
          encodeMemberAdded(ROOM, ANN),
          encodeMemberRemoved(ROOM, ANN),
          encodeMemberAdded(ROOM, ANN),
          encodeMemberRemoved(ROOM, ANN),
        ]);
      });

      test('takes a leave again, or of nobody, for no change', async () => {
        await seams.last.subscribe(ROOM);
        await join(seams.first, '1.1', ANN);
        await join(seams.last, '1.2', ANN);
        await leave(seams.first, '1.1', ANN);
        await leave(seams.first, '1.1', ANN);
        await leave(seams.first, '9.9', ANN);
        await leave(seams.first, '1.2', BOB);
        expect(await members()).toEqual([ANN]);
        expect(await seams.last.frames()).toEqual([encodeMemberAdded(ROOM, ANN)]);
      });

      test('lets nobody into a full channel but further connections of those who are in', async () => {
        await seams.last.subscribe(ROOM);
        await join(seams.first, '1.1', ANN, 1);
        expect(await join(seams.last, '1.2', BOB, 1)).toEqual({ outcome: 'full' });
        expect(await join(seams.last, '1.3', ANN, 1)).toMatchObject({ outcome: 'joined' });
        expect(await members()).toEqual([ANN]);
        await leave(seams.first, '1.1', ANN);
        await leave(seams.last, '1.3', ANN);
        expect(await join(seams.last, '1.2', BOB, 1)).toMatchObject({ outcome: 'joined' });
        expect(await seams.last.frames()).toEqual([
          encodeMemberAdded(ROOM, ANN),
          encodeMemberRemoved(ROOM, ANN),
          encodeMemberAdded(ROOM, BOB),
        ]);
      });

      test('never lets in more than the maximum when many come at once', async () => {
        const joins = await Promise.all(
          Array.from({ length: 20 }, async (_, index) => {
            const userId = `u${index}`;
            return join(
              seams.node(index),
              `1.${index}`,
              { userId, userIdJson: `"${userId}"`, userInfoJson: undefined },
              5,
            );
          }),
        );
        expect(joins.filter(({ outcome }) => outcome === 'joined')).toHaveLength(5);
        expect(await members()).toHaveLength(5);
      });

      test('keeps channels and apps apart', async () => {
        await join(seams.first, '1.1', ANN);
        expect((await seams.last.store.members(APP, 'presence-other')).members).toEqual([]);
        expect((await seams.last.store.members('4', ROOM)).members).toEqual([]);
        await seams.last.store.leave('4', ROOM, '1.1', 'ann');
        expect(await members()).toEqual([ANN]);
      });

      test('takes any text for a user id', async () => {
        for (const userId of ['__proto__', 'constructor', ' ', 'ü:/#{}', '💡']) {
          await join(seams.first, '1.1', { userId, userIdJson: JSON.stringify(userId), userInfoJson: undefined });
        }
        expect(await members()).toHaveLength(5);
      });

      test('tells of members unchanged, whatever Unicode and JSON they are made of', async () => {
        await seams.last.subscribe(ROOM);
        const odd = [...fc.sample(wireMember, { seed: SEED, numRuns: 60 }), ...ODD_MEMBERS];
        for (const member of odd) {
          const joined = await join(seams.first, '1.1', member);
          expect(joined.outcome === 'joined' && [...joined.members]).toEqual([member]);
          expect(await members()).toEqual([member]);
          await leave(seams.first, '1.1', member);
        }
        expect(await members()).toEqual([]);
        const told = await seams.last.messages();
        expect(told.map(({ frame }) => frame)).toEqual(
          odd.flatMap((member) => [encodeMemberAdded(ROOM, member), encodeMemberRemoved(ROOM, member)]),
        );
        expect(told.map(({ member }) => member?.member)).toEqual(odd.flatMap((member) => [member, member]));
      });

      test('tells of members and counts in channels of any name', async () => {
        for (const channel of ['presence-0000000000000000', 'presence-=@,.;', 'presence-__proto__']) {
          await seams.last.subscribe(channel);
          await seams.first.store.join(APP, channel, '1.1', ANN, 100);
          await seams.first.store.leave(APP, channel, '1.1', ANN.userId);
          expect(await seams.last.frames()).toEqual([
            encodeMemberAdded(channel, ANN),
            encodeMemberRemoved(channel, ANN),
          ]);
        }
        const channel = `news-${'0'.repeat(40)}`;
        await seams.last.subscribe(channel);
        seams.first.store.setSubscriptionCount(APP, channel, 3);
        seams.first.store.announceSubscriptionCount(APP, channel);
        expect(await seams.last.frames()).toEqual([encodeSubscriptionCount(channel, 3)]);
      });
    });

    describe('totals of an app', () => {
      const OTHER_ROOM = 'presence-other';
      const totals = async (appId = APP) => {
        await seams.fixture.settled();
        return seams.last.store.totals(appId);
      };

      test('are 0 where nothing was ever open', async () => {
        expect(await totals()).toEqual({ channels: 0, subscriptions: 0, presenceUsers: 0 });
      });

      test('are over all nodes and channels, and follow every change', async () => {
        const { nodes, first, last } = seams;
        for (const { store } of nodes) {
          store.setSubscriptionCount(APP, 'news', 2);
          store.setSubscriptionCount(APP, ROOM, 1);
        }
        last.store.setSubscriptionCount(APP, 'private-last', 3);
        const all = 3 * nodes.length + 3;
        expect(await totals()).toEqual({ channels: 3, subscriptions: all, presenceUsers: 0 });
        const occupied = await last.store.occupied(APP, '');
        expect(occupied.reduce((sum, { subscriptionCount }) => sum + subscriptionCount, 0)).toBe(all);
        first.store.setSubscriptionCount(APP, 'news', 7);
        first.store.setSubscriptionCount(APP, 'never', 0);
        expect(await totals()).toEqual({ channels: 3, subscriptions: all + 5, presenceUsers: 0 });
        last.store.setSubscriptionCount(APP, 'private-last', 0);
        last.store.setSubscriptionCount(APP, 'private-last', 0);
        expect(await totals()).toEqual({ channels: 2, subscriptions: all + 2, presenceUsers: 0 });
        for (const { store } of nodes) store.setSubscriptionCount(APP, 'news', 0);
        expect(await totals()).toEqual({ channels: 1, subscriptions: nodes.length, presenceUsers: 0 });
        for (const { store } of nodes) store.setSubscriptionCount(APP, ROOM, 0);
        expect(await totals()).toEqual({ channels: 0, subscriptions: 0, presenceUsers: 0 });
      });

      test('have a user once for each presence channel', async () => {
        const users = async (): Promise<number> => (await totals()).presenceUsers;
        const { first, last } = seams;
        await first.store.join(APP, ROOM, '1.1', ANN, 2);
        await last.store.join(APP, ROOM, '1.2', { ...ANN, userInfoJson: '{"name":"two"}' }, 2);
        await last.store.join(APP, ROOM, '1.2', ANN, 2);
        expect(await users()).toBe(1);
        await last.store.join(APP, OTHER_ROOM, '1.2', ANN, 2);
        await last.store.join(APP, ROOM, '1.3', BOB, 2);
        expect(await last.store.join(APP, ROOM, '1.4', { ...BOB, userId: '8', userIdJson: '8' }, 2)).toEqual({
          outcome: 'full',
        });
        expect(await users()).toBe(3);
        await first.store.leave(APP, ROOM, '1.1', ANN.userId);
        await first.store.leave(APP, ROOM, '1.1', ANN.userId);
        await first.store.leave(APP, ROOM, '1.4', '8');
        expect(await users()).toBe(3);
        await last.store.leave(APP, ROOM, '1.2', ANN.userId);
        expect(await users()).toBe(2);
        await last.store.leave(APP, ROOM, '1.2', ANN.userId);
        await last.store.leave(APP, OTHER_ROOM, '1.2', ANN.userId);
        expect(await users()).toBe(1);
        await last.store.leave(APP, ROOM, '1.3', BOB.userId);
        expect(await users()).toBe(0);
      });

      test('belong to one app', async () => {
        for (const [appId, count] of [
          [APP, 1],
          ['4', 2],
        ] as const) {
          seams.first.store.setSubscriptionCount(appId, 'news', count);
          await seams.first.store.join(appId, ROOM, `1.${count}`, ANN, 100);
        }
        await seams.first.store.join('4', OTHER_ROOM, '1.2', ANN, 100);
        expect(await totals()).toEqual({ channels: 1, subscriptions: 1, presenceUsers: 1 });
        expect(await totals('4')).toEqual({ channels: 1, subscriptions: 2, presenceUsers: 2 });
      });

      test('have what the node itself said just before', async () => {
        const { store } = seams.first;
        store.setSubscriptionCount(APP, 'news', 2);
        expect(await store.totals(APP)).toEqual({ channels: 1, subscriptions: 2, presenceUsers: 0 });
        store.setSubscriptionCount(APP, 'news', 0);
        expect(await store.totals(APP)).toEqual({ channels: 0, subscriptions: 0, presenceUsers: 0 });
      });
    });

    describe('signed-in users', () => {
      const signIn = async (node: ContractNode, socketId: string, userId = 'ann', isAnnounced = true): Promise<void> =>
        node.store.signIn(APP, userId, socketId, isAnnounced);
      const signOut = async (node: ContractNode, socketId: string, userId = 'ann', isAnnounced = true): Promise<void> =>
        node.store.signOut(APP, userId, socketId, isAnnounced);
      const online = async (...ids: string[]): Promise<string[]> =>
        [...(await seams.last.store.online(APP, ids))].sort();
      const frame = (event: 'online' | 'offline'): string => encodeWatchlistEvents([{ name: event, userIds: ['ann'] }]);

      test('are online from the first connection to the last, and those who watch hear of both', async () => {
        await seams.last.subscribe(watchChannelName('ann'));
        await signIn(seams.first, '1.1');
        await signIn(seams.last, '1.2');
        expect(await online('ann', 'bob')).toEqual(['ann']);
        await signOut(seams.first, '1.1');
        expect(await online('ann')).toEqual(['ann']);
        await signOut(seams.last, '1.2');
        expect(await online('ann')).toEqual([]);
        expect(await seams.last.frames()).toEqual([frame('online'), frame('offline')]);
      });

      test('have a number of connections, over all nodes', async () => {
        const count = async (userId = 'ann', appId = APP): Promise<number> =>
          seams.last.store.userConnectionCount(appId, userId);
        expect(await count()).toBe(0);
        await signIn(seams.first, '1.1');
        await signIn(seams.first, '1.1');
        await signIn(seams.first, '1.2', 'ann', false);
        await signIn(seams.last, '1.3');
        await signIn(seams.last, '1.4', '__proto__');
        await seams.first.store.join(APP, ROOM, '1.5', ANN, 100);
        expect(await count()).toBe(3);
        expect([await count('__proto__'), await count('constructor'), await count('ann', '4')]).toEqual([1, 0, 0]);
        await signOut(seams.first, '1.1');
        await signOut(seams.first, '1.1');
        expect(await count()).toBe(2);
        await signOut(seams.last, '1.3');
        await signOut(seams.first, '1.2', 'ann', false);
        expect(await count()).toBe(0);
      });

      test('may have any text for an id', async () => {
        for (const { userId } of ODD_MEMBERS) {
          await seams.last.subscribe(watchChannelName(userId));
          await signIn(seams.first, '1.1', userId);
          expect(await online(userId, 'ann')).toEqual([userId]);
          await signOut(seams.first, '1.1', userId);
          expect(await online(userId)).toEqual([]);
          expect(await seams.last.frames()).toEqual(
            (['online', 'offline'] as const).map((name) => encodeWatchlistEvents([{ name, userIds: [userId] }])),
          );
        }
      });

      test('come and go without a word where nobody watches', async () => {
        await seams.last.subscribe(watchChannelName('ann'));
        await signIn(seams.first, '1.1', 'ann', false);
        await signOut(seams.first, '1.1', 'ann', false);
        expect(await seams.last.frames()).toEqual([]);
      });

      test('may sign in and out again on the same connection without a change', async () => {
        await seams.last.subscribe(watchChannelName('ann'));
        await signIn(seams.first, '1.1');
        await signIn(seams.first, '1.1');
        await signOut(seams.first, '9.9');
        expect(await online('ann')).toEqual(['ann']);
        await signOut(seams.first, '1.1');
        await signOut(seams.first, '1.1');
        expect(await online('ann')).toEqual([]);
        expect(await seams.last.frames()).toEqual([frame('online'), frame('offline')]);
      });

      test('are carried in and out in the order of the calls', async () => {
        await Promise.all([signIn(seams.first, '1.1'), signOut(seams.first, '1.1'), signIn(seams.first, '1.1')]);
        expect(await online('ann')).toEqual(['ann']);
        await Promise.all([signOut(seams.first, '1.1'), signIn(seams.first, '1.1'), signOut(seams.first, '1.1')]);
        expect(await online('ann')).toEqual([]);
      });

      test('belong to one app', async () => {
        await seams.first.store.signIn('4', 'ann', '1.1', true);
        expect(await online('ann')).toEqual([]);
      });

      test('are asked for by any text, and nobody is told of for an empty list', async () => {
        await signIn(seams.first, '1.1', '__proto__');
        expect(await online('__proto__', 'constructor')).toEqual(['__proto__']);
        expect(await online()).toEqual([]);
      });
    });

    describe('revocations', () => {
      const revocation = (
        ageMs: number,
        channel = 'private-a',
        target: RevocationTarget = { kind: 'everyone' },
      ): Revocation => ({
        appId: APP,
        channel,
        target,
        atMs: seams.fixture.now() - ageMs,
      });
      const known = async (): Promise<readonly Revocation[]> =>
        [...(await seams.last.store.revocations())].sort((a, b) => a.atMs - b.atMs);

      test('are known to a node that comes later', async () => {
        expect(await known()).toEqual([]);
        const all = [
          revocation(3, 'presence-*', { kind: 'user', userId: 'ü "7"' }),
          revocation(2, '*', { kind: 'socket', socketId: '1.1' }),
          revocation(1),
        ];
        for (const each of all) await seams.first.store.revoke(each);
        expect(await known()).toEqual(all);
      });

      test('are told to all nodes, once they can be found', async () => {
        for (const node of seams.nodes) await node.subscribe(NODES_CHANNEL, NODES_APP);
        const noted = revocation(0, 'private-*', { kind: 'user', userId: '7' });
        await seams.first.store.revoke(noted);
        for (const node of seams.nodes) {
          const messages = (await node.messages()).map(({ frame }) => parseNodesMessage(frame));
          expect(messages).toEqual([{ kind: 'revoked', revocation: noted }]);
        }
      });

      test('are replaced by a later one for the same channel and target, never by an earlier one', async () => {
        const [first, second] = [revocation(2000), revocation(1000)];
        await seams.first.store.revoke(first);
        await seams.last.store.revoke(second);
        await seams.first.store.revoke(first);
        expect(await known()).toEqual([second]);
        const others = [revocation(900, 'private-b'), { ...revocation(800), appId: '4' }];
        for (const other of others) await seams.first.store.revoke(other);
        expect(await known()).toEqual([second, ...others]);
      });

      test('are forgotten after a day', async () => {
        const kept = revocation(REVOCATION_MEMORY_MS - 60_000);
        await seams.first.store.revoke(kept);
        await seams.first.store.revoke(revocation(REVOCATION_MEMORY_MS, 'private-b'));
        expect(await known()).toEqual([kept]);
      });
    });

    describe('connections', () => {
      const add = async (node: ContractNode, max: number, appId = APP): Promise<boolean> =>
        node.store.addConnection(appId, max);

      test('are counted up to the maximum over all nodes', async () => {
        expect(await add(seams.first, 2)).toBe(true);
        expect(await add(seams.last, 2)).toBe(true);
        expect(await add(seams.first, 2)).toBe(false);
        expect(await add(seams.last, 2)).toBe(false);
        seams.first.store.removeConnection(APP);
        await seams.fixture.settled();
        expect(await add(seams.last, 2)).toBe(true);
        expect(await add(seams.last, 2)).toBe(false);
      });

      test('are never more than the maximum when many come at once', async () => {
        const added = await Promise.all(Array.from({ length: 20 }, (_, index) => add(seams.node(index), 5)));
        expect(added.filter(Boolean)).toHaveLength(5);
      });

      test('are not limited by -1, and refused by 0', async () => {
        for (let count = 0; count < 20; count += 1) expect(await add(seams.first, -1)).toBe(true);
        expect(await add(seams.first, 0)).toBe(false);
      });

      const count = async (appId = APP): Promise<number> => {
        await seams.fixture.settled();
        return seams.last.store.connectionCount(appId);
      };

      test.for([
        ['with', 100],
        ['without', -1],
      ] as const)('are told over all nodes, %s a maximum', async ([, max]) => {
        expect(await count()).toBe(0);
        for (const node of seams.nodes) for (let added = 0; added < 3; added += 1) await add(node, max);
        expect(await count()).toBe(3 * seams.nodes.length);
        expect(await count('4')).toBe(0);
        seams.first.store.removeConnection(APP);
        expect(await count()).toBe(3 * seams.nodes.length - 1);
        seams.first.store.removeConnection(APP);
        seams.first.store.removeConnection(APP);
        for (const { store } of seams.nodes.slice(1))
          for (let left = 3; left > 0; left -= 1) store.removeConnection(APP);
        expect(await count()).toBe(0);
      });

      test('count in a maximum that the app was given later, and no longer once it has none', async () => {
        for (const node of seams.nodes) await add(node, -1);
        await seams.fixture.settled();
        const max = seams.nodes.length + 1;
        await add(seams.first, -1);
        expect(await add(seams.first, max)).toBe(false);
        seams.first.store.removeConnection(APP);
        expect(await add(seams.first, max)).toBe(true);
        expect(await add(seams.last, max)).toBe(false);
        expect(await add(seams.last, -1)).toBe(true);
        expect(await count()).toBe(max + 1);
      });

      test('are counted for each app', async () => {
        expect(await add(seams.first, 1)).toBe(true);
        expect(await add(seams.first, 1, '4')).toBe(true);
      });
    });
  });
}
