import { APP_LABEL, FAMILY_NAMES, type Family, type FamilyName, familyOf } from './families.ts';

/** What a histogram has counted: by bucket, the last one without a bound, and the sum of what was observed. */
export interface HistogramValue {
  readonly counts: readonly number[];
  readonly sum: number;
}

export type MetricValue = number | HistogramValue;

/** Values of the family's labels, in their order, and the value. */
export type Sample = readonly [labels: readonly string[], value: MetricValue];

/** What one process has counted. Plain JSON. */
export type Snapshot = { readonly [Name in FamilyName]?: readonly Sample[] };

/** Says one value. What is said several times for the same labels adds up, or as the family wants it. */
export type Put = (name: FamilyName, labels: readonly string[], value: MetricValue) => void;

/** Says what it has counted. */
export type MetricSource = (put: Put) => void;

/** Apps that have a name in metrics. */
export const MAX_APPS = 1000;
export const OTHER_APPS = 'other';

/** Gives the first apps their own name, for good, and all further ones the same: there are at most so many time series. */
export class AppNames {
  readonly #named = new Set<string>();
  readonly #max: number;

  constructor(max = MAX_APPS) {
    this.#max = max;
  }

  of(appId: string): string {
    if (this.#named.has(appId) || appId === '') return appId;
    if (this.#named.size >= this.#max) return OTHER_APPS;
    this.#named.add(appId);
    return appId;
  }
}

/** Values of several sources, put together. */
export class Collection {
  readonly #names: AppNames;
  readonly #families = new Map<FamilyName, Map<string, Sample>>();

  constructor(names: AppNames) {
    this.#names = names;
  }

  readonly put: Put = (name, labels, value) => {
    const family = familyOf(name);
    const named = family.labels[0] === APP_LABEL ? [this.#names.of(labels[0] ?? ''), ...labels.slice(1)] : labels;
    const samples = this.#samples(name);
    const key = named.join('\0');
    const former = samples.get(key);
    samples.set(key, [named, former ? together(family, former[1], value) : value]);
  };

  add(snapshot: Snapshot): void {
    for (const name of FAMILY_NAMES) {
      for (const [labels, value] of snapshot[name] ?? []) this.put(name, labels, value);
    }
  }

  /** Adds what does not go away with the process that counted it. */
  addLasting(snapshot: Snapshot): void {
    for (const name of FAMILY_NAMES) {
      if (familyOf(name).type === 'gauge') continue;
      for (const [labels, value] of snapshot[name] ?? []) this.put(name, labels, value);
    }
  }

  samples(name: FamilyName): readonly Sample[] {
    return [...(this.#families.get(name)?.values() ?? [])];
  }

  snapshot(): Snapshot {
    return Object.fromEntries([...this.#families.keys()].map((name) => [name, this.samples(name)]));
  }

  #samples(name: FamilyName): Map<string, Sample> {
    let samples = this.#families.get(name);
    if (!samples) {
      samples = new Map();
      this.#families.set(name, samples);
    }
    return samples;
  }
}

function together({ over = 'sum' }: Family, one: MetricValue, other: MetricValue): MetricValue {
  if (typeof one !== 'number' && typeof other !== 'number') {
    return {
      counts: one.counts.map((count, index) => count + (other.counts[index] ?? 0)),
      sum: one.sum + other.sum,
    };
  }
  if (typeof one !== 'number' || typeof other !== 'number') return other;
  switch (over) {
    case 'sum':
      return one + other;
    case 'max':
      return Math.max(one, other);
    case 'min':
      return Math.min(one, other);
  }
}
