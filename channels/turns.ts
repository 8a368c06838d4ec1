/**
 * Items that wait, each for its owner. Owners have their turns one after the other, so that what one has waiting delays another by one turn, however
 * much it is. Items of one owner keep their order.
 */
export class Turns<Owner, Item> {
  /** Whose turn it is first. */
  readonly #waiting = new Map<Owner, Set<Item>>();

  has(owner: Owner): boolean {
    return this.#waiting.has(owner);
  }

  hasItem(owner: Owner, item: Item): boolean {
    return this.#waiting.get(owner)?.has(item) === true;
  }

  /** Of all owners, in no order that means anything. */
  *items(): Generator<Item, void> {
    for (const items of this.#waiting.values()) yield* items;
  }

  /** Behind the owner's others; one that waits already keeps its place. */
  add(owner: Owner, item: Item): void {
    const items = this.#waiting.get(owner);
    if (items) items.add(item);
    else this.#waiting.set(owner, new Set([item]));
  }

  /** @returns whether it was there */
  remove(owner: Owner, item: Item): boolean {
    const items = this.#waiting.get(owner);
    const isThere = items?.delete(item) === true;
    if (items?.size === 0) this.#waiting.delete(owner);
    return isThere;
  }

  /** Takes out all that an owner has. */
  removeAll(owner: Owner): void {
    this.#waiting.delete(owner);
  }

  /**
   * Takes out what the next owner has, and puts it behind the others with the rest.
   *
   * @param most - how many items at once
   * @returns undefined when nothing waits
   */
  next(most = 1): { readonly owner: Owner; readonly items: readonly Item[] } | undefined {
    for (const [owner, waiting] of this.#waiting) {
      this.#waiting.delete(owner);
      const items: Item[] = [];
      for (const item of waiting) {
        if (items.length === most) break;
        waiting.delete(item);
        items.push(item);
      }
      if (waiting.size > 0) this.#waiting.set(owner, waiting);
      return { owner, items };
    }
    return undefined;
  }
}

/** Items in turn for each owner, each owner's in their order. */
export function inTurns<T>(items: Iterable<T>, ownerOf: (item: T) => string): T[] {
  const turns = new Turns<string, T>();
  for (const item of items) turns.add(ownerOf(item), item);
  const ordered: T[] = [];
  for (let turn = turns.next(); turn; turn = turns.next()) ordered.push(...turn.items);
  return ordered;
}
