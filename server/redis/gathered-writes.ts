/** Changes are gathered for this long before they are written, in milliseconds. */
const GATHER_MS = 50;
const MAX_AT_ONCE = 200;

export interface GatheredWritesParts {
  /** Whether Redis can be written to now. What is marked meanwhile is written when somebody calls `flush` after that. */
  readonly isUp: () => boolean;
  /** Writes what is true of an entry now. It calls `take` when it does, and `note` when that failed. */
  readonly write: (id: string) => Promise<void>;
  /** Whose an entry is: the entries of many are written in turn, so that what one has left to write delays no other. */
  readonly ownerOf: (id: string) => string;
}

/** Entries whose value in Redis is not what this node knows: a thousand changes that come at once cost one write each entry. */
export class GatheredWrites {
  readonly #parts: GatheredWritesParts;
  /** By owner, whose turn it is first; each with its entries and when they were marked, oldest first. */
  readonly #marked = new Map<string, Map<string, number>>();
  /** Marked again by the next `flush`: on their way, or failed. */
  readonly #noted = new Set<string>();
  #marks = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;

  constructor(parts: GatheredWritesParts) {
    this.#parts = parts;
  }

  has(id: string): boolean {
    return this.#noted.has(id) || this.#marked.get(this.#parts.ownerOf(id))?.has(id) === true;
  }

  /** To be written in a moment. */
  mark(id: string): void {
    this.#add(id);
    this.#timer ??= setTimeout(() => void this.flush(), GATHER_MS);
    this.#timer.unref();
  }

  /** To be written with whatever is written next. */
  note(id: string): void {
    this.#noted.add(id);
  }

  /** Whether an entry was to be written: from here on it is as if it were. */
  take(id: string): boolean {
    const isNoted = this.#noted.delete(id);
    const owner = this.#parts.ownerOf(id);
    const entries = this.#marked.get(owner);
    const isMarked = entries?.delete(id) === true;
    if (entries?.size === 0) this.#marked.delete(owner);
    return isNoted || isMarked;
  }

  /** Writes what has changed. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#writing;
    this.#writing = this.#writeAll();
    await this.#writing;
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** All that there is now; what is marked meanwhile has its turns between. */
  async #writeAll(): Promise<void> {
    if (!this.#parts.isUp()) return;
    for (const id of this.#noted) this.#add(id);
    this.#noted.clear();
    const last = this.#marks;
    while (this.#parts.isUp() && this.#hasOlder(last)) {
      await Promise.all(this.#nextTurn().map((id) => this.#parts.write(id)));
    }
  }

  #hasOlder(last: number): boolean {
    for (const entries of this.#marked.values()) {
      for (const mark of entries.values()) {
        if (mark <= last) return true;
        break;
      }
    }
    return false;
  }

  /** One entry of each owner after the other, as many as are written at once. */
  #nextTurn(): string[] {
    const ids: string[] = [];
    // An owner that is put at the end comes again in the same round.
    for (const [owner, entries] of this.#marked) {
      const [id] = entries.keys();
      this.#marked.delete(owner);
      if (id === undefined) continue;
      entries.delete(id);
      if (entries.size > 0) this.#marked.set(owner, entries);
      ids.push(id);
      this.#noted.add(id);
      if (ids.length === MAX_AT_ONCE) break;
    }
    return ids;
  }

  #add(id: string): void {
    const owner = this.#parts.ownerOf(id);
    const entries = this.#marked.get(owner) ?? new Map<string, number>();
    this.#marked.set(owner, entries);
    if (entries.has(id)) return;
    this.#marks += 1;
    entries.set(id, this.#marks);
  }
}
