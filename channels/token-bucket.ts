/** An allowance that fills up evenly, to a limit. Times are milliseconds of one clock that only grows. */
export class TokenBucket {
  readonly #capacity: number;
  readonly #perMs: number;
  #content: number;
  #filledMs: number;

  /** Full at the beginning. */
  constructor(capacity: number, perSecond: number, nowMs: number) {
    this.#capacity = capacity;
    this.#perMs = perSecond / 1000;
    this.#content = capacity;
    this.#filledMs = nowMs;
  }

  /** Milliseconds until there is so much; 0 when there is. */
  waitFor(count: number, nowMs: number): number {
    this.#fill(nowMs);
    return this.#content >= count ? 0 : (count - this.#content) / this.#perMs;
  }

  /** Takes so much, even if less than nothing is left. */
  take(count: number, nowMs: number): void {
    this.#fill(nowMs);
    this.#content -= count;
  }

  set(content: number, nowMs: number): void {
    this.#content = Math.min(this.#capacity, content);
    this.#filledMs = nowMs;
  }

  #fill(nowMs: number): void {
    this.#content = Math.min(this.#capacity, this.#content + (nowMs - this.#filledMs) * this.#perMs);
    this.#filledMs = nowMs;
  }
}
