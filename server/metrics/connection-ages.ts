import type { Clock } from '../../channels/clock.ts';
import type { Connection } from '../../channels/connection.ts';
import type { MetricSource } from './collection.ts';
import { AGES } from './families.ts';
import { Histogram } from './histogram.ts';

/** How long connections have been open, and had been when they ended. Nothing is kept for a single one. */
export class ConnectionAges {
  readonly #clock: Pick<Clock, 'elapsedMs'>;
  /** How many of those that opened in each minute of the clock are open. */
  readonly #byMinute = new Map<number, number>();
  readonly #lifetimes = new Histogram('kulkul_connection_lifetime_seconds');

  constructor(clock: Pick<Clock, 'elapsedMs'>) {
    this.#clock = clock;
  }

  opened(connection: Pick<Connection, 'openedSeconds'>): void {
    const minute = minuteOf(connection);
    this.#byMinute.set(minute, (this.#byMinute.get(minute) ?? 0) + 1);
  }

  closed(connection: Pick<Connection, 'openedSeconds'>): void {
    const minute = minuteOf(connection);
    const left = (this.#byMinute.get(minute) ?? 1) - 1;
    if (left > 0) this.#byMinute.set(minute, left);
    else this.#byMinute.delete(minute);
    this.#lifetimes.observe(Math.max(0, this.#nowSeconds - connection.openedSeconds));
  }

  readonly put: MetricSource = (put) => {
    const counts = AGES.map(() => 0);
    for (const [minute, open] of this.#byMinute) {
      const age = this.#nowSeconds - minute * 60;
      const index = AGES.findIndex(([limit]) => age <= limit);
      counts[index] = (counts[index] ?? 0) + open;
    }
    for (const [index, [, age]] of AGES.entries()) put('kulkul_connections_by_age', [age], counts[index] ?? 0);
    put('kulkul_connection_lifetime_seconds', [], this.#lifetimes.value);
  };

  get #nowSeconds(): number {
    return this.#clock.elapsedMs() / 1000;
  }
}

function minuteOf({ openedSeconds }: Pick<Connection, 'openedSeconds'>): number {
  return Math.floor(openedSeconds / 60);
}
