import type { Clock } from './clock.ts';

const TICK_MS = 1000;

/** Runs things when their second has come. Those of one second wait together, and nothing runs while nothing waits. */
export class DueTimes {
  readonly #clock: Clock;
  readonly #failed: (error: unknown) => void;
  readonly #due = new Map<number, Set<() => void>>();
  #cancelTick: (() => void) | undefined;

  /** @param failed - told of one that threw; the others run all the same */
  constructor(clock: Clock, failed: (error: unknown) => void) {
    this.#clock = clock;
    this.#failed = failed;
  }

  /** How many wait. */
  get size(): number {
    return [...this.#due.values()].reduce((sum, tasks) => sum + tasks.size, 0);
  }

  /**
   * @param seconds - since 1970
   * @returns calls it off
   */
  add(seconds: number, run: () => void): () => void {
    const second = Math.ceil(seconds);
    const tasks = this.#due.get(second) ?? new Set();
    this.#due.set(second, tasks.add(run));
    this.#cancelTick ??= this.#clock.schedule(() => this.#tick(), this.#untilNextSecond());
    return () => {
      if (!tasks.delete(run) || tasks.size > 0 || this.#due.get(second) !== tasks) return;
      this.#due.delete(second);
      if (this.#due.size === 0) this.stop();
    };
  }

  stop(): void {
    this.#cancelTick?.();
    this.#cancelTick = undefined;
  }

  #tick(): void {
    const now = this.#clock.now() / 1000;
    for (const [second, tasks] of this.#due) {
      if (second > now) continue;
      this.#due.delete(second);
      for (const run of tasks) this.#run(run);
    }
    this.#cancelTick = undefined;
    if (this.#due.size > 0) this.#cancelTick = this.#clock.schedule(() => this.#tick(), this.#untilNextSecond());
  }

  #run(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Ticks fall on whole seconds, at which tokens end. */
  #untilNextSecond(): number {
    return TICK_MS - (this.#clock.now() % TICK_MS);
  }
}
