import type { Subscriber } from './subscriber.ts';

/** Starts one unit of work, and calls `done` when it was answered. Its deliveries are told by `delivered`. */
export type Send = (index: number, done: () => void) => void;

/**
 * A closed loop: so many units of work at once, and the next as soon as everybody has got all of those before.
 */
export class Waves {
  readonly #send: Send;
  readonly #deliveriesEach: number;
  #sent = 0;
  #unanswered = 0;
  #received = 0;
  #atOnce = 1;
  #endsMs = 0;
  #onQuiet: (() => void) | undefined;

  /** @param deliveriesEach - frames that come of one unit, at all receivers together; at least 1 */
  constructor(deliveriesEach: number, send: Send) {
    this.#deliveriesEach = deliveriesEach;
    this.#send = send;
  }

  /** Units that were sent so far. */
  get sent(): number {
    return this.#sent;
  }

  delivered(frames: number): void {
    this.#received += frames;
    this.#pump();
  }

  /** @returns units, all of whose deliveries have arrived */
  async run(atOnce: number, durationMs: number): Promise<number> {
    const sentBefore = this.#sent;
    this.#atOnce = atOnce;
    this.#endsMs = performance.now() + durationMs;
    await new Promise<void>((resolve) => {
      this.#onQuiet = resolve;
      this.#pump();
    });
    return this.#sent - sentBefore;
  }

  #pump(): void {
    if (this.#unanswered > 0 || this.#received < this.#sent * this.#deliveriesEach) return;
    if (performance.now() < this.#endsMs) {
      this.#unanswered = this.#atOnce;
      for (let count = 0; count < this.#atOnce; count += 1) {
        this.#sent += 1;
        this.#send(this.#sent - 1, this.#onAnswer);
      }
    } else {
      this.#onQuiet?.();
      this.#onQuiet = undefined;
    }
  }

  readonly #onAnswer = (): void => {
    this.#unanswered -= 1;
    this.#pump();
  };
}

/**
 * Nobody missed anything, nobody got anything twice.
 *
 * @throws {Error} somebody did
 */
export function checkReceived(subscribers: readonly Pick<Subscriber, 'received'>[], expected: number): void {
  const wrong = subscribers.find(({ received }) => received !== expected);
  if (wrong) throw new Error(`a subscriber got ${wrong.received} frames instead of ${expected}`);
}
