const FIRST_MS = 100;
const LONGEST_MS = 10_000;
/** Whoever lived so long did not die of how it was started. */
const HEALTHY_MS = 30_000;

/** How long to wait before something that died is started again: longer each time, unless it was well in between. */
export class Backoff {
  #delayMs = FIRST_MS;
  #startedMs: number | undefined;

  started(nowMs: number): void {
    this.#startedMs = nowMs;
  }

  /** @returns milliseconds to wait */
  ended(nowMs: number): number {
    if (this.#startedMs !== undefined && nowMs - this.#startedMs >= HEALTHY_MS) this.#delayMs = FIRST_MS;
    this.#startedMs = undefined;
    const delayMs = this.#delayMs;
    this.#delayMs = Math.min(2 * delayMs, LONGEST_MS);
    return delayMs;
  }
}
