import { Turns } from '../../channels/turns.ts';

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
  readonly #marked = new Turns<string, string>();
  /** Marked again by the next `flush`: on their way, or failed. */
  readonly #noted = new Set<string>();
  /** Marked before the writing that is under way began. */
  readonly #due = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;

  constructor(parts: GatheredWritesParts) {
    this.#parts = parts;
  }

  has(id: string): boolean {
    return this.#noted.has(id) || this.#marked.hasItem(this.#parts.ownerOf(id), id);
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
    this.#due.delete(id);
    return this.#marked.remove(this.#parts.ownerOf(id), id) || isNoted;
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
    this.#due.clear();
    for (const id of this.#marked.items()) this.#due.add(id);
    while (this.#parts.isUp() && this.#due.size > 0) {
      await Promise.all(this.#nextTurn().map((id) => this.#parts.write(id)));
    }
  }

  /** One entry of each owner after the other, as many as are written at once. */
  #nextTurn(): string[] {
    const ids: string[] = [];
    while (ids.length < MAX_AT_ONCE) {
      const [id] = this.#marked.next()?.items ?? [];
      if (id === undefined) break;
      ids.push(id);
      this.#due.delete(id);
      this.#noted.add(id);
    }
    return ids;
  }

  #add(id: string): void {
    this.#marked.add(this.#parts.ownerOf(id), id);
  }
}
