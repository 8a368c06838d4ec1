/** Whether a link is up, and who wants to know. */
export class LinkState {
  readonly #onLost: (() => void)[] = [];
  readonly #onRestored: (() => void)[] = [];
  #waiters: (() => void)[] = [];
  #isUp = false;
  #wasUp = false;
  #isClosed = false;
  #lastError = 'not connected yet';

  get isUp(): boolean {
    return this.#isUp;
  }

  /** Why it is not up, for people; undefined when it is. */
  get problem(): string | undefined {
    return this.#isUp ? undefined : `Redis is away (${this.#lastError})`;
  }

  whenUp(): Promise<void> {
    if (this.#isUp) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiters.push(resolve);
    });
  }

  onLost(handler: () => void): void {
    this.#onLost.push(handler);
  }

  onRestored(handler: () => void): void {
    this.#onRestored.push(handler);
  }

  /** Notes the latest thing that went wrong. */
  note(error: Error): void {
    this.#lastError = error.message;
  }

  /** From here on nobody is told of anything: what happens now is no loss. */
  close(): void {
    this.#isClosed = true;
    this.#isUp = false;
    this.#lastError = 'the connection was closed';
  }

  update(isUp: boolean): void {
    if (isUp === this.#isUp || this.#isClosed) return;
    this.#isUp = isUp;
    if (!isUp) {
      for (const handler of this.#onLost) handler();
      return;
    }
    for (const resolve of this.#waiters.splice(0)) resolve();
    if (this.#wasUp) for (const handler of this.#onRestored) handler();
    this.#wasUp = true;
  }
}
