import { maskSecrets } from '../config/mask.ts';
import { RedisUnavailable } from './redis-commands.ts';

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

const closed = (): Error => new RedisUnavailable(new Error('the connection was closed'));

/** Whether a link is up, and the listeners to that. */
export class LinkState {
  readonly #onLost: (() => void)[] = [];
  readonly #onRestored: (() => void)[] = [];
  #waiters: Waiter[] = [];
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

  /** @throws {RedisUnavailable} it will never be up again */
  whenUp(): Promise<void> {
    if (this.#isUp) return Promise.resolve();
    if (this.#isClosed) return Promise.reject(closed());
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
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
    this.#lastError = maskSecrets(error.message);
  }

  /** From now on nothing is reported: what happens now is not a loss. */
  close(): void {
    this.#isClosed = true;
    this.#isUp = false;
    this.#lastError = 'the connection was closed';
    for (const { reject } of this.#waiters.splice(0)) reject(closed());
  }

  update(isUp: boolean): void {
    if (isUp === this.#isUp || this.#isClosed) return;
    this.#isUp = isUp;
    if (!isUp) {
      for (const handler of this.#onLost) handler();
      return;
    }
    for (const { resolve } of this.#waiters.splice(0)) resolve();
    if (this.#wasUp) for (const handler of this.#onRestored) handler();
    this.#wasUp = true;
  }
}
