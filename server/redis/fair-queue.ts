/**
 * Work for many owners, so much of it at once: what is over that waits, and the owners have their turns. What one has to do delays another by one
 * turn, however much it is. Work of one owner begins in the order in which it was given.
 */
export class FairQueue {
  readonly #maxAtOnce: number;
  #underWay = 0;
  /** What begins the work that waits, by owner, whose turn it is first. */
  readonly #waiting = new Map<string, Set<() => void>>();

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
    return new Promise((begin) => {
      const waiting = this.#waiting.get(owner) ?? new Set();
      this.#waiting.set(owner, waiting.add(begin));
    });
  }

  #beginNext(): boolean {
    for (const [owner, waiting] of this.#waiting) {
      this.#waiting.delete(owner);
      const [begin] = waiting;
      if (!begin) continue;
      waiting.delete(begin);
      if (waiting.size > 0) this.#waiting.set(owner, waiting);
      begin();
      return true;
    }
    return false;
  }
}

/** Items in turn for each owner, each owner's in their order. */
export function inTurns<T>(items: Iterable<T>, ownerOf: (item: T) => string): T[] {
  const byOwner = new Map<string, T[]>();
  for (const item of items) {
    const own = byOwner.get(ownerOf(item));
    if (own) own.push(item);
    else byOwner.set(ownerOf(item), [item]);
  }
  const turns: T[] = [];
  let queues = [...byOwner.values()];
  for (let turn = 0; queues.length > 0; turn += 1) {
    queues = queues.filter((queue) => turn < queue.length);
    turns.push(...queues.flatMap((queue) => queue.slice(turn, turn + 1)));
  }
  return turns;
}
