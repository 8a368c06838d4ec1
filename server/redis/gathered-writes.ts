/** Changes are gathered for this long before they are written, in milliseconds. */
const GATHER_MS = 50;
const MAX_AT_ONCE = 200;

export interface GatheredWritesParts {
  /** Whether Redis can be written to now. What is marked meanwhile is written when somebody calls `flush` after that. */
  readonly isUp: () => boolean;
  /** Writes what is true of an entry now. It calls `take` when it does, and `note` when that failed. */
  readonly write: (id: string) => Promise<void>;
}

/** Entries whose value in Redis is not what this node knows: a thousand changes that come at once cost one write each entry. */
export class GatheredWrites {
  readonly #parts: GatheredWritesParts;
  readonly #changed = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;

  constructor(parts: GatheredWritesParts) {
    this.#parts = parts;
  }

  has(id: string): boolean {
    return this.#changed.has(id);
  }

  /** To be written in a moment. */
  mark(id: string): void {
    this.#changed.add(id);
    this.#timer ??= setTimeout(() => void this.flush(), GATHER_MS);
    this.#timer.unref();
  }

  /** To be written with whatever is written next. */
  note(id: string): void {
    this.#changed.add(id);
  }

  /** Whether an entry was to be written: from here on it is as if it were. */
  take(id: string): boolean {
    return this.#changed.delete(id);
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

  async #writeAll(): Promise<void> {
    if (!this.#parts.isUp()) return;
    const ids = [...this.#changed];
    for (let start = 0; start < ids.length; start += MAX_AT_ONCE) {
      await Promise.all(ids.slice(start, start + MAX_AT_ONCE).map((id) => this.#parts.write(id)));
    }
  }
}
