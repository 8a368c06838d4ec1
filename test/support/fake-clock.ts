import type { Clock } from '../../channels/clock.ts';

interface Task {
  readonly dueMs: number;
  readonly run: () => void;
}

/** A clock whose hands the test turns. */
export class FakeClock implements Clock {
  #nowMs: number;
  readonly #tasks = new Set<Task>();

  /** @param nowMs - milliseconds since 1970 */
  constructor(nowMs = Date.UTC(2026, 0, 1)) {
    this.#nowMs = nowMs;
  }

  /** Tasks that wait for their time. */
  get pending(): number {
    return this.#tasks.size;
  }

  now = (): number => this.#nowMs;

  schedule = (run: () => void, delayMs: number): (() => void) => {
    const task = { dueMs: this.#nowMs + delayMs, run };
    this.#tasks.add(task);
    return () => this.#tasks.delete(task);
  };

  /** Lets time pass; each task runs at its own moment, those that it schedules too. */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (let task = this.#next(endMs); task; task = this.#next(endMs)) {
      this.#nowMs = Math.max(this.#nowMs, task.dueMs);
      this.#tasks.delete(task);
      task.run();
    }
    this.#nowMs = endMs;
  }

  /** Puts the hands forward without running anything, as for a process that is stopped meanwhile. */
  sleep(ms: number): void {
    this.#nowMs += ms;
  }

  /** The earliest task due by then; of several at once the one scheduled first. */
  #next(endMs: number): Task | undefined {
    let next: Task | undefined;
    for (const task of this.#tasks) {
      if (task.dueMs <= endMs && (!next || task.dueMs < next.dueMs)) next = task;
    }
    return next;
  }
}
