import type { Clock } from '../../channels/clock.ts';
import type { Outbox } from '../../channels/outbox.ts';

export interface PartitionParts {
  readonly outbox: Outbox;
  readonly clock: Clock;
  /** Told of what the outbox could not be told now; it will be again. */
  readonly failed: (error: unknown) => void;
}

/** A partition of the outbox, as this node works on it: how far it was read, and which webhooks its entries wait for. */
export class Partition {
  readonly number: number;
  /** Of the last entry that was read. */
  lastId = '';
  isReading = false;
  /** There may be more than was there when it was read. */
  hasMore = true;
  /** It is another node's. */
  isLost = false;
  readonly #parts: PartitionParts;
  /** Entry → the webhooks that don't have it yet. */
  readonly #missing = new Map<string, readonly string[]>();
  #told: (readonly [id: string, webhookId: string])[] = [];
  #removed: string[] = [];
  #isFlushDue = false;
  #flushing: Promise<void> | undefined;

  constructor(number: number, parts: PartitionParts) {
    this.number = number;
    this.#parts = parts;
  }

  /** The outbox does not know yet what became of some entries. */
  get isUnsettled(): boolean {
    return this.#told.length > 0 || this.#removed.length > 0 || this.#flushing !== undefined;
  }

  /** @param webhookIds - of those that are to have the entry; none: it is done with */
  expect(id: string, webhookIds: readonly string[]): void {
    if (webhookIds.length > 0) {
      this.#missing.set(id, webhookIds);
      return;
    }
    this.#removed.push(id);
    this.#flushSoon();
  }

  isExpected(id: string, webhookId: string): boolean {
    return this.#missing.get(id)?.includes(webhookId) ?? false;
  }

  /** A webhook has the entry, or is never to have it. */
  settle(id: string, webhookId: string): void {
    const missing = this.#missing.get(id)?.filter((other) => other !== webhookId) ?? [];
    if (missing.length > 0) {
      this.#missing.set(id, missing);
      this.#told.push([id, webhookId]);
    } else {
      this.#missing.delete(id);
      this.#removed.push(id);
    }
    this.#flushSoon();
  }

  /** Tells the outbox. What can't be told now is kept for the next time. */
  async flush(): Promise<void> {
    while (this.#flushing) await this.#flushing;
    if (!this.isUnsettled) return;
    this.#flushing = this.#flush();
    await this.#flushing;
    this.#flushing = undefined;
  }

  /** Once for all that happens in this turn. */
  #flushSoon(): void {
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    this.#parts.clock.nextTurn(() => {
      this.#isFlushDue = false;
      void this.flush();
    });
  }

  async #flush(): Promise<void> {
    const { outbox, failed } = this.#parts;
    const told = this.#told;
    const removed = this.#removed;
    this.#told = [];
    this.#removed = [];
    const isRemoved = new Set(removed);
    const notes = told.map(async ([id, webhookId]) => {
      if (isRemoved.has(id)) return;
      try {
        await outbox.noteTold(this.number, id, webhookId);
      } catch (error) {
        this.#told.push([id, webhookId]);
        failed(error);
      }
    });
    try {
      if (removed.length > 0) await outbox.remove(this.number, removed);
    } catch (error) {
      this.#removed.push(...removed);
      failed(error);
    }
    await Promise.all(notes);
  }
}
