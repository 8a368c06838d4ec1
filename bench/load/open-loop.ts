import { build, type Histogram } from 'hdr-histogram-js';
import type { HttpConnection } from './http-connection.ts';
import type { Subscriber } from './subscriber.ts';

export interface OpenLoopOptions {
  /** Without a request under way. */
  readonly connections: readonly HttpConnection[];
  /** The request for an event, by its number. Event n is for channel n modulo `channels`. */
  readonly requestOf: (event: number) => Buffer;
  readonly channels: number;
  /** Looks at the clock all the time, which takes a core of its own; else once in a millisecond. */
  readonly spins: boolean;
  /** Called over and over, with how many events were due so far, as a fraction. */
  readonly onTick?: (due: number) => void;
}

/** Latencies of one run, in milliseconds, from when an event was due to when a subscriber had it. */
export interface Latencies {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
  readonly deliveries: number;
}

interface Timed {
  readonly subscriber: Subscriber;
  readonly channel: number;
  /** What it had received when the run began. */
  base: number;
}

/**
 * Publishes at fixed times, whatever becomes of the events before. Latency counts from when an event was due, not from when
 * it could be sent at last: a server that stalls is charged for all who waited (no coordinated omission).
 */
export class OpenLoop {
  readonly #options: OpenLoopOptions;
  readonly #timed = new Map<Subscriber, Timed>();
  #histogram: Histogram | undefined;
  #idle: HttpConnection[] = [];
  #startMs = 0;
  #intervalMs = 1;
  #events = 0;
  #sent = 0;
  #answered = 0;
  #awaited = 0;

  constructor(options: OpenLoopOptions) {
    this.#options = options;
  }

  /** Its deliveries are timed from the next run on. */
  time(subscriber: Subscriber, channel: number): void {
    this.#timed.set(subscriber, { subscriber, channel, base: 0 });
  }

  /** To be called with what subscribers get; those that are not timed are passed over. */
  delivered(frames: number, subscriber: Subscriber): void {
    const timed = this.#timed.get(subscriber);
    if (!timed || !this.#histogram) return;
    const nowMs = performance.now();
    this.#awaited -= frames;
    for (let number = subscriber.received - frames; number < subscriber.received; number += 1) {
      const event = (number - timed.base) * this.#options.channels + timed.channel;
      const dueMs = this.#startMs + event * this.#intervalMs;
      this.#histogram.recordValue(Math.max(1, Math.round(1000 * (nowMs - dueMs))));
    }
  }

  /** @returns when all that was published has been answered and delivered to those that are timed; each channel got as many */
  async run(perSecond: number, durationMs: number): Promise<{ events: number; latencies: Latencies }> {
    const { channels, connections } = this.#options;
    // In microseconds, up to ten minutes.
    this.#histogram = build({
      lowestDiscernibleValue: 1,
      highestTrackableValue: 6e8,
      numberOfSignificantValueDigits: 3,
    });
    this.#idle = [...connections];
    this.#events = Math.ceil((perSecond * durationMs) / 1000 / channels) * channels;
    this.#sent = 0;
    this.#answered = 0;
    this.#awaited = (this.#events / channels) * this.#timed.size;
    for (const timed of this.#timed.values()) timed.base = timed.subscriber.received;
    this.#intervalMs = 1000 / perSecond;
    this.#startMs = performance.now();
    await new Promise<void>((resolve) => this.#turn(resolve));
    if (this.#awaited < 0) throw new Error('a subscriber got more than was published');
    const latencies = latenciesOf(this.#histogram);
    this.#histogram = undefined;
    return { events: this.#events, latencies };
  }

  #turn(onEnd: () => void): void {
    this.#send();
    this.#options.onTick?.((performance.now() - this.#startMs) / this.#intervalMs);
    if (this.#answered === this.#events && this.#awaited <= 0) {
      onEnd();
      return;
    }
    if (this.#options.spins) setImmediate(() => this.#turn(onEnd));
    else setTimeout(() => this.#turn(onEnd), 1);
  }

  #send(): void {
    const nowMs = performance.now();
    while (this.#sent < this.#events && this.#startMs + this.#sent * this.#intervalMs <= nowMs) {
      // The one that has rested longest, so that several nodes get the same share.
      const connection = this.#idle.shift();
      if (!connection) return;
      connection.request(this.#options.requestOf(this.#sent), () => {
        this.#answered += 1;
        this.#idle.push(connection);
        this.#send();
      });
      this.#sent += 1;
    }
  }
}

function latenciesOf(histogram: Histogram): Latencies {
  const at = (percentile: number): number => histogram.getValueAtPercentile(percentile) / 1000;
  return {
    p50: at(50),
    p95: at(95),
    p99: at(99),
    p999: at(99.9),
    max: histogram.maxValue / 1000,
    deliveries: histogram.totalCount,
  };
}
