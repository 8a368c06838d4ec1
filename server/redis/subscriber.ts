import type { Redis } from 'ioredis';
import { batchesOf } from '../batches.ts';
import { keySlot } from './keys.ts';

export interface SubscriberEvents {
  message(topic: string, payload: string): void;
  /** The connection was lost: messages may be missing from now on. */
  lost(): void;
  /** It is back, and all topics are subscribed again. */
  restored(): void;
}

/** Topics per SUBSCRIBE command when all of them are renewed. */
const CHUNK = 500;

/** One connection in subscriber mode, which renews its topics after a loss. */
export class Subscriber {
  readonly client: Redis;
  readonly #isSharded: boolean;
  readonly #events: SubscriberEvents;
  /** Topic → the latest call that subscribed to it. */
  readonly #topics = new Map<string, symbol>();
  #isLost = false;

  /**
   * @param client - made with `autoResubscribe: false`, so that this class knows when topics are back
   * @param isSharded - SSUBSCRIBE, for Redis Cluster
   */
  constructor(client: Redis, isSharded: boolean, events: SubscriberEvents) {
    this.client = client;
    this.#isSharded = isSharded;
    this.#events = events;
    client.on(isSharded ? 'smessage' : 'message', (topic: string, payload: string) => events.message(topic, payload));
    client.on('close', () => this.#lose());
    client.on('ready', () => void this.#restore());
  }

  get isReady(): boolean {
    return !this.#isLost && this.client.status === 'ready';
  }

  async subscribe(topic: string): Promise<void> {
    const call = Symbol(topic);
    this.#topics.set(topic, call);
    try {
      await this.#send([topic]);
    } catch (error) {
      // Unless it was subscribed to again in the meantime; that must not be lost.
      if (this.#topics.get(topic) === call) this.#topics.delete(topic);
      throw error;
    }
  }

  async unsubscribe(topic: string): Promise<void> {
    this.#topics.delete(topic);
    if (this.#isSharded) await this.client.sunsubscribe(topic);
    else await this.client.unsubscribe(topic);
  }

  /** Answered after every message that Redis had sent before. */
  async barrier(): Promise<void> {
    await this.client.ping(); // answered in order with the messages
  }

  close(): void {
    this.client.disconnect();
  }

  #lose(): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.#events.lost();
  }

  async #restore(): Promise<void> {
    if (!this.#isLost) return;
    try {
      const topics = [...this.#topics.keys()];
      for (const batch of batchesOf(topics, CHUNK)) await this.#send(batch);
      this.#isLost = false;
      this.#events.restored();
    } catch {
      // The next 'ready' starts over.
      if (this.client.status === 'ready') this.client.disconnect(true);
    }
  }

  async #send(topics: readonly string[]): Promise<void> {
    if (this.#isSharded) {
      // A sharded SUBSCRIBE takes topics of one slot only: those of a partition.
      const bySlot = new Map<number, string[]>();
      for (const topic of topics) {
        const slot = keySlot(topic);
        const ofSlot = bySlot.get(slot);
        if (ofSlot) ofSlot.push(topic);
        else bySlot.set(slot, [topic]);
      }
      await Promise.all(Array.from(bySlot.values(), (ofSlot) => this.client.ssubscribe(...ofSlot)));
    } else {
      await this.client.subscribe(...topics);
    }
  }
}
