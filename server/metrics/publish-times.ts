import type { Clock } from '../../channels/clock.ts';
import type { MetricSource } from './collection.ts';
import { Histogram } from './histogram.ts';
import { Sampler } from './sampler.ts';

export interface PublishTimesParts {
  readonly clock: Pick<Clock, 'elapsedMs' | 'nextTurn'>;
  /** Milliseconds since 1970, by the clock that all nodes have in common. */
  readonly now: () => number;
  /** Messages come by way of Redis. */
  readonly isRemote: boolean;
}

/** How long events take from being published to being sent. Only some are timed: what it costs does not grow with their number. */
export class PublishTimes {
  readonly #parts: PublishTimesParts;
  readonly #publish = new Histogram('kulkul_publish_seconds');
  readonly #lag = new Histogram('kulkul_broker_lag_seconds');
  /** Those that were handed on in this turn of the event loop. */
  #inThisTurn: number[] = [];
  readonly #sampler: Sampler;

  constructor(parts: PublishTimesParts) {
    this.#parts = parts;
    this.#sampler = new Sampler(parts.clock);
  }

  /** The time of an event that is published now, if it is one of those that are timed. */
  readonly stamp = (): number | undefined => (this.#sampler.next() === undefined ? undefined : this.#parts.now());

  /**
   * An event was handed to the native fan-out, which sends it at the end of the turn.
   *
   * @param isHeldBack - it waited for others here, which is no lag of the broker
   */
  handedOn(publishedMs: number, isHeldBack: boolean): void {
    const { clock, now, isRemote } = this.#parts;
    if (isRemote && !isHeldBack) this.#lag.observe(secondsBetween(publishedMs, now()));
    if (this.#inThisTurn.length === 0) clock.nextTurn(() => this.#flushed());
    this.#inThisTurn.push(publishedMs);
  }

  readonly put: MetricSource = (put) => {
    put('kulkul_publish_seconds', [], this.#publish.value);
    put('kulkul_broker_lag_seconds', [], this.#lag.value);
  };

  #flushed(): void {
    const now = this.#parts.now();
    for (const publishedMs of this.#inThisTurn) this.#publish.observe(secondsBetween(publishedMs, now));
    this.#inThisTurn = [];
  }
}

/** Clocks of two machines may differ by more than a message takes. */
function secondsBetween(earlierMs: number, laterMs: number): number {
  return Math.max(0, laterMs - earlierMs) / 1000;
}
