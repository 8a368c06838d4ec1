/** Average and 95th percentile of the last so many values; undefined where there is none. */
export class Statistics {
  readonly #values: number[] = [];
  readonly #capacity: number;
  count = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  add(value: number): void {
    this.count += 1;
    this.#values.push(value);
    if (this.#values.length > this.#capacity) this.#values.shift();
  }

  get average(): number | undefined {
    if (this.#values.length === 0) return undefined;
    return this.#values.reduce((sum, value) => sum + value, 0) / this.#values.length;
  }

  /** The least value that 95 of 100 do not exceed. */
  get p95(): number | undefined {
    const sorted = [...this.#values].sort((a, b) => a - b);
    return sorted[Math.ceil(sorted.length * 0.95) - 1];
  }
}
