import { batchesOf } from '../batches.ts';
import type { RedisCommands } from './redis-commands.ts';

/** All that is remembered together, in characters. What is over it goes, the oldest first. */
const MAX_CHARACTERS = 16 * 1024 * 1024;
/** Commands on their way at once. */
const CHUNK = 200;

interface Kept {
  /** Of the channel's position. */
  readonly positionKey: string;
  readonly frame: string;
  readonly position: number;
  /** By `performance.now()`. */
  readonly end: number;
}

/**
 * Last events of cache channels that this node published or heard, so that a Redis that lost its data gets them back.
 */
export class KeptEvents {
  /** By the key in Redis, oldest first. */
  readonly #kept = new Map<string, Kept>();
  #characters = 0;

  /**
   * @param key - see `RedisKeys.lastEvent`
   * @param positionKey - see `RedisKeys.position`
   */
  note(key: string, positionKey: string, frame: string, position: number, seconds: number): void {
    const former = this.#kept.get(key);
    if (former && former.position >= position) return;
    this.#forget(key);
    this.#kept.set(key, { positionKey, frame, position, end: performance.now() + seconds * 1000 });
    this.#characters += frame.length;
    for (const oldest of this.#kept.keys()) {
      if (this.#characters <= MAX_CHARACTERS) return;
      this.#forget(oldest);
    }
  }

  /** Writes those that Redis has no later one of. */
  async giveBack(commands: RedisCommands): Promise<void> {
    const now = performance.now();
    for (const [key, { end }] of this.#kept) if (end <= now) this.#forget(key);
    const entries = [...this.#kept];
    for (const batch of batchesOf(entries, CHUNK)) {
      await Promise.all(
        batch.map(([key, { positionKey, position, frame, end }]) =>
          commands.run('restoreEvent', [key, positionKey], [position, frame, Math.ceil(end - now)]),
        ),
      );
    }
  }

  #forget(key: string): void {
    const kept = this.#kept.get(key);
    if (kept && this.#kept.delete(key)) this.#characters -= kept.frame.length;
  }
}
