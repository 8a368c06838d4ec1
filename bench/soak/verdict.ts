import type { SoakSample } from './sample.ts';

/** What must not grow. */
interface Bound {
  readonly id: keyof SoakSample;
  readonly title: string;
  readonly unit: string;
  readonly divisor: number;
  /** Growth over the second half that is still flat: the larger of a share of the mean and an amount. */
  readonly share: number;
  readonly amount: number;
}

const BOUNDS: readonly Bound[] = [
  { id: 'residentBytes', title: 'resident memory', unit: 'MB', divisor: 1e6, share: 0.03, amount: 4e6 },
  { id: 'heapBytes', title: 'heap after collecting garbage', unit: 'MB', divisor: 1e6, share: 0.03, amount: 1e6 },
  {
    id: 'externalBytes',
    title: 'memory of Buffers and native objects',
    unit: 'MB',
    divisor: 1e6,
    share: 0.03,
    amount: 1e6,
  },
  { id: 'openFiles', title: 'open files', unit: '', divisor: 1, share: 0.02, amount: 5 },
  { id: 'resources', title: 'timers, sockets and requests of Node.js', unit: '', divisor: 1, share: 0.05, amount: 5 },
  { id: 'connections', title: 'connections, as the broker counts', unit: '', divisor: 1, share: 0.02, amount: 5 },
  { id: 'channels', title: 'channels, as the broker counts', unit: '', divisor: 1, share: 0.03, amount: 10 },
];

/** How one of them behaved in the second half, in its unit. */
export interface Trend {
  readonly title: string;
  readonly unit: string;
  readonly start: number;
  readonly half: number;
  readonly end: number;
  /** Of a straight line through the second half, from its start to its end. */
  readonly growth: number;
  /** What would still be flat. */
  readonly allowed: number;
  readonly isFlat: boolean;
}

/** @param samples - under load, in their order */
export function trendsOf(samples: readonly SoakSample[]): Trend[] {
  const half = Math.floor(samples.length / 2);
  const second = samples.slice(half);
  return BOUNDS.map(({ id, title, unit, divisor, share, amount }) => {
    const values = second.map((sample) => sample[id]);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const growth =
      slope(
        second.map(({ minutes }) => minutes),
        values,
      ) * span(second);
    const allowed = Math.max(share * mean, amount);
    return {
      title,
      unit,
      start: (samples[0]?.[id] ?? Number.NaN) / divisor,
      half: (second[0]?.[id] ?? Number.NaN) / divisor,
      end: (second.at(-1)?.[id] ?? Number.NaN) / divisor,
      growth: growth / divisor,
      allowed: allowed / divisor,
      isFlat: growth <= allowed,
    };
  });
}

function span(samples: readonly SoakSample[]): number {
  return (samples.at(-1)?.minutes ?? 0) - (samples[0]?.minutes ?? 0);
}

/** Of the straight line with the least squares. */
function slope(xs: readonly number[], ys: readonly number[]): number {
  const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanX, meanY] = [meanOf(xs), meanOf(ys)];
  const spread = xs.reduce((sum, x) => sum + (x - meanX) ** 2, 0);
  if (spread === 0) return 0;
  return xs.reduce((sum, x, index) => sum + (x - meanX) * ((ys[index] ?? meanY) - meanY), 0) / spread;
}
