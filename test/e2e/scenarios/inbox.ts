/** Keeps what came, in order, until a scenario asks for it: nothing is missed and nothing is waited for in vain. */
export class Inbox {
  readonly #items: unknown[] = [];
  readonly #readers: ((item: unknown) => void)[] = [];

  readonly put = (item: unknown): void => {
    const reader = this.#readers.shift();
    if (reader) reader(item);
    else this.#items.push(item);
  };

  next(): Promise<unknown> {
    if (this.#items.length > 0) return Promise.resolve(this.#items.shift());
    return new Promise((resolve) => {
      this.#readers.push(resolve);
    });
  }

  async take(count: number): Promise<unknown[]> {
    const taken: unknown[] = [];
    while (taken.length < count) taken.push(await this.next());
    return taken;
  }
}
