import type { HistogramValue } from './collection.ts';
import { type FamilyName, familyOf } from './families.ts';

/** Counts what is observed by size. */
export class Histogram {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;

  /** @param name - of the family that says the bounds */
  constructor(name: FamilyName) {
    this.#bounds = familyOf(name).bounds ?? [];
    this.#counts = new Array<number>(this.#bounds.length + 1).fill(0);
  }

  observe(value: number): void {
    let index = 0;
    while (index < this.#bounds.length && value > (this.#bounds[index] ?? 0)) index += 1;
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.#sum += value;
  }

  get value(): HistogramValue {
    return { counts: [...this.#counts], sum: this.#sum };
  }
}
