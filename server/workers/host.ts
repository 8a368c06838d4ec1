import type { BrokerMessage, Receivers } from '../../channels/broker.ts';
import type { Clock } from '../../channels/clock.ts';
import type { Edge, OnEdge } from '../../channels/edge.ts';
import { topicOf } from '../../channels/local-channel.ts';
import { MemoryBroker } from '../../channels/memory-broker.ts';
import { MemoryChannelStore } from '../../channels/memory-channel-store.ts';
import { MemoryOutbox, type MemoryOutboxOptions } from '../../channels/memory-outbox.ts';
import { wantsOf } from '../../channels/webhook-wants.ts';
import type { WebhookFilter } from '../../protocol/webhook.ts';
import { local } from './calls.ts';
import { type HostMethods, OUTBOX_CALLS, type OutboxMethods, STORE_CALLS } from './messages.ts';

/** Those of the methods that a worker calls which are about broker, store and outbox. */
export type SeamMethods = Omit<HostMethods, 'usage' | 'shareRates'>;

/** Hands a message to a worker. */
export type Deliver = (message: BrokerMessage) => void;

/** What a host tells a worker. */
export interface HostedWorkerCalls {
  readonly deliver: Deliver;
  /** Hands it a message, and asks how many of its connections received it. Rejects when the worker is gone. */
  readonly deliverCounted: (message: BrokerMessage) => Promise<number>;
  /** Hands it an edge. */
  readonly report: OnEdge;
  readonly wakeOutbox: () => void;
}

/** Joins the workers of one machine: takes all their calls in one order, and hands messages to those that want them. */
export class WorkerHost {
  readonly broker: MemoryBroker;
  readonly store: MemoryChannelStore;
  readonly outbox: MemoryOutbox;
  readonly interests = new Interests<HostedWorker>();
  readonly #workers = new Set<HostedWorker>();
  /** Workers that want to hear of edges. Who is here for longest hears of all, in their order. */
  readonly #edgeListeners = new Set<HostedWorker>();
  /** What happened while all of them were gone; undefined until there was one. */
  #unreported: Edge[] | undefined;
  /** Workers that can work on the outbox. Who is here for longest does. */
  readonly #outboxWorkers = new Set<HostedWorker>();
  /** By app, as a worker told last. */
  readonly #webhooks = new Map<string, readonly WebhookFilter[]>();

  /**
   * @param options - of the outbox; default: ends are not held back from webhooks
   * @throws {JournalError} why the journal of webhooks can't be used
   */
  constructor(clock: Clock, options: Omit<MemoryOutboxOptions, 'wants'> = { graceMs: 0 }) {
    this.outbox = new MemoryOutbox(clock, {
      ...options,
      wants: (appId, channel) => wantsOf(this.#webhooks.get(appId) ?? [], channel),
    });
    this.broker = new MemoryBroker(clock, (appId, event) => this.outbox.append(appId, event));
    this.broker.listen((message) => this.#route(message));
    const onEdge: OnEdge = (edge) => {
      this.outbox.onEdge(edge);
      this.#report(edge);
    };
    this.store = new MemoryChannelStore(
      clock,
      (message) => this.broker.publish(message),
      (appId) => (this.#unreported || this.#webhooks.has(appId) ? onEdge : undefined),
    );
  }

  add(calls: HostedWorkerCalls): HostedWorker {
    const worker = new HostedWorker(this, calls);
    this.#workers.add(worker);
    return worker;
  }

  get workerCount(): number {
    return this.#workers.size;
  }

  listenToEdges(worker: HostedWorker): void {
    this.#edgeListeners.add(worker);
    const unreported = this.#unreported ?? [];
    this.#unreported = [];
    for (const edge of unreported) this.#report(edge);
  }

  noteWebhooks(appId: string, filters: readonly WebhookFilter[]): void {
    if (filters.length > 0) this.#webhooks.set(appId, filters);
    else this.#webhooks.delete(appId);
  }

  workOnOutbox(worker: HostedWorker): void {
    this.#outboxWorkers.add(worker);
    this.outbox.work(() => this.#wakeOutbox());
  }

  worksOnOutbox(worker: HostedWorker): boolean {
    const [first] = this.#outboxWorkers;
    return worker === first;
  }

  leaveOutbox(worker: HostedWorker): void {
    this.#outboxWorkers.delete(worker);
    if (this.#outboxWorkers.size === 0) this.outbox.release();
    else this.#wakeOutbox();
  }

  /** Publishes a message; answered when each worker that has subscribers has handed it on. */
  async publishCounted(message: BrokerMessage): Promise<Receivers> {
    const counting: Promise<number>[] = [];
    this.broker.publish(message, (published) => {
      for (const worker of this.interests.in(published.appId, published.channel)) {
        // Who dies meanwhile takes its connections along.
        counting.push(worker.calls.deliverCounted(published).catch(() => 0));
      }
    });
    const counts = (await Promise.all(counting)).filter((count) => count > 0);
    return { connections: counts.reduce((sum, count) => sum + count, 0), nodes: counts.length };
  }

  forget(worker: HostedWorker): void {
    this.#workers.delete(worker);
    this.leaveOutbox(worker);
    this.interests.forget(worker);
    this.#edgeListeners.delete(worker);
  }

  close(): void {
    this.broker.close();
    this.store.close();
    this.outbox.close();
  }

  #wakeOutbox(): void {
    const [first] = this.#outboxWorkers;
    first?.calls.wakeOutbox();
  }

  #report(edge: Edge): void {
    const [listener] = this.#edgeListeners;
    if (listener) listener.calls.report(edge);
    else this.#unreported?.push(edge);
  }

  #route(message: BrokerMessage): void {
    for (const worker of this.interests.in(message.appId, message.channel)) worker.calls.deliver(message);
  }
}

/** A worker as its host knows it: carries out the worker's calls, and remembers what must go with it. */
export class HostedWorker {
  readonly calls: HostedWorkerCalls;
  readonly methods: SeamMethods;
  readonly #host: WorkerHost;
  readonly #own = new Contributions();

  constructor(host: WorkerHost, calls: HostedWorkerCalls) {
    this.#host = host;
    this.calls = calls;
    this.methods = this.#createMethods();
  }

  /** The worker is gone: its sockets leave everything, and whoever stays hears of it. */
  remove(): void {
    const { store } = this.#host;
    this.#host.forget(this);
    for (const { appId, channel, socketId, userId } of this.#own.members) {
      store.leave(appId, channel, socketId, userId);
    }
    for (const { appId, userId, socketId, isAnnounced } of this.#own.signIns) {
      store.signOut(appId, userId, socketId, isAnnounced);
    }
    for (const { appId, channel, isAnnounced } of [...this.#own.counts()]) {
      this.#setSubscriptionCount(appId, channel, 0);
      if (isAnnounced) store.announceSubscriptionCount(appId, channel);
    }
    for (const [appId, count] of this.#own.connections) {
      for (let removed = 0; removed < count; removed += 1) store.removeConnection(appId);
    }
  }

  #createMethods(): SeamMethods {
    const { broker, store, interests } = this.#host;
    const own = this.#own;
    const publish = (message: BrokerMessage): void => broker.publish(message);
    return {
      subscribe: (appId, channel) => interests.add(this, appId, channel),
      unsubscribe: (appId, channel) => interests.delete(this, appId, channel),
      publish,
      publishKept: publish,
      publishCounted: (message) => this.#host.publishCounted(message),
      // What is undefined to a worker comes as null.
      lastEvent: (appId, channel, name) => broker.lastEvent(appId, channel, name ?? undefined),
      listenToEdges: () => this.#host.listenToEdges(this),
      noteWebhooks: (appId, filters) => this.#host.noteWebhooks(appId, filters),
      ...this.#createOutboxMethods(),

      ...local(() => store, STORE_CALLS),
      nodeCount: () => this.#host.workerCount,
      // With a journal, this is written down before the subscriber is answered, so that the end of all processes loses nothing.
      occupy: (appId, channel) => this.#setSubscriptionCount(appId, channel, 1),
      setSubscriptionCount: (appId, channel, count) => this.#setSubscriptionCount(appId, channel, count),
      announceSubscriptionCount(appId, channel) {
        own.announceCount(appId, channel);
        store.announceSubscriptionCount(appId, channel);
      },
      join(appId, channel, socketId, member, maxMembers) {
        const joined = store.join(appId, channel, socketId, member, maxMembers);
        if (joined.outcome === 'full') return joined;
        own.join(appId, channel, socketId, member.userId);
        return { ...joined, members: [...joined.members] };
      },
      leave(appId, channel, socketId, userId) {
        own.leave(appId, channel, socketId, userId);
        store.leave(appId, channel, socketId, userId);
      },
      signIn(appId, userId, socketId, isAnnounced) {
        own.signIn(appId, userId, socketId, isAnnounced);
        store.signIn(appId, userId, socketId, isAnnounced);
      },
      signOut(appId, userId, socketId, isAnnounced) {
        own.signOut(appId, userId, socketId);
        store.signOut(appId, userId, socketId, isAnnounced);
      },
      addConnection(appId, max) {
        const isAdded = store.addConnection(appId, max);
        if (isAdded) own.addConnections(appId, 1);
        return isAdded;
      },
      removeConnection(appId) {
        own.addConnections(appId, -1);
        store.removeConnection(appId);
      },
    };
  }

  #createOutboxMethods(): OutboxMethods {
    const { outbox } = this.#host;
    return {
      ...local(() => outbox, OUTBOX_CALLS),
      // What is undefined here came as null.
      append: (appId, event, replayed) => outbox.append(appId, event, replayed ?? undefined),
      work: () => this.#host.workOnOutbox(this),
      claim: () => (this.#host.worksOnOutbox(this) ? outbox.claim() : []),
      release: () => this.#host.leaveOutbox(this),
      exhume: (appId, webhookId, ids) => outbox.exhume(appId, webhookId, ids ?? undefined),
      deadLetterCounts: (appId) => [...outbox.deadLetterCounts(appId)],
    };
  }

  /** Workers tell their own numbers, the store keeps the sums. */
  #setSubscriptionCount(appId: string, channel: string, count: number): void {
    const { store } = this.#host;
    const growth = this.#own.setCount(appId, channel, count);
    if (growth === 0) return;
    store.setSubscriptionCount(appId, channel, store.summary(appId, channel).subscriptionCount + growth);
  }
}

/** Who wants which channels. */
class Interests<T> {
  readonly #byTopic = new Map<string, Set<T>>();
  readonly #topicsOf = new Map<T, Set<string>>();

  add(who: T, appId: string, channel: string): undefined {
    const topic = topicOf(appId, channel);
    entry(this.#byTopic, topic).add(who);
    entry(this.#topicsOf, who).add(topic);
  }

  delete(who: T, appId: string, channel: string): void {
    const topic = topicOf(appId, channel);
    this.#topicsOf.get(who)?.delete(topic);
    this.#withdraw(who, topic);
  }

  forget(who: T): void {
    for (const topic of this.#topicsOf.get(who) ?? []) this.#withdraw(who, topic);
    this.#topicsOf.delete(who);
  }

  in(appId: string, channel: string): Iterable<T> {
    return this.#byTopic.get(topicOf(appId, channel)) ?? [];
  }

  #withdraw(who: T, topic: string): void {
    const interested = this.#byTopic.get(topic);
    interested?.delete(who);
    if (interested?.size === 0) this.#byTopic.delete(topic);
  }
}

function entry<K, V>(sets: Map<K, Set<V>>, key: K): Set<V> {
  let set = sets.get(key);
  if (!set) {
    set = new Set();
    sets.set(key, set);
  }
  return set;
}

interface Member {
  readonly appId: string;
  readonly channel: string;
  readonly socketId: string;
  readonly userId: string;
}

interface SignIn {
  readonly appId: string;
  readonly userId: string;
  readonly socketId: string;
  readonly isAnnounced: boolean;
}

interface Count {
  readonly count: number;
  /** The subscribers were told of this number: their app wants that. */
  readonly isAnnounced: boolean;
}

/** What one worker contributed to the facts over all workers, to be taken out when it dies. */
export class Contributions {
  /** Subscriptions by app and channel. */
  readonly #counts = new Map<string, Map<string, Count>>();
  readonly #members = new Map<string, Member>();
  readonly #signIns = new Map<string, SignIn>();
  readonly #connections = new Map<string, number>();

  get members(): Iterable<Member> {
    return this.#members.values();
  }

  get signIns(): Iterable<SignIn> {
    return this.#signIns.values();
  }

  /** By app. */
  get connections(): Iterable<readonly [appId: string, count: number]> {
    return this.#connections;
  }

  *counts(): Generator<{ readonly appId: string; readonly channel: string; readonly isAnnounced: boolean }> {
    for (const [appId, channels] of this.#counts) {
      for (const [channel, { isAnnounced }] of channels) yield { appId, channel, isAnnounced };
    }
  }

  /** @returns by how much the number grew */
  setCount(appId: string, channel: string, count: number): number {
    let channels = this.#counts.get(appId);
    if (!channels) {
      channels = new Map();
      this.#counts.set(appId, channels);
    }
    const former = channels.get(channel)?.count ?? 0;
    // An app may have ceased to want it: what is announced is said anew with every number.
    if (count > 0) channels.set(channel, { count, isAnnounced: false });
    else channels.delete(channel);
    if (channels.size === 0) this.#counts.delete(appId);
    return count - former;
  }

  /** The channel's subscribers are told their number. */
  announceCount(appId: string, channel: string): void {
    const channels = this.#counts.get(appId);
    const own = channels?.get(channel);
    if (own) channels?.set(channel, { ...own, isAnnounced: true });
  }

  join(appId: string, channel: string, socketId: string, userId: string): void {
    this.#members.set(keyOf(appId, channel, socketId, userId), { appId, channel, socketId, userId });
  }

  leave(appId: string, channel: string, socketId: string, userId: string): void {
    this.#members.delete(keyOf(appId, channel, socketId, userId));
  }

  signIn(appId: string, userId: string, socketId: string, isAnnounced: boolean): void {
    this.#signIns.set(keyOf(appId, userId, socketId), { appId, userId, socketId, isAnnounced });
  }

  signOut(appId: string, userId: string, socketId: string): void {
    this.#signIns.delete(keyOf(appId, userId, socketId));
  }

  addConnections(appId: string, count: number): void {
    this.#connections.set(appId, (this.#connections.get(appId) ?? 0) + count);
  }
}

function keyOf(...parts: readonly string[]): string {
  return JSON.stringify(parts);
}
