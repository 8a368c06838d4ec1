import { Turns } from '../../channels/turns.ts';

/**
 * Work for many owners, so much of it at once: what is over that waits, and the owners have their turns. What one has to do delays another by one
 * turn, however much it is. Work of one owner begins in the order in which it was given.
 */
export class FairQueue {
  readonly #maxAtOnce: number;
  #underWay = 0;
  /** What begins the work that waits. */
  readonly #waiting = new Turns<string, () => void>();

  constructor(maxAtOnce: number) {
    this.#maxAtOnce = maxAtOnce;
  }

  /** @returns what comes of the work */
  async run<T>(owner: string, work: () => Promise<T>): Promise<T> {
    if (this.#underWay < this.#maxAtOnce) this.#underWay += 1;
    else await this.#turn(owner);
    try {
      return await work();
    } finally {
      // The place is handed to the next one in the queue, so that newcomers can't get in before.
      if (!this.#beginNext()) this.#underWay -= 1;
    }
  }

  #turn(owner: string): Promise<void> {
    return new Promise((begin) => this.#waiting.add(owner, begin));
  }

  #beginNext(): boolean {
    const turn = this.#waiting.next();
    for (const begin of turn?.items ?? []) begin();
    return turn !== undefined;
  }
}
