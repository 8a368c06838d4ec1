import { channelKindOf } from '../protocol/channel-name.ts';
import {
  encodeMemberAdded,
  encodeMemberRemoved,
  encodeSubscriptionCount,
  encodeWatchlistEvents,
  type WatchlistEvent,
  type WireMember,
} from '../protocol/server-message.ts';
import type { BrokerMessage } from './broker.ts';
import type { AppTotals, ChannelStore, ChannelSummary, Members, PresenceJoin } from './channel-store.ts';
import type { Clock } from './clock.ts';
import type { EdgesOf } from './edge.ts';
import { watchChannelName } from './local-channel.ts';
import { createNodesMessage } from './nodes-channel.ts';
import { REVOCATION_MEMORY_MS, type Revocation, revocationId } from './revocations.ts';
import { SubscriptionCounts } from './subscription-counts.ts';

interface PresentUser {
  /** The user's id as it was announced, with the data of the first connection that is still there. */
  member: WireMember;
  /** Socket id → what the connection brought, in order of arrival. */
  readonly connections: Map<string, WireMember>;
}

interface AppFacts {
  readonly subscriptionCounts: Map<string, number>;
  /** By channel, what its subscribers were last told. */
  readonly toldCounts: Map<string, number>;
  readonly presence: Map<string, Map<string, PresentUser>>;
  readonly signedIn: Map<string, Set<string>>;
  connections: number;
  /** Sum of `subscriptionCounts`. */
  subscriptions: number;
  /** Members in `presence`. */
  presenceUsers: number;
}

/** The facts of a single node, in its own memory. */
export class MemoryChannelStore implements ChannelStore {
  readonly #apps = new Map<string, AppFacts>();
  readonly #revocations = new Map<string, Revocation>();
  readonly #clock: Clock;
  readonly #publish: (message: BrokerMessage) => void;
  readonly #edgesOf: EdgesOf;
  readonly #announcements: SubscriptionCounts;

  /** @param publish - hands what follows from a change to the broker, at once */
  constructor(clock: Clock, publish: (message: BrokerMessage) => void, edgesOf: EdgesOf = () => undefined) {
    this.#clock = clock;
    this.#publish = publish;
    this.#edgesOf = edgesOf;
    this.#announcements = new SubscriptionCounts(clock, (appId, channel) => this.#publishCount(appId, channel));
  }

  /** The number follows in the same turn. */
  occupy(): void {}

  setSubscriptionCount(appId: string, channel: string, count: number): void {
    const facts = this.#facts(appId);
    const { subscriptionCounts, toldCounts } = facts;
    const wasOccupied = subscriptionCounts.has(channel);
    facts.subscriptions += count - (subscriptionCounts.get(channel) ?? 0);
    if (count > 0) {
      subscriptionCounts.set(channel, count);
    } else {
      subscriptionCounts.delete(channel);
      toldCounts.delete(channel);
    }
    if (wasOccupied === count > 0 || channelKindOf(channel).isPresence) return;
    this.#edgesOf(appId)?.({ kind: wasOccupied ? 'channel_vacated' : 'channel_occupied', appId, channel });
  }

  announceSubscriptionCount(appId: string, channel: string): void {
    this.#announcements.changed(appId, channel);
  }

  summary(appId: string, channel: string): ChannelSummary {
    const facts = this.#apps.get(appId);
    return {
      channel,
      subscriptionCount: facts?.subscriptionCounts.get(channel) ?? 0,
      userCount: facts?.presence.get(channel)?.size ?? 0,
    };
  }

  occupied(appId: string, prefix: string): readonly ChannelSummary[] {
    const summaries: ChannelSummary[] = [];
    for (const channel of this.#apps.get(appId)?.subscriptionCounts.keys() ?? []) {
      if (channel.startsWith(prefix)) summaries.push(this.summary(appId, channel));
    }
    return summaries;
  }

  totals(appId: string): AppTotals {
    const facts = this.#apps.get(appId);
    return {
      channels: facts?.subscriptionCounts.size ?? 0,
      subscriptions: facts?.subscriptions ?? 0,
      presenceUsers: facts?.presenceUsers ?? 0,
    };
  }

  join(appId: string, channel: string, socketId: string, member: WireMember, maxMembers: number): PresenceJoin {
    const facts = this.#facts(appId);
    const { presence } = facts;
    const users = presence.get(channel) ?? new Map<string, PresentUser>();
    const present = users.get(member.userId);
    if (present) {
      if (!present.connections.has(socketId)) present.connections.set(socketId, member);
    } else {
      if (users.size >= maxMembers) return { outcome: 'full' };
      users.set(member.userId, { member, connections: new Map([[socketId, member]]) });
      presence.set(channel, users);
      facts.presenceUsers += 1;
      this.#publish({
        appId,
        channel,
        frame: encodeMemberAdded(channel, member),
        exceptSocketId: socketId,
        member: { change: 'added', member },
      });
      const onEdge = this.#edgesOf(appId);
      if (users.size === 1) onEdge?.({ kind: 'channel_occupied', appId, channel });
      onEdge?.({ kind: 'member_added', appId, channel, userId: member.userId });
    }
    return { outcome: 'joined', members: membersOf(users) };
  }

  leave(appId: string, channel: string, socketId: string, userId: string): void {
    const facts = this.#apps.get(appId);
    const users = facts?.presence.get(channel);
    const present = users?.get(userId);
    if (!facts || !users || !present?.connections.delete(socketId)) return;
    const { member, connections } = present;
    const [first] = connections.values();
    if (first) {
      const { userInfoJson } = first;
      if (userInfoJson === member.userInfoJson) return;
      present.member = { ...member, userInfoJson };
      this.#publish({ appId, channel, frame: '', member: { change: 'updated', member: present.member } });
      return;
    }
    users.delete(userId);
    facts.presenceUsers -= 1;
    if (users.size === 0) facts.presence.delete(channel);
    this.#publish({
      appId,
      channel,
      frame: encodeMemberRemoved(channel, member),
      member: { change: 'removed', member },
    });
    const onEdge = this.#edgesOf(appId);
    onEdge?.({ kind: 'member_removed', appId, channel, userId });
    if (users.size === 0) onEdge?.({ kind: 'channel_vacated', appId, channel });
  }

  members(appId: string, channel: string): Members {
    return { members: [...membersOf(this.#apps.get(appId)?.presence.get(channel) ?? new Map())] };
  }

  signIn(appId: string, userId: string, socketId: string, isAnnounced: boolean): void {
    const { signedIn } = this.#facts(appId);
    const sockets = signedIn.get(userId);
    if (sockets) {
      sockets.add(socketId);
      return;
    }
    signedIn.set(userId, new Set([socketId]));
    if (isAnnounced) this.#publishUser(appId, userId, 'online');
    this.#edgesOf(appId)?.({ kind: 'user_online', appId, userId });
  }

  signOut(appId: string, userId: string, socketId: string, isAnnounced: boolean): void {
    const signedIn = this.#apps.get(appId)?.signedIn;
    const sockets = signedIn?.get(userId);
    if (!signedIn || !sockets?.delete(socketId) || sockets.size > 0) return;
    signedIn.delete(userId);
    if (isAnnounced) this.#publishUser(appId, userId, 'offline');
    this.#edgesOf(appId)?.({ kind: 'user_offline', appId, userId });
  }

  online(appId: string, userIds: readonly string[]): readonly string[] {
    const signedIn = this.#apps.get(appId)?.signedIn;
    return userIds.filter((id) => signedIn?.has(id));
  }

  userConnectionCount(appId: string, userId: string): number {
    return this.#apps.get(appId)?.signedIn.get(userId)?.size ?? 0;
  }

  addConnection(appId: string, max: number): boolean {
    const facts = this.#facts(appId);
    if (max >= 0 && facts.connections >= max) return false;
    facts.connections += 1;
    return true;
  }

  removeConnection(appId: string): void {
    const facts = this.#apps.get(appId);
    if (facts) facts.connections -= 1;
  }

  connectionCount(appId: string): number {
    return this.#apps.get(appId)?.connections ?? 0;
  }

  nodeCount(): number {
    return 1;
  }

  revoke(revocation: Revocation): void {
    const id = revocationId(revocation);
    const known = this.#revocations.get(id);
    if (!known || known.atMs < revocation.atMs) this.#revocations.set(id, revocation);
    this.#publish(createNodesMessage({ kind: 'revoked', revocation }));
  }

  revocations(): readonly Revocation[] {
    const endMs = this.#clock.now() - REVOCATION_MEMORY_MS;
    for (const [id, { atMs }] of this.#revocations) if (atMs <= endMs) this.#revocations.delete(id);
    return [...this.#revocations.values()];
  }

  close(): void {
    this.#announcements.stop();
    this.#apps.clear();
  }

  #publishCount(appId: string, channel: string): number {
    const { subscriptionCount } = this.summary(appId, channel);
    if (subscriptionCount === 0) return 0;
    this.#publish({ appId, channel, frame: encodeSubscriptionCount(channel, subscriptionCount) });
    const { toldCounts } = this.#facts(appId);
    const onEdge = this.#edgesOf(appId);
    if (onEdge && toldCounts.get(channel) !== subscriptionCount) {
      toldCounts.set(channel, subscriptionCount);
      onEdge({ kind: 'subscription_count', appId, channel, subscriptionCount });
    }
    return subscriptionCount;
  }

  #publishUser(appId: string, userId: string, name: WatchlistEvent['name']): void {
    const frame = encodeWatchlistEvents([{ name, userIds: [userId] }]);
    this.#publish({ appId, channel: watchChannelName(userId), frame });
  }

  #facts(appId: string): AppFacts {
    let facts = this.#apps.get(appId);
    if (!facts) {
      facts = {
        subscriptionCounts: new Map(),
        toldCounts: new Map(),
        presence: new Map(),
        signedIn: new Map(),
        connections: 0,
        subscriptions: 0,
        presenceUsers: 0,
      };
      this.#apps.set(appId, facts);
    }
    return facts;
  }
}

function* membersOf(users: ReadonlyMap<string, PresentUser>): Generator<WireMember> {
  for (const { member } of users.values()) yield member;
}
