import type { Clock } from '../../channels/clock.ts';

interface Task {
  readonly dueMs: number;
  readonly run: () => void;
}

/** A clock whose hands the test turns. */
export class FakeClock implements Clock {
  /** Nothing in a process happens at 0. */
  #elapsedMs = 1000;
  /** When the hands stood at 0. */
  #startMs: number;
  readonly #tasks = new Set<Task>();

  /** @param nowMs - milliseconds since 1970, rounded down to a whole second, because a node checks what is due once per second */
  constructor(nowMs = Date.UTC(2026, 0, 1)) {
    this.#startMs = nowMs - (nowMs % 1000) - this.#elapsedMs;
  }

  /** Tasks that wait for their time. */
  get pending(): number {
    return this.#tasks.size;
  }

  now = (): number => this.#startMs + this.#elapsedMs;

  elapsedMs = (): number => this.#elapsedMs;

  /** Turns of the event loop pass by themselves. */
  nextTurn = (task: () => void): void => void setImmediate(task);

  schedule = (run: () => void, delayMs: number): (() => void) => {
    const task = { dueMs: this.#elapsedMs + delayMs, run };
    this.#tasks.add(task);
    return () => this.#tasks.delete(task);
  };

  /** Lets time pass; each task runs at its own moment, those that it schedules too. */
  advance(ms: number): void {
    const endMs = this.#elapsedMs + ms;
    for (let task = this.#next(endMs); task; task = this.#next(endMs)) {
      this.#elapsedMs = Math.max(this.#elapsedMs, task.dueMs);
      this.#tasks.delete(task);
      task.run();
    }
    this.#elapsedMs = endMs;
  }

  /** Puts the hands forward without running anything, as for a process that is stopped meanwhile. */
  sleep(ms: number): void {
    this.#elapsedMs += ms;
  }

  /** Has somebody set the machine's clock: no time passes. */
  setBy(ms: number): void {
    this.#startMs += ms;
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
