import { setImmediate } from 'node:timers/promises';
import type { Broker, BrokerMessage } from '../../channels/broker.ts';
import type { ChannelStore } from '../../channels/channel-store.ts';
import type { Clock } from '../../channels/clock.ts';
import type { OnEdge } from '../../channels/edge.ts';
import { MemoryBroker } from '../../channels/memory-broker.ts';
import { MemoryChannelStore } from '../../channels/memory-channel-store.ts';

/** A call of a seam that waits for the test to answer it. */
export interface PendingCall {
  /** Such as `store.join presence-room`. */
  readonly name: string;
  /** Lets the call do its work and answers it, or fails it. */
  readonly settle: (failure?: Failure) => void;
}

export interface Failure {
  readonly error: Error;
  /** The work was done and only its answer got lost, for calls where the contract leaves that open. */
  readonly isDone?: boolean;
}

/**
 * A broker and a channel store that are far away: while `isSlow` each call waits for the test to answer it.
 * Calls take effect when they are answered, and only channels that were subscribed to are delivered.
 */
export class DelayedSeams {
  readonly broker: Broker;
  readonly store: ChannelStore;
  isSlow = false;
  /** Oldest first. */
  readonly pending: PendingCall[] = [];
  /** Every call so far, whether it waits or is answered. */
  readonly calls: string[] = [];
  /** `appId/channel` for which messages are delivered. */
  readonly subscribed = new Set<string>();
  /** Everything that was published. */
  readonly published: BrokerMessage[] = [];

  constructor(clock: Clock, onEdge?: OnEdge) {
    const broker = new MemoryBroker(clock);
    this.broker = {
      answersMayOvertake: false,
      lingerMs: 0,
      listen: (deliver, count) =>
        broker.listen((message) => {
          if (this.subscribed.has(`${message.appId}/${message.channel}`)) deliver(message);
        }, count),
      subscribe: (appId, channel) =>
        this.#call(`broker.subscribe ${channel}`, () => void this.subscribed.add(`${appId}/${channel}`), false),
      unsubscribe: (appId, channel) =>
        this.#call(`broker.unsubscribe ${channel}`, () => void this.subscribed.delete(`${appId}/${channel}`), true),
      publish: (message) =>
        this.#call(`broker.publish ${message.channel}`, () => {
          this.published.push(message);
          broker.publish(message);
        }),
      publishCounted: (message) =>
        this.#call(`broker.publishCounted ${message.channel}`, () => {
          this.published.push(message);
          return broker.publishCounted(message);
        }),
      lastEvent: (appId, channel) => this.#call(`broker.lastEvent ${channel}`, () => broker.lastEvent(appId, channel)),
      close: () => broker.close(),
    };
    const publish = (message: BrokerMessage): void => {
      this.published.push(message);
      broker.publish(message);
    };
    const store = new MemoryChannelStore(clock, publish, () => onEdge);
    this.store = {
      occupy: (_appId, channel) => this.#call(`store.occupy ${channel}`, () => {}),
      setSubscriptionCount: (appId, channel, count) => store.setSubscriptionCount(appId, channel, count),
      announceSubscriptionCount: (appId, channel) => store.announceSubscriptionCount(appId, channel),
      summary: (appId, channel) => this.#call(`store.summary ${channel}`, () => store.summary(appId, channel)),
      occupied: (appId, prefix) => this.#call(`store.occupied ${prefix}`, () => store.occupied(appId, prefix)),
      totals: (appId) => this.#call('store.totals', () => store.totals(appId)),
      join: (appId, channel, socketId, member, max) =>
        this.#call(`store.join ${channel}`, () => {
          const join = store.join(appId, channel, socketId, member, max);
          // An answer from afar is a copy.
          return join.outcome === 'joined' ? { ...join, members: [...join.members] } : join;
        }),
      leave: (appId, channel, socketId, userId) =>
        this.#call(`store.leave ${channel}`, () => store.leave(appId, channel, socketId, userId), true),
      members: (appId, channel) => this.#call(`store.members ${channel}`, () => store.members(appId, channel)),
      signIn: (appId, userId, socketId, isAnnounced) =>
        this.#call(`store.signIn ${userId}`, () => store.signIn(appId, userId, socketId, isAnnounced)),
      signOut: (appId, userId, socketId, isAnnounced) =>
        this.#call(`store.signOut ${userId}`, () => store.signOut(appId, userId, socketId, isAnnounced), true),
      online: (appId, userIds) => this.#call('store.online', () => store.online(appId, userIds)),
      userConnectionCount: (appId, userId) =>
        this.#call(`store.userConnectionCount ${userId}`, () => store.userConnectionCount(appId, userId)),
      addConnection: (appId, max) => this.#call('store.addConnection', () => store.addConnection(appId, max), false),
      removeConnection: (appId) => {
        this.calls.push('store.removeConnection');
        store.removeConnection(appId);
      },
      connectionCount: (appId) => this.#call('store.connectionCount', () => store.connectionCount(appId)),
      nodeCount: () => this.#call('store.nodeCount', () => store.nodeCount()),
      revoke: (revocation) => this.#call('store.revoke', () => store.revoke(revocation)),
      revocations: () => this.#call('store.revocations', () => store.revocations()),
      close: () => store.close(),
    };
  }

  /** Answers the oldest waiting call and lets everything run that waited for it. False when none waits. */
  async answer(failure?: Failure): Promise<boolean> {
    const call = this.pending.shift();
    call?.settle(failure);
    await setImmediate();
    return call !== undefined;
  }

  /** Answers everything that waits, and what is asked because of that. */
  async answerAll(): Promise<void> {
    while (await this.answer());
  }

  /** @param isDoneWhenFailed - what the contract says of a call that is answered with an error */
  #call<T>(name: string, effect: () => T, isDoneWhenFailed?: boolean): T | Promise<T> {
    this.calls.push(name);
    if (!this.isSlow) return effect();
    return new Promise<T>((resolve, reject) => {
      this.pending.push({
        name,
        settle: (failure) => {
          const result = !failure || (isDoneWhenFailed ?? failure.isDone) ? effect() : undefined;
          if (failure) reject(failure.error);
          else resolve(result as T);
        },
      });
    });
  }
}
