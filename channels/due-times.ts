import type { Clock } from './clock.ts';

const TICK_MS = 1000;

/**
 * Whatever waits for its second, by the calendar or by the time that passes. Things of one second wait together, one timer serves them all, and nothing runs
 * while nothing waits. What is due costs something, what waits costs nothing.
 */
export class DueTimes {
  readonly #clock: Clock;
  readonly #failed: (error: unknown) => void;
  readonly #queues: Pick<DueQueue<unknown>, 'isEmpty' | 'runDue'>[] = [];
  readonly #calendar: DueQueue<() => void>;
  #nowSeconds = 0;
  #passedSeconds = 0;
  #cancelTick: (() => void) | undefined;

  /** @param failed - told of one that threw; the others run all the same */
  constructor(clock: Clock, failed: (error: unknown) => void) {
    this.#clock = clock;
    this.#failed = failed;
    this.#calendar = this.#create(
      () => clock.now() / 1000,
      (run) => run(),
    );
  }

  /** Seconds of the clock's `elapsedMs` as of the last tick: exact enough for most, and free. */
  get nowSeconds(): number {
    if (!this.#cancelTick) this.#nowSeconds = this.#elapsedSeconds();
    return this.#nowSeconds;
  }

  /** Between the last tick and the one before: many, when the process was stopped for a while. */
  get passedSeconds(): number {
    return this.#passedSeconds;
  }

  /** How many wait for a moment of the calendar. */
  get size(): number {
    return this.#calendar.size;
  }

  /**
   * @param seconds - since 1970
   * @returns calls it off
   */
  add(seconds: number, run: () => void): () => void {
    const second = Math.ceil(seconds);
    this.#calendar.add(second, run);
    return () => this.#calendar.delete(second, run);
  }

  /**
   * A queue of things that wait for their second by `nowSeconds`.
   *
   * @param run - called with each when it is due
   */
  queue<T>(run: (item: T) => void): DueQueue<T> {
    return this.#create(() => this.#nowSeconds, run);
  }

  stop(): void {
    this.#cancelTick?.();
    this.#cancelTick = undefined;
  }

  #create<T>(now: () => number, run: (item: T) => void): DueQueue<T> {
    const queue = new DueQueue<T>(now, run, {
      failed: this.#failed,
      filled: () => this.#start(),
      emptied: () => {
        if (this.#isEmpty) this.stop();
      },
    });
    this.#queues.push(queue);
    return queue;
  }

  #start(): void {
    if (this.#cancelTick) return;
    this.#nowSeconds = this.#elapsedSeconds();
    this.#schedule();
  }

  #tick(): void {
    const last = this.#nowSeconds;
    this.#nowSeconds = Math.max(last, this.#elapsedSeconds());
    this.#passedSeconds = this.#nowSeconds - last;
    this.#cancelTick = undefined;
    for (const queue of this.#queues) queue.runDue();
    if (!this.#isEmpty) this.#start();
  }

  get #isEmpty(): boolean {
    return this.#queues.every(({ isEmpty }) => isEmpty);
  }

  /** Ticks fall on whole seconds of the calendar, at which tokens end. */
  #schedule(): void {
    this.#cancelTick = this.#clock.schedule(() => this.#tick(), TICK_MS - (this.#clock.now() % TICK_MS));
  }

  #elapsedSeconds(): number {
    return Math.floor(this.#clock.elapsedMs() / 1000);
  }
}

interface QueueEvents {
  failed(error: unknown): void;
  filled(): void;
  emptied(): void;
}

/** Things that wait, by the second in which they are due. */
export class DueQueue<T> {
  readonly #now: () => number;
  readonly #run: (item: T) => void;
  readonly #events: QueueEvents;
  readonly #due = new Map<number, Set<T>>();

  constructor(now: () => number, run: (item: T) => void, events: QueueEvents) {
    this.#now = now;
    this.#run = run;
    this.#events = events;
  }

  /** How many wait. */
  get size(): number {
    let size = 0;
    for (const items of this.#due.values()) size += items.size;
    return size;
  }

  get isEmpty(): boolean {
    return this.#due.size === 0;
  }

  add(second: number, item: T): void {
    const items = this.#due.get(second);
    if (items) items.add(item);
    else this.#due.set(second, new Set([item]));
    this.#events.filled();
  }

  /** Takes one back. Kept until they are due, those of clients that come and go would fill the memory. */
  delete(second: number, item: T): void {
    const items = this.#due.get(second);
    if (!items?.delete(item) || items.size > 0) return;
    this.#due.delete(second);
    this.#events.emptied();
  }

  clear(): void {
    this.#due.clear();
    this.#events.emptied();
  }

  runDue(): void {
    const now = this.#now();
    for (const [second, items] of this.#due) {
      if (second > now) continue;
      // One that is due may call off another, or add one.
      for (const item of items) {
        items.delete(item);
        try {
          this.#run(item);
        } catch (error) {
          this.#events.failed(error);
        }
      }
      // The last of them may have been called off, and another added since, for the same second.
      if (items.size === 0 && this.#due.get(second) === items) this.#due.delete(second);
    }
  }
}
