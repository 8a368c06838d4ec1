import type { Subscriber } from './subscriber.ts';

/**
 * Many subscribers that read in turns, so that the load generator is not what is measured: the others leave what comes to the
 * kernel meanwhile. It must fit into the kernel's buffers.
 */
export class Turns {
  readonly #groups: readonly (readonly Subscriber[])[];
  #reading: readonly Subscriber[] = [];
  #turn = 0;

  /** @param turns - how many it takes until everybody had one */
  constructor(subscribers: readonly Subscriber[], turns: number) {
    this.#groups = Array.from({ length: turns }, (_, turn) => subscribers.filter((_, index) => index % turns === turn));
    for (const subscriber of subscribers) subscriber.pause();
  }

  /** Lets the next group read, until this is called again. */
  next(): void {
    for (const subscriber of this.#reading) subscriber.pause();
    this.#reading = this.#groups[this.#turn % this.#groups.length] ?? [];
    this.#turn += 1;
    for (const subscriber of this.#reading) subscriber.resume();
  }

  /** Lets everybody read until each has received so many frames. What is lost shows by a measurement that does not end. */
  async catchUp(expected: number): Promise<void> {
    const all = this.#groups.flat();
    for (const subscriber of all) subscriber.resume();
    while (all.some(({ received }) => received < expected)) await new Promise((resolve) => setImmediate(resolve));
    for (const subscriber of all) subscriber.pause();
    this.#reading = [];
  }
}
