import type { Clock } from '../../channels/clock.ts';
import type { MetricSource } from './collection.ts';
import { Histogram } from './histogram.ts';

const ASK_MS = 2000;
/** Of so many answers, the quickest says best how far the clocks are apart. */
const KEPT = 15;

interface Reading {
  readonly roundTripMs: number;
  /** By which the clock of Redis is ahead. */
  readonly offsetMs: number;
}

/** The clock that all nodes have in common: that of Redis, where there is one, read now and then; else that of the machine. */
export class RedisClock {
  readonly #clock: Clock;
  /** Unlike the machine's time it has fractions, and is not set while the process runs. */
  readonly #beginMs: number;
  readonly #roundTrips = new Histogram('kulkul_redis_round_trip_seconds');
  #readings: Reading[] = [];
  #offsetMs = 0;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#beginMs = clock.now() - clock.elapsedMs();
  }

  /** Milliseconds since 1970. */
  now(): number {
    return this.#beginMs + this.#clock.elapsedMs() + this.#offsetMs;
  }

  /** @param time - asks Redis for its time in milliseconds since 1970; undefined: there is no Redis */
  start(time: (() => Promise<number>) | undefined): void {
    if (!time) return;
    this.#cancel = this.#clock.schedule(() => this.start(time), ASK_MS);
    void this.#read(time);
  }

  stop(): void {
    this.#cancel?.();
  }

  readonly put: MetricSource = (put) => put('kulkul_redis_round_trip_seconds', [], this.#roundTrips.value);

  async #read(time: () => Promise<number>): Promise<void> {
    const startedMs = this.#clock.elapsedMs();
    try {
      const redisMs = await time();
      const roundTripMs = this.#clock.elapsedMs() - startedMs;
      this.#roundTrips.observe(roundTripMs / 1000);
      const offsetMs = redisMs - (this.#beginMs + startedMs + roundTripMs / 2);
      this.#readings = [...this.#readings, { roundTripMs, offsetMs }].slice(-KEPT);
      const best = this.#readings.reduce((one, other) => (other.roundTripMs < one.roundTripMs ? other : one));
      this.#offsetMs = best.offsetMs;
    } catch {
      // That Redis is away is told elsewhere.
    }
  }
}
