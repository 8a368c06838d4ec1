import type { LastEvent } from '../../channels/broker.ts';
import type { ChannelSummary, Members } from '../../channels/channel-store.ts';
import type { Revocation } from '../../channels/revocations.ts';
import type { WireMember } from '../../protocol/server-message.ts';
import { Contributions } from './contributions.ts';
import type { WorkerHost } from './host.ts';
import { Outbox, type Post } from './outbox.ts';
import { decodeMessage, type HostCalls, type ToHost, type ToWorker, type WireJoin, type WireMessage } from './wire.ts';

/** A worker as its host knows it: carries out the worker's calls, and remembers what must go with it. */
export class HostedWorker implements HostCalls {
  readonly #host: WorkerHost;
  readonly #outbox: Outbox<ToWorker>;
  readonly #own = new Contributions();
  #isGone = false;

  constructor(host: WorkerHost, post: Post<ToWorker>) {
    this.#host = host;
    this.#outbox = new Outbox(post);
  }

  send(message: ToWorker): void {
    this.#outbox.put(message);
  }

  /** Takes what came from the worker. */
  receive(batch: readonly ToHost[]): void {
    if (this.#isGone) return;
    for (const [id, call, args] of batch) this.#carryOut(id, call, args);
  }

  /** The worker is gone: its sockets leave everything, and whoever stays hears of it. */
  remove(): void {
    this.#isGone = true;
    const { interests, store } = this.#host;
    interests.forget(this);
    for (const { appId, channel, socketId, userId } of this.#own.members) {
      store.leave(appId, channel, socketId, userId);
    }
    for (const { appId, userId, socketId, isAnnounced } of this.#own.signIns) {
      store.signOut(appId, userId, socketId, isAnnounced);
    }
    for (const { appId, channel, isAnnounced } of [...this.#own.counts()]) {
      this.setSubscriptionCount(appId, channel, 0);
      if (isAnnounced) store.announceSubscriptionCount(appId, channel);
    }
    for (const [appId, count] of this.#own.connections) {
      for (let removed = 0; removed < count; removed += 1) store.removeConnection(appId);
    }
  }

  subscribe(appId: string, channel: string): undefined {
    this.#host.interests.add(this, appId, channel);
  }

  unsubscribe(appId: string, channel: string): void {
    this.#host.interests.delete(this, appId, channel);
  }

  publish(...message: WireMessage): void {
    this.#host.broker.publish(decodeMessage(message));
  }

  lastEvent(appId: string, channel: string): LastEvent | undefined {
    return this.#host.broker.lastEvent(appId, channel);
  }

  /** Workers tell their own numbers, the store keeps the sums. */
  setSubscriptionCount(appId: string, channel: string, count: number): void {
    const { store } = this.#host;
    const growth = this.#own.setCount(appId, channel, count);
    if (growth === 0) return;
    store.setSubscriptionCount(appId, channel, store.summary(appId, channel).subscriptionCount + growth);
  }

  announceSubscriptionCount(appId: string, channel: string): void {
    this.#own.announceCount(appId, channel);
    this.#host.store.announceSubscriptionCount(appId, channel);
  }

  summary(appId: string, channel: string): ChannelSummary {
    return this.#host.store.summary(appId, channel);
  }

  occupied(appId: string, prefix: string): readonly ChannelSummary[] {
    return this.#host.store.occupied(appId, prefix);
  }

  join(appId: string, channel: string, socketId: string, member: WireMember, maxMembers: number): WireJoin {
    const joined = this.#host.store.join(appId, channel, socketId, member, maxMembers);
    if (joined.outcome === 'full') return undefined;
    this.#own.join(appId, channel, socketId, member.userId);
    return [...joined.members];
  }

  leave(appId: string, channel: string, socketId: string, userId: string): void {
    this.#own.leave(appId, channel, socketId, userId);
    this.#host.store.leave(appId, channel, socketId, userId);
  }

  members(appId: string, channel: string): Members {
    return this.#host.store.members(appId, channel);
  }

  signIn(appId: string, userId: string, socketId: string, isAnnounced: boolean): void {
    this.#own.signIn(appId, userId, socketId, isAnnounced);
    this.#host.store.signIn(appId, userId, socketId, isAnnounced);
  }

  signOut(appId: string, userId: string, socketId: string, isAnnounced: boolean): void {
    this.#own.signOut(appId, userId, socketId);
    this.#host.store.signOut(appId, userId, socketId, isAnnounced);
  }

  online(appId: string, userIds: readonly string[]): readonly string[] {
    return [...this.#host.store.online(appId, userIds)];
  }

  addConnection(appId: string, max: number): boolean {
    const isAdded = this.#host.store.addConnection(appId, max);
    if (isAdded) this.#own.addConnections(appId, 1);
    return isAdded;
  }

  removeConnection(appId: string): void {
    this.#own.addConnections(appId, -1);
    this.#host.store.removeConnection(appId);
  }

  connectionCount(appId: string): number {
    return this.#host.store.connectionCount(appId);
  }

  revoke(revocation: Revocation): void {
    this.#host.store.revoke(revocation);
  }

  revocations(): readonly Revocation[] {
    return this.#host.store.revocations();
  }

  #carryOut(id: number, call: keyof HostCalls, args: readonly unknown[]): void {
    try {
      // The arguments fit the call: both ends are this program.
      const answer: unknown = Reflect.apply(this[call], this, args);
      if (id !== 0) this.send(['answer', id, answer]);
    } catch (error) {
      this.#host.options.failed(error, call);
      if (id !== 0) this.send(['failed', id, 'the main process failed to do it']);
    }
  }
}
