import type { Redis } from 'ioredis';
import { batchesOf } from '../batches.ts';
import { keySlot } from './keys.ts';
import { Subscriber } from './subscriber.ts';

/** A master of the cluster with our connection for its topics. */
interface Shard {
  readonly subscriber: Subscriber;
}

interface Topic {
  readonly slot: number;
  /** Where it is subscribed, or being subscribed; messages from other masters are ignored. */
  shard: Shard | undefined;
}

export interface ClusterTopicsEvents {
  message(topic: string, payload: string): void;
  /** `isReady` may have changed. */
  changed(): void;
  /** The cluster changed: the slots must be read again. */
  stale(): void;
}

/** Topics subscribed at once while they move. */
const CHUNK = 500;

/** Sharded topics: each on the connection to the master that has its slot, moved along when the slot moves. */
export class ClusterTopics {
  readonly #createClient: (node: string) => Redis;
  readonly #events: ClusterTopicsEvents;
  readonly #topics = new Map<string, Topic>();
  /** By `host:port`. */
  readonly #shards = new Map<string, Shard>();
  /** Slot → `host:port` of its master. */
  #owners: readonly (string | undefined)[] = [];
  #isComplete = false;
  /** Topics that are subscribed in the wrong place, or nowhere any more. */
  readonly #misplaced = new Map<Topic, string>();

  constructor(createClient: (node: string) => Redis, events: ClusterTopicsEvents) {
    this.#createClient = createClient;
    this.#events = events;
  }

  /** All slots have a master, all masters are connected to, and all topics are where they belong. */
  get isReady(): boolean {
    return (
      this.#isComplete &&
      this.#misplaced.size === 0 &&
      [...this.#shards.values()].every((shard) => shard.subscriber.isReady)
    );
  }

  *clients(): Generator<Redis> {
    for (const { subscriber } of this.#shards.values()) yield subscriber.client;
  }

  /** @param owners - slot → `host:port` of its master, for all 16 384 */
  assign(owners: readonly (string | undefined)[]): void {
    this.#owners = owners;
    this.#isComplete = owners.length === 16_384 && !owners.includes(undefined);
    const nodes = new Set(owners);
    for (const node of nodes) {
      if (node !== undefined && !this.#shards.has(node)) this.#shards.set(node, this.#createShard(node));
    }
    for (const [name, topic] of this.#topics) {
      if (topic.shard !== this.#shardOf(topic)) this.#misplaced.set(topic, name);
    }
    void this.#move();
    for (const [node, shard] of this.#shards) {
      if (nodes.has(node)) continue;
      this.#shards.delete(node);
      shard.subscriber.close();
    }
    this.#events.changed();
  }

  async subscribe(name: string): Promise<void> {
    const topic: Topic = { slot: keySlot(name), shard: undefined };
    this.#topics.set(name, topic);
    try {
      await this.#place(name, topic);
    } catch (error) {
      if (this.#topics.get(name) === topic) this.#forget(name, topic);
      throw error;
    }
  }

  async unsubscribe(name: string): Promise<void> {
    const topic = this.#topics.get(name);
    if (!topic) return;
    this.#forget(name, topic);
    await topic.shard?.subscriber.unsubscribe(name);
  }

  async barrier(): Promise<void> {
    await Promise.all([...this.#shards.values()].map(({ subscriber }) => subscriber.barrier()));
  }

  close(): void {
    for (const { subscriber } of this.#shards.values()) subscriber.close();
  }

  #createShard(node: string): Shard {
    const client = this.#createClient(node);
    const shard: Shard = {
      subscriber: new Subscriber(client, true, {
        message: (name, payload) => {
          if (this.#topics.get(name)?.shard === shard) this.#events.message(name, payload);
        },
        lost: () => {
          this.#events.changed();
          this.#events.stale();
        },
        restored: () => this.#events.changed(),
      }),
    };
    client.on('ready', () => this.#events.changed());
    // The master no longer has the slot of a topic. Which one is not said, so all of this master's are looked at.
    client.on('moved', () => {
      for (const [name, topic] of this.#topics) if (topic.shard === shard) this.#misplaced.set(topic, name);
      this.#events.changed();
      this.#events.stale();
    });
    return shard;
  }

  #shardOf({ slot }: Topic): Shard | undefined {
    const node = this.#owners[slot];
    return node === undefined ? undefined : this.#shards.get(node);
  }

  #forget(name: string, topic: Topic): void {
    this.#topics.delete(name);
    this.#misplaced.delete(topic);
  }

  /** Subscribes a topic where it belongs, and leaves where it was. */
  async #place(name: string, topic: Topic): Promise<void> {
    const before = topic.shard;
    const shard = this.#shardOf(topic);
    if (!shard) throw new Error(`no master has slot ${topic.slot}`);
    // From now on only messages of the new one count: none arrives twice, and a missed one shows in the positions.
    topic.shard = shard;
    if (before && before !== shard) before.subscriber.unsubscribe(name).catch(() => {});
    await shard.subscriber.subscribe(name);
    if (topic.shard === shard) this.#misplaced.delete(topic);
  }

  /** Brings all topics to where they belong; what fails is tried again when the slots were read the next time. */
  async #move(): Promise<void> {
    const misplaced = [...this.#misplaced];
    for (const batch of batchesOf(misplaced, CHUNK)) {
      await Promise.allSettled(
        batch.map(async ([topic, name]) => {
          if (this.#misplaced.has(topic)) await this.#place(name, topic);
        }),
      );
    }
    if (this.#misplaced.size > 0) this.#events.stale();
    else if (misplaced.length > 0) this.#events.changed();
  }
}
