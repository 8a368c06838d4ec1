import { CLAIM_MS } from '../../channels/outbox.ts';
import { PARTITIONS, type RedisKeys } from './keys.ts';
import type { RedisLink } from './redis-link.ts';

/** What is known of a partition that this node has. */
export interface OwnPartition {
  /** Id in the stream of the last entry that was read; '' for none. */
  readTo: string;
  /** There may be more to read. */
  hasMore: boolean;
  cancelDue: (() => void) | undefined;
}

export interface OutboxShareParts {
  readonly link: RedisLink;
  readonly keys: RedisKeys;
  /** By which this node claims. */
  readonly workerId: string;
  /** There may be more to read in a partition after so many milliseconds. */
  readonly due: (partition: number, delayMs: number) => void;
}

/** This node's share of the partitions: those whose outbox it works on. All nodes that work have as many as each other, give or take one. */
export class OutboxShare {
  readonly #parts: OutboxShareParts;
  readonly #own = new Map<number, OwnPartition>();
  #claiming: Promise<void> | undefined;

  constructor(parts: OutboxShareParts) {
    this.#parts = parts;
  }

  get(partition: number): OwnPartition | undefined {
    return this.#own.get(partition);
  }

  get partitions(): readonly number[] {
    return [...this.#own.keys()];
  }

  /** Renews what this node has, gives others what is more than its share, and takes what is free. */
  claim(): Promise<void> {
    this.#claiming ??= this.#claim().finally(() => {
      this.#claiming = undefined;
    });
    return this.#claiming;
  }

  async release(): Promise<void> {
    await this.#claiming?.catch(() => {});
    const { link, keys, workerId } = this.#parts;
    const own = this.partitions;
    for (const partition of own) this.drop(partition);
    await link.commands.do((client) => client.zrem(keys.workers(), workerId));
    await Promise.all(own.map((partition) => this.#release(partition)));
  }

  /** Another node has it. */
  drop(partition: number): void {
    this.#own.get(partition)?.cancelDue?.();
    this.#own.delete(partition);
  }

  async #claim(): Promise<void> {
    const { link, keys, workerId } = this.#parts;
    const answer = (await link.commands.run('shareOutbox', [keys.workers()], [workerId, CLAIM_MS])) as string[];
    const workers = answer.sort();
    const rank = workers.indexOf(workerId);
    const share = Math.floor(PARTITIONS / workers.length) + (rank < PARTITIONS % workers.length ? 1 : 0);
    const own = this.partitions;
    const excess = own.slice(share);
    for (const partition of excess) this.drop(partition);
    await Promise.all([
      ...excess.map((partition) => this.#release(partition)),
      ...own.slice(0, share).map((partition) => this.#take(partition)),
    ]);
    // Each node begins elsewhere, so that they seldom try the same.
    const begin = Math.floor((rank * PARTITIONS) / workers.length);
    const others = Array.from({ length: PARTITIONS }, (_, index) => (begin + index) % PARTITIONS).filter(
      (partition) => !this.#own.has(partition) && !excess.includes(partition),
    );
    while (this.#own.size < share && others.length > 0) {
      await Promise.all(others.splice(0, share - this.#own.size).map((partition) => this.#take(partition)));
    }
  }

  async #take(partition: number): Promise<void> {
    const { link, keys, workerId, due } = this.#parts;
    const claimKeys = [keys.worker(partition), keys.outbox(partition), keys.due(partition)];
    const answer = await link.commands.run('claimPartition', claimKeys, [workerId, CLAIM_MS]);
    if (answer === null) {
      this.drop(partition);
      return;
    }
    const [lastId, dueMs] = answer as [string, number];
    let own = this.#own.get(partition);
    if (!own) {
      own = { readTo: '', hasMore: false, cancelDue: undefined };
      this.#own.set(partition, own);
    }
    if (dueMs >= 0) due(partition, dueMs);
    if (isAfter(lastId, own.readTo)) due(partition, 0);
  }

  async #release(partition: number): Promise<void> {
    const { link, keys, workerId } = this.#parts;
    await link.commands.run('releasePartition', [keys.worker(partition)], [workerId]);
  }
}

/** Whether an id of a stream, `milliseconds-number`, is after another; '' is before all. */
export function isAfter(id: string, other: string): boolean {
  const [ms, number] = partsOf(id);
  const [otherMs, otherNumber] = partsOf(other);
  return ms > otherMs || (ms === otherMs && number > otherNumber);
}

function partsOf(id: string): [ms: number, number: number] {
  const dash = id.indexOf('-');
  return [Number(id.slice(0, Math.max(0, dash))), Number(id.slice(dash + 1))];
}
