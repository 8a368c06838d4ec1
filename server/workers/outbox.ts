/**
 * Sends a batch on its way.
 *
 * @param sent - to be called when the other side's system has it, or never will
 * @returns false when so much waits already that more should not be sent before `sent`
 */
export type Post<T> = (batch: readonly T[], sent: () => void) => boolean;

/** Collects messages for another process, and sends those of a moment together: a message by itself costs more than its content. */
export class Outbox<T> {
  readonly #post: Post<T>;
  readonly #schedule: (flush: () => void) => void;
  readonly #flush = (): void => this.flush();
  #waiting: T[] = [];
  #backlog: Promise<void> | undefined;

  /** @param schedule - has `flush` called soon, which says how long a moment is */
  constructor(post: Post<T>, schedule: (flush: () => void) => void) {
    this.#post = post;
    this.#schedule = schedule;
  }

  /** Resolves when the other side has caught up; undefined while it does. */
  get backlog(): Promise<void> | undefined {
    return this.#backlog;
  }

  put(message: T): void {
    if (this.#waiting.length === 0) this.#schedule(this.#flush);
    this.#waiting.push(message);
  }

  flush(): void {
    if (this.#waiting.length === 0) return;
    const batch = this.#waiting;
    this.#waiting = [];
    let isSent = (): void => {};
    const sent = new Promise<void>((resolve) => {
      isSent = resolve;
    });
    if (this.#post(batch, () => isSent())) return;
    this.#backlog = sent;
    void sent.then(() => {
      if (this.#backlog === sent) this.#backlog = undefined;
    });
  }
}
