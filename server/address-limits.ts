/** Addresses that are remembered for their rate alone. More are forgotten, the oldest first: a flood from many of them must not take the memory. */
const MAX_REMEMBERED = 20_000;

export interface AddressLimitOptions {
  /** Connections that one address may have open; -1: no limit. */
  readonly maxOpen: number;
  /** Connections that one address may open within a second; -1: no limit. */
  readonly maxPerSecond: number;
}

interface Use {
  open: number;
  /** Connections that it may open at once. */
  allowance: number;
  /** When the allowance was right, in milliseconds. */
  atMs: number;
}

/** What clients hold, by address. */
export class AddressLimits {
  readonly #options: AddressLimitOptions;
  readonly #now: () => number;
  readonly #uses = new Map<string, Use>();

  /** @param now - milliseconds of any clock that goes forward */
  constructor(options: AddressLimitOptions, now: () => number) {
    this.#options = options;
    this.#now = now;
  }

  get areSet(): boolean {
    return this.#options.maxOpen >= 0 || this.#options.maxPerSecond >= 0;
  }

  /** Addresses that are remembered. */
  get size(): number {
    return this.#uses.size;
  }

  /** Takes a connection of an address, to be released when it ends. @returns the setting that forbids it, else undefined */
  take(address: string): 'connectionsPerAddress' | 'newConnectionsPerSecondPerAddress' | undefined {
    const use = this.#useOf(address);
    const { maxOpen, maxPerSecond } = this.#options;
    if (maxOpen >= 0 && use.open >= maxOpen) return 'connectionsPerAddress';
    if (maxPerSecond >= 0) {
      const now = this.#now();
      use.allowance = Math.min(use.allowance + ((now - use.atMs) * maxPerSecond) / 1000, maxPerSecond);
      use.atMs = now;
      if (use.allowance < 1) return 'newConnectionsPerSecondPerAddress';
      use.allowance -= 1;
    }
    use.open += 1;
    return undefined;
  }

  release(address: string): void {
    const use = this.#uses.get(address);
    if (!use) return;
    use.open -= 1;
    if (use.open <= 0 && this.#options.maxPerSecond < 0) this.#uses.delete(address);
  }

  #useOf(address: string): Use {
    const known = this.#uses.get(address);
    if (known) return known;
    const use: Use = { open: 0, allowance: this.#options.maxPerSecond, atMs: this.#now() };
    this.#uses.set(address, use);
    if (this.#uses.size > MAX_REMEMBERED) this.#forget(use);
    return use;
  }

  /** Takes out those that have nothing open, down to half of what may be remembered, so that it need not be done soon again. */
  #forget(latest: Use): void {
    for (const [address, use] of this.#uses) {
      if (this.#uses.size <= MAX_REMEMBERED / 2) return;
      if (use.open <= 0 && use !== latest) this.#uses.delete(address);
    }
  }
}
