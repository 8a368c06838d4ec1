import type { BrokerMessage } from '../../channels/broker.ts';
import type { AppTotals, ChannelStore, ChannelSummary, Members, PresenceJoin } from '../../channels/channel-store.ts';
import { watchChannelName } from '../../channels/local-channel.ts';
import type { MaybePromise } from '../../channels/maybe-promise.ts';
import { createNodesMessage } from '../../channels/nodes-channel.ts';
import type { Revocation } from '../../channels/revocations.ts';
import { inTurns } from '../../channels/turns.ts';
import { channelKindOf } from '../../protocol/channel-name.ts';
import type { WireMember } from '../../protocol/server-message.ts';
import { batchesOf } from '../batches.ts';
import type { ChannelScripts } from './channel-scripts.ts';
import { ConnectionCounts, CountWriter } from './counts.ts';
import { FairQueue } from './fair-queue.ts';
import { KeptRevocations } from './kept-revocations.ts';
import { PARTITIONS, type RedisKeys } from './keys.ts';
import type { NodeLease } from './node-lease.ts';
import { RedisUnavailable } from './redis-commands.ts';
import type { RedisLink } from './redis-link.ts';
import { recallAll, sweepMembers } from './sweep.ts';
import { encodeMemberEntry, type MemberEntry, type OwnMember, parseChannelId, parseMemberEntry } from './wire.ts';

/** Between two attempts at something that must be done once Redis allows it, in milliseconds. */
const RETRY_MS = 200;
/** Attempts at what fails while the connection seems fine. */
const MAX_ATTEMPTS = 50;
/** How long a node that stops waits for Redis to take out what it had, in milliseconds. */
const CLOSE_MS = 3000;
/** Commands on their way at once where there are many. */
const CHUNK = 200;
/** Joins, leavings, sign-ins and their like on their way at once. */
const MAX_WRITES = 500;
/** Fields of a hash that are read by one command. */
const SCAN_PAGE = 1000;
/** Partitions that are read at once. */
const SCANS_AT_ONCE = 8;

/**
 * Facts over all nodes, in Redis. What this node itself contributes is kept here as well: that is the truth from which
 * everything is written again when Redis, or this node's lease, was lost.
 */
export class RedisChannelStore implements ChannelStore {
  readonly #link: RedisLink;
  readonly #keys: RedisKeys;
  readonly #lease: NodeLease;
  readonly #scripts: ChannelScripts;
  readonly #counts: CountWriter;
  /** Presence members and sign-ins of this node's connections, by their entry in Redis. */
  readonly #members = new Map<string, OwnMember>();
  readonly #connections: ConnectionCounts;
  readonly keptRevocations: KeptRevocations;
  readonly #publish: (message: BrokerMessage) => MaybePromise<void>;
  /** Members that come and go: thousands of one app at once must not delay one of another. */
  readonly #writes = new FairQueue(MAX_WRITES);
  /** What is under way for an entry, so that its next call waits for it. */
  readonly #underWay = new Map<string, Promise<unknown>>();

  /** @param publish - hands a message to the broker */
  constructor(
    link: RedisLink,
    keys: RedisKeys,
    scripts: ChannelScripts,
    lease: NodeLease,
    publish: (message: BrokerMessage) => MaybePromise<void>,
  ) {
    this.#publish = publish;
    this.#link = link;
    this.#keys = keys;
    this.#lease = lease;
    this.#scripts = scripts;
    this.#counts = new CountWriter(link, scripts, () => lease.nodeId);
    this.keptRevocations = new KeptRevocations(link, keys);
    this.#connections = new ConnectionCounts(link, keys, this.#scripts, () => lease.nodeId);
  }

  occupy(appId: string, channel: string): Promise<void> {
    return this.#untilTaken(() => this.#counts.begin(appId, channel));
  }

  setSubscriptionCount(appId: string, channel: string, count: number): void {
    this.#counts.set(appId, channel, count);
  }

  announceSubscriptionCount(appId: string, channel: string): void {
    this.#counts.announce(appId, channel);
  }

  async summary(appId: string, channel: string): Promise<ChannelSummary> {
    return this.#orLocal(
      async () => {
        const [others, counts, userCount] = await Promise.all([
          this.#lease.otherNodes(),
          this.#link.commands.do((client) => client.hgetall(this.#keys.counts(appId, channel))),
          this.#link.commands.do((client) => client.hlen(this.#keys.members(appId, channel))),
        ]);
        const sum = others.reduce((total, nodeId) => total + Number(counts[nodeId] ?? 0), 0);
        return { channel, subscriptionCount: sum + this.#counts.get(appId, channel), userCount };
      },
      () => ({
        channel,
        subscriptionCount: this.#counts.get(appId, channel),
        userCount: this.#ownMembers(appId, channel).length,
      }),
    );
  }

  async occupied(appId: string, prefix: string): Promise<readonly ChannelSummary[]> {
    const counts = await this.#orLocal(
      () => this.#countsOfOthers(appId, prefix),
      () => new Map<string, number>(),
    );
    for (const own of this.#counts.own()) {
      if (own.count === 0 || own.appId !== appId || !own.channel.startsWith(prefix)) continue;
      counts.set(own.channel, (counts.get(own.channel) ?? 0) + own.count);
    }
    const userCounts = await this.#userCounts(appId, [...counts.keys()]);
    return Array.from(counts, ([channel, subscriptionCount]) => {
      return { channel, subscriptionCount, userCount: userCounts.get(channel) ?? 0 };
    });
  }

  async totals(appId: string): Promise<AppTotals> {
    return this.#orLocal(
      async () => {
        // What this node was just told is in the answer.
        await this.#counts.flush();
        const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition);
        const [sizes, totals] = await this.#link.commands.do((client) =>
          Promise.all([
            Promise.all(partitions.map((each) => client.hlen(this.#keys.channels(appId, each)))),
            Promise.all(
              partitions.map((each) => client.hmget(this.#keys.totals(appId, each), 'subscriptions', 'presenceUsers')),
            ),
          ]),
        );
        return {
          channels: sum(sizes),
          subscriptions: sum(totals.map(([subscriptions]) => Number(subscriptions ?? 0))),
          presenceUsers: sum(totals.map(([, presenceUsers]) => Number(presenceUsers ?? 0))),
        };
      },
      () => this.#ownTotals(appId),
    );
  }

  async join(
    appId: string,
    channel: string,
    socketId: string,
    member: WireMember,
    maxMembers: number,
  ): Promise<PresenceJoin> {
    const own: OwnMember = {
      appId,
      channel,
      socketId,
      userId: member.userId,
      isSignIn: false,
      member,
      isAnnounced: true,
    };
    return this.#inOrder(encodeMemberEntry(own), async () => {
      const answer = await this.#contribute(own, maxMembers);
      if (answer.outcome === 'full') await this.#withdraw(own, false);
      return answer;
    });
  }

  async leave(appId: string, channel: string, socketId: string, userId: string): Promise<void> {
    const entry = { appId, channel, socketId, userId, isSignIn: false };
    await this.#inOrder(encodeMemberEntry(entry), () => this.#withdraw(entry, true));
  }

  async members(appId: string, channel: string): Promise<Members> {
    return this.#orLocal(
      () => this.#scripts.members(appId, channel),
      () => ({ members: this.#ownMembers(appId, channel) }),
    );
  }

  async signIn(appId: string, userId: string, socketId: string, isAnnounced: boolean): Promise<void> {
    const channel = watchChannelName(userId);
    const own: OwnMember = { appId, channel, socketId, userId, isSignIn: true, member: undefined, isAnnounced };
    await this.#inOrder(encodeMemberEntry(own), () => this.#contribute(own, 0));
  }

  async signOut(appId: string, userId: string, socketId: string, isAnnounced: boolean): Promise<void> {
    const entry = { appId, channel: watchChannelName(userId), socketId, userId, isSignIn: true };
    await this.#inOrder(encodeMemberEntry(entry), () => this.#withdraw(entry, isAnnounced));
  }

  async online(appId: string, userIds: readonly string[]): Promise<readonly string[]> {
    const known = await this.#link.commands.do((client) =>
      Promise.all(userIds.map((id) => client.exists(this.#keys.sockets(appId, watchChannelName(id))))),
    );
    return userIds.filter((_, index) => known[index] === 1);
  }

  async userConnectionCount(appId: string, userId: string): Promise<number> {
    const channel = watchChannelName(userId);
    return this.#orLocal(
      () => this.#link.commands.do((client) => client.hlen(this.#keys.sockets(appId, channel))),
      () => [...this.#members.values()].filter((own) => own.appId === appId && own.channel === channel).length,
    );
  }

  addConnection(appId: string, max: number): MaybePromise<boolean> {
    return this.#connections.add(appId, max);
  }

  removeConnection(appId: string): void {
    this.#connections.remove(appId);
  }

  async connectionCount(appId: string): Promise<number> {
    return this.#orLocal(
      async () => this.#connections.sum(appId, await this.#lease.otherNodes()),
      () => this.#connections.get(appId),
    );
  }

  async nodeCount(): Promise<number> {
    return (await this.#lease.otherNodes()).length + 1;
  }

  async revoke(revocation: Revocation): Promise<void> {
    await this.keptRevocations.add([revocation]);
    await this.#publish(createNodesMessage({ kind: 'revoked', revocation }));
  }

  revocations(): Promise<readonly Revocation[]> {
    return this.keptRevocations.all();
  }

  /** Makes Redis agree with this node: writes what is missing, and removes what this node no longer has. */
  async reconcile(): Promise<void> {
    const { nodeId } = this.#lease;
    const known = await recallAll(this.#scripts, nodeId);
    // What this node has is written first, so that a user with another connection here never leaves.
    const all = new Set([...this.#members.keys(), ...known.entries]);
    const entries = inTurns(all, (entry) => parseMemberEntry(entry)?.appId ?? '');
    for (const batch of batchesOf(entries, CHUNK)) await Promise.all(batch.map((entry) => this.#agree(entry)));
    for (const { appId, channel } of known.channelIds.map(parseChannelId)) {
      if (this.#counts.get(appId, channel) === 0) this.#counts.set(appId, channel, 0);
    }
    await this.#counts.rewrite();
    await this.#connections.rewrite();
  }

  /** Takes out the connections that were counted under a former id of this node. */
  forgetConnections(formerId: string): Promise<void> {
    return this.#connections.forget(formerId);
  }

  /** Waits until nothing of this node's connections, which must be gone, is left in Redis. */
  async close(): Promise<void> {
    // While Redis is down there is nothing to wait for: the others remove the rest when the lease expires.
    if (this.#link.isUp) await Promise.race([this.settled(), pause(CLOSE_MS)]);
    this.#counts.stop();
    this.#connections.stop();
  }

  /** Answered when all that was said before is in Redis. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#underWay.values());
    await this.#counts.flush();
    await this.#connections.flush();
  }

  /** Notes a contribution and writes it, as soon as Redis can be asked. */
  #contribute(own: OwnMember, maxMembers: number): Promise<PresenceJoin> {
    this.#members.set(encodeMemberEntry(own), own);
    return this.#untilTaken(() => this.#writes.run(own.appId, () => this.#write(own, maxMembers, own.socketId)));
  }

  async #untilTaken<T>(write: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      await this.#link.whenUp();
      try {
        return await write();
      } catch (error) {
        if (!(error instanceof RedisUnavailable && error.isPassing) || attempt === MAX_ATTEMPTS) throw error;
        await pause(RETRY_MS);
      }
    }
  }

  async #write(own: OwnMember, maxMembers: number, exceptSocketId: string | undefined): Promise<PresenceJoin> {
    const { nodeId } = this.#lease;
    if (!own.member) {
      await this.#scripts.signIn(nodeId, own);
      return { outcome: 'joined', members: [] };
    }
    const { arrival, ...joined } = await this.#scripts.join(nodeId, own, own.member, maxMembers, exceptSocketId);
    if (joined.outcome === 'joined') own.arrival = arrival;
    return joined;
  }

  /** Makes Redis agree with this node about one entry. */
  async #agree(entry: string): Promise<void> {
    await this.#inOrder(entry, async () => {
      const own = this.#members.get(entry);
      // A connection that is in the channel has seen its own user go, if others have: it is told of the coming too.
      if (own) await this.#write(own, Number.MAX_SAFE_INTEGER, undefined);
      else await sweepMembers(this.#scripts, this.#lease.nodeId, [entry], true);
    });
  }

  async #withdraw(entry: MemberEntry, isAnnounced: boolean): Promise<void> {
    const text = encodeMemberEntry(entry);
    if (!this.#members.delete(text)) return;
    try {
      await this.#writes.run(entry.appId, () => sweepMembers(this.#scripts, this.#lease.nodeId, [text], isAnnounced));
    } catch (error) {
      // What is left of this node is removed when Redis is back.
      if (!(error instanceof RedisUnavailable)) throw error;
    }
  }

  /** Runs the calls for one entry one after the other, in the order they were made. */
  #inOrder<T>(entry: string, work: () => Promise<T>): Promise<T> {
    const before = this.#underWay.get(entry);
    const result = before ? before.then(work, work) : work();
    this.#underWay.set(entry, result);
    const done = (): void => {
      if (this.#underWay.get(entry) === result) this.#underWay.delete(entry);
    };
    result.then(done, done);
    return result;
  }

  /** While Redis is down, reads answer with what this node knows. */
  async #orLocal<T>(ask: () => Promise<T>, local: () => T): Promise<T> {
    if (!this.#link.isUp) return local();
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof RedisUnavailable)) throw error;
      return local();
    }
  }

  #ownMembers(appId: string, channel: string): WireMember[] {
    const members = new Map<string, WireMember>();
    for (const own of this.#members.values()) {
      if (!own.member || own.appId !== appId || own.channel !== channel || members.has(own.userId)) continue;
      members.set(own.userId, own.member);
    }
    return [...members.values()];
  }

  /** Subscriptions that other nodes have, by channel. In pages, between which Redis and this node do other things. */
  async #countsOfOthers(appId: string, prefix: string): Promise<Map<string, number>> {
    const counts = new Map<string, number>();
    const read = async (partition: number): Promise<void> => {
      for await (const page of this.#scan(this.#keys.channels(appId, partition))) {
        for (let index = 0; index < page.length; index += 2) {
          const channel = page[index] ?? '';
          const count = Number(page[index + 1]) - this.#counts.written(appId, channel);
          if (count > 0 && channel.startsWith(prefix)) counts.set(channel, count);
        }
      }
    };
    for (let start = 0; start < PARTITIONS; start += SCANS_AT_ONCE) {
      await Promise.all(Array.from({ length: SCANS_AT_ONCE }, (_, index) => read(start + index)));
    }
    return counts;
  }

  /** Fields and values of a hash in turn, in pages. */
  async *#scan(key: string): AsyncGenerator<readonly string[]> {
    let cursor = '0';
    do {
      const [next, page] = await this.#link.commands.do((client) => client.hscan(key, cursor, 'COUNT', SCAN_PAGE));
      yield page;
      cursor = next;
    } while (cursor !== '0');
  }

  /** Users of those of the channels that are presence channels. */
  async #userCounts(appId: string, channels: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const rooms = channels.filter((channel) => channelKindOf(channel).isPresence);
    return this.#orLocal(
      async () => {
        const counts = new Map<string, number>();
        for (const page of batchesOf(rooms, CHUNK)) {
          const answers = await this.#link.commands.do((client) =>
            Promise.all(page.map((channel) => client.hlen(this.#keys.members(appId, channel)))),
          );
          for (const [index, channel] of page.entries()) counts.set(channel, answers[index] ?? 0);
        }
        return counts;
      },
      () => this.#ownUserCounts(appId),
    );
  }

  #ownTotals(appId: string): AppTotals {
    const counts = [...this.#counts.own()].filter((own) => own.appId === appId && own.count > 0);
    return {
      channels: counts.length,
      subscriptions: sum(counts.map(({ count }) => count)),
      presenceUsers: sum([...this.#ownUserCounts(appId).values()]),
    };
  }

  #ownUserCounts(appId: string): Map<string, number> {
    const users = new Map<string, Set<string>>();
    for (const own of this.#members.values()) {
      if (!own.member || own.appId !== appId) continue;
      const known = users.get(own.channel) ?? new Set();
      users.set(own.channel, known.add(own.userId));
    }
    return new Map(Array.from(users, ([channel, { size }]) => [channel, size]));
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
