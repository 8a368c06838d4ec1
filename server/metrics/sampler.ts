import type { Clock } from '../../channels/clock.ts';

/** Between two of a sample. */
const APART_MS = 20;
/** A look at the clock may take as long as all the rest that is counted: where very much happens, it is looked at for one of so many. */
const MAX_SKIPPED = 16;

/** Chooses what is timed: 50 per second at most, and everything that comes singly. */
export class Sampler {
  readonly #clock: Pick<Clock, 'elapsedMs'>;
  #dueMs = 0;
  /** Those that are passed over before the clock is looked at again. */
  #left = 0;
  #skipped = 0;

  constructor(clock: Pick<Clock, 'elapsedMs'>) {
    this.#clock = clock;
  }

  /** @returns the time by the clock's `elapsedMs`, if what begins now is one of the sample */
  next(): number | undefined {
    if (this.#left > 0) {
      this.#left -= 1;
      return undefined;
    }
    const nowMs = this.#clock.elapsedMs();
    if (nowMs < this.#dueMs) {
      this.#skipped = Math.min(MAX_SKIPPED, 2 * this.#skipped + 1);
      this.#left = this.#skipped;
      return undefined;
    }
    this.#skipped = Math.floor(this.#skipped / 2);
    this.#dueMs = nowMs + APART_MS;
    return nowMs;
  }
}
