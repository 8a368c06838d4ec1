import type { ChannelStore, ChannelSummary, Members, PresenceJoin } from '../../channels/channel-store.ts';
import type { Revocation } from '../../channels/revocations.ts';
import type { WireMember } from '../../protocol/server-message.ts';
import type { HostLink } from './host-link.ts';

/** Facts over all workers of one machine, which the host keeps. */
export class WorkerStore implements ChannelStore {
  readonly #link: HostLink;

  constructor(link: HostLink) {
    this.#link = link;
  }

  setSubscriptionCount(appId: string, channel: string, count: number): void {
    this.#link.tell('setSubscriptionCount', appId, channel, count);
  }

  announceSubscriptionCount(appId: string, channel: string): void {
    this.#link.tell('announceSubscriptionCount', appId, channel);
  }

  summary(appId: string, channel: string): Promise<ChannelSummary> {
    return this.#link.ask('summary', appId, channel);
  }

  occupied(appId: string, prefix: string): Promise<readonly ChannelSummary[]> {
    return this.#link.ask('occupied', appId, prefix);
  }

  async join(
    appId: string,
    channel: string,
    socketId: string,
    member: WireMember,
    maxMembers: number,
  ): Promise<PresenceJoin> {
    const members = await this.#link.ask('join', appId, channel, socketId, member, maxMembers);
    return members ? { outcome: 'joined', members } : { outcome: 'full' };
  }

  leave(appId: string, channel: string, socketId: string, userId: string): Promise<void> {
    return this.#link.ask('leave', appId, channel, socketId, userId);
  }

  members(appId: string, channel: string): Promise<Members> {
    return this.#link.ask('members', appId, channel);
  }

  signIn(appId: string, userId: string, socketId: string, isAnnounced: boolean): Promise<void> {
    return this.#link.ask('signIn', appId, userId, socketId, isAnnounced);
  }

  signOut(appId: string, userId: string, socketId: string, isAnnounced: boolean): Promise<void> {
    return this.#link.ask('signOut', appId, userId, socketId, isAnnounced);
  }

  async online(appId: string, userIds: readonly string[]): Promise<ReadonlySet<string>> {
    return new Set(await this.#link.ask('online', appId, userIds));
  }

  addConnection(appId: string, max: number): Promise<boolean> {
    return this.#link.ask('addConnection', appId, max);
  }

  removeConnection(appId: string): void {
    this.#link.tell('removeConnection', appId);
  }

  connectionCount(appId: string): Promise<number> {
    return this.#link.ask('connectionCount', appId);
  }

  revoke(revocation: Revocation): Promise<void> {
    return this.#link.ask('revoke', revocation);
  }

  revocations(): Promise<readonly Revocation[]> {
    return this.#link.ask('revocations');
  }

  close(): void {}
}
