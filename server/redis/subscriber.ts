import type { Redis } from 'ioredis';

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
  readonly #redis: Redis;
  readonly #isSharded: boolean;
  readonly #events: SubscriberEvents;
  readonly #topics = new Set<string>();
  #isLost = false;

  /**
   * @param redis - made with `autoResubscribe: false`, so that this class knows when topics are back
   * @param isSharded - SSUBSCRIBE, for Redis Cluster
   */
  constructor(redis: Redis, isSharded: boolean, events: SubscriberEvents) {
    this.#redis = redis;
    this.#isSharded = isSharded;
    this.#events = events;
    redis.on(isSharded ? 'smessage' : 'message', (topic: string, payload: string) => events.message(topic, payload));
    redis.on('close', () => this.#lose());
    redis.on('ready', () => void this.#restore());
  }

  get isReady(): boolean {
    return !this.#isLost && this.#redis.status === 'ready';
  }

  async subscribe(topic: string): Promise<void> {
    this.#topics.add(topic);
    try {
      await this.#send([topic]);
    } catch (error) {
      this.#topics.delete(topic);
      throw error;
    }
  }

  async unsubscribe(topic: string): Promise<void> {
    this.#topics.delete(topic);
    if (this.#isSharded) await this.#redis.sunsubscribe(topic);
    else await this.#redis.unsubscribe(topic);
  }

  /** Answered after every message that Redis had sent before. */
  async barrier(): Promise<void> {
    await this.#redis.ping(); // answered in order with the messages
  }

  close(): void {
    this.#redis.disconnect();
  }

  #lose(): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.#events.lost();
  }

  async #restore(): Promise<void> {
    if (!this.#isLost) return;
    try {
      const topics = [...this.#topics];
      for (let start = 0; start < topics.length; start += CHUNK) await this.#send(topics.slice(start, start + CHUNK));
      this.#isLost = false;
      this.#events.restored();
    } catch {
      // Lost again: the next 'ready' starts over.
    }
  }

  async #send(topics: readonly string[]): Promise<void> {
    if (this.#isSharded) {
      // A sharded SUBSCRIBE takes topics of one slot only.
      await Promise.all(topics.map((topic) => this.#redis.ssubscribe(topic)));
    } else {
      await this.#redis.subscribe(...topics);
    }
  }
}
