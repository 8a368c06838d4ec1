/**
 * Sends a batch on its way.
 *
 * @param sent - to be called when the other side's system has it, or never will
 * @returns false when so much waits already that more should not be sent before `sent`
 */
export type Post<T> = (batch: readonly T[], sent: () => void) => boolean;

/**
 * Collects messages for another process, and sends those of one turn of the event loop together: a message by itself costs more
 * than its content, here and wherever it goes.
 */
export class Outbox<T> {
  readonly #post: Post<T>;
  readonly #flush = (): void => this.#send();
  #waiting: T[] = [];
  #departure: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;

  constructor(post: Post<T>) {
    this.#post = post;
  }

  put(message: T): void {
    if (this.#waiting.length === 0) setImmediate(this.#flush);
    this.#waiting.push(message);
  }

  /** Resolves when all that was put so far is on its way and, if the other side is slow, more may follow. */
  get departed(): Promise<void> {
    if (!this.#departure) {
      let resolve = (): void => {};
      const promise = new Promise<void>((done) => {
        resolve = done;
      });
      this.#departure = { promise, resolve };
    }
    return this.#departure.promise;
  }

  #send(): void {
    const batch = this.#waiting;
    const departure = this.#departure;
    this.#waiting = [];
    this.#departure = undefined;
    const depart = (): void => departure?.resolve();
    if (this.#post(batch, depart)) depart();
  }
}
