import { AppNames, Collection, type Snapshot } from './collection.ts';

interface Counted {
  /** What it said last. */
  snapshot: Snapshot;
}

/** The numbers of workers, those that are gone included: what they counted stays, so that no counter goes back. */
export class WorkerTotals<Worker extends object> {
  readonly #names = new AppNames();
  readonly #gone = new Collection(this.#names);
  readonly #latest = new Map<Worker, Counted>();
  #restarts = 0;

  /** A worker has said its numbers. One that is gone by now has said them too late: they may have been counted already. */
  note(worker: Worker, snapshot: Snapshot): void {
    const known = this.#latest.get(worker);
    if (known) known.snapshot = snapshot;
  }

  began(worker: Worker): void {
    this.#latest.set(worker, { snapshot: {} });
  }

  /** @param isReplaced - it ended by itself, and another takes its place */
  ended(worker: Worker, isReplaced: boolean): void {
    const known = this.#latest.get(worker);
    if (!known) return;
    this.#latest.delete(worker);
    this.#gone.addLasting(known.snapshot);
    if (isReplaced) this.#restarts += 1;
  }

  /** The sum; of a worker that has no time to answer, with what it said last. */
  total(): Snapshot {
    const all = new Collection(this.#names);
    all.add(this.#gone.snapshot());
    for (const { snapshot } of this.#latest.values()) all.add(snapshot);
    all.put('kulkul_worker_restarts_total', [], this.#restarts);
    return all.snapshot();
  }
}
