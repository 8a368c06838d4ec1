import type { WireMember } from '../protocol/server-message.ts';
import type { ChannelStore, ChannelSummary, PresenceJoin } from './channel-store.ts';

interface PresentUser {
  readonly member: WireMember;
  readonly socketIds: Set<string>;
}

interface AppFacts {
  readonly subscriptionCounts: Map<string, number>;
  readonly presence: Map<string, Map<string, PresentUser>>;
  readonly signedIn: Map<string, Set<string>>;
  connections: number;
}

/** The facts of a single node, in its own memory. */
export class MemoryChannelStore implements ChannelStore {
  readonly #apps = new Map<string, AppFacts>();

  setSubscriptionCount(appId: string, channel: string, count: number): void {
    const { subscriptionCounts } = this.#facts(appId);
    if (count > 0) subscriptionCounts.set(channel, count);
    else subscriptionCounts.delete(channel);
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

  join(appId: string, channel: string, socketId: string, member: WireMember, maxMembers: number): PresenceJoin {
    const { presence } = this.#facts(appId);
    const users = presence.get(channel) ?? new Map<string, PresentUser>();
    const present = users.get(member.userId);
    if (present) {
      present.socketIds.add(socketId);
    } else {
      if (users.size >= maxMembers) return { outcome: 'full' };
      users.set(member.userId, { member, socketIds: new Set([socketId]) });
      presence.set(channel, users);
    }
    return { outcome: 'joined', isFirst: !present, members: membersOf(users) };
  }

  leave(appId: string, channel: string, socketId: string, userId: string): WireMember | undefined {
    const presence = this.#apps.get(appId)?.presence;
    const users = presence?.get(channel);
    const present = users?.get(userId);
    if (!presence || !users || !present?.socketIds.delete(socketId) || present.socketIds.size > 0) return undefined;
    users.delete(userId);
    if (users.size === 0) presence.delete(channel);
    return present.member;
  }

  members(appId: string, channel: string): readonly WireMember[] {
    return [...membersOf(this.#apps.get(appId)?.presence.get(channel) ?? new Map())];
  }

  signIn(appId: string, userId: string, socketId: string): boolean {
    const { signedIn } = this.#facts(appId);
    const sockets = signedIn.get(userId);
    if (sockets) {
      sockets.add(socketId);
      return false;
    }
    signedIn.set(userId, new Set([socketId]));
    return true;
  }

  signOut(appId: string, userId: string, socketId: string): boolean {
    const signedIn = this.#apps.get(appId)?.signedIn;
    const sockets = signedIn?.get(userId);
    if (!signedIn || !sockets?.delete(socketId) || sockets.size > 0) return false;
    signedIn.delete(userId);
    return true;
  }

  online(appId: string, userIds: readonly string[]): ReadonlySet<string> {
    const signedIn = this.#apps.get(appId)?.signedIn;
    return new Set(userIds.filter((id) => signedIn?.has(id)));
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

  close(): void {
    this.#apps.clear();
  }

  #facts(appId: string): AppFacts {
    let facts = this.#apps.get(appId);
    if (!facts) {
      facts = { subscriptionCounts: new Map(), presence: new Map(), signedIn: new Map(), connections: 0 };
      this.#apps.set(appId, facts);
    }
    return facts;
  }
}

function* membersOf(users: ReadonlyMap<string, PresentUser>): Generator<WireMember> {
  for (const { member } of users.values()) yield member;
}
