import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { timeOf } from './dom.ts';

export interface Series {
  readonly label: string;
  /** A CSS variable of the look: `--accent`. */
  readonly color: string;
  /** For a line that may lie on another one: both are seen. */
  readonly isDashed?: boolean;
}

export interface PlotOptions {
  /** Points that are kept. */
  readonly capacity?: number;
  readonly unit?: string;
  /** Of the values; as wide as they are, unless it is given. */
  readonly range?: readonly [least: number, most: number] | 'from zero';
}

/** Labels tell whole seconds: between two of them there is no other. */
const SECONDS_APART = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600];

/** Lines over time, for the last so many points. Its size and colours follow the page. */
export class LivePlot {
  readonly #place: HTMLElement;
  readonly #series: readonly Series[];
  readonly #capacity: number;
  readonly #options: PlotOptions;
  readonly #data: (number | null)[][];
  #plot: uPlot | undefined;
  #isDue = false;

  constructor(place: HTMLElement, series: readonly Series[], options: PlotOptions = {}) {
    this.#place = place;
    this.#series = series;
    this.#capacity = options.capacity ?? 300;
    this.#options = options;
    this.#data = [[], ...series.map(() => [])];
    place.classList.add('plot');
    const draw = (): void => {
      this.#plot?.destroy();
      this.#plot = this.#create();
    };
    draw();
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
    new ResizeObserver(() => this.#plot?.setSize(this.#size())).observe(place);
  }

  /** @param atMs - milliseconds since 1970; the values in the order of the series */
  add(atMs: number, ...values: readonly (number | null)[]): void {
    for (const [index, value] of [atMs / 1000, ...values].entries()) {
      const line = this.#data[index];
      line?.push(value);
      if (line && line.length > this.#capacity) line.shift();
    }
    this.#drawSoon();
  }

  /** Once per frame, and not within the event: what comes next would have to wait for it. */
  #drawSoon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    requestAnimationFrame(() => {
      this.#isDue = false;
      this.#plot?.setData(this.#data as uPlot.AlignedData);
    });
  }

  /** How many points there are. */
  get length(): number {
    return this.#data[0]?.length ?? 0;
  }

  #create(): uPlot {
    const { unit = '', range } = this.#options;
    const axis = { stroke: colour('--muted'), grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false } };
    return new uPlot(
      {
        ...this.#size(),
        ...(range && { scales: { y: { range: range === 'from zero' ? fromZero : [...range] } } }),
        cursor: { drag: { x: false, y: false } },
        hooks: { setLegend: [(plot) => showInLegend(plot, this.length - 1)] },
        series: [
          { label: 'Time', value: (_, seconds) => (seconds === null ? '–' : timeOf(seconds * 1000)) },
          ...this.#series.map(({ label, color, isDashed }) => ({
            label,
            stroke: colour(color),
            width: 2,
            ...(isDashed && { dash: [6, 6] }),
            points: { show: false },
            value: (_: uPlot, value: number | null) => (value === null ? '–' : `${round(value)}${unit}`),
          })),
        ],
        axes: [
          {
            ...axis,
            space: 70,
            size: 30,
            incrs: SECONDS_APART,
            values: (_, ticks) => ticks.map((tick) => timeOf(tick * 1000)),
          },
          { ...axis, size: 56, values: (_, ticks) => ticks.map((tick) => `${tick}${unit}`) },
        ],
      },
      this.#data as uPlot.AlignedData,
      this.#place,
    );
  }

  #size(): { width: number; height: number } {
    return { width: Math.max(200, this.#place.clientWidth), height: 200 };
  }
}

/** A hook: with no pointer over the plot, its legend tells the values at an index, such as the last ones. */
export function showInLegend(plot: uPlot, index: number): void {
  const isPointedAt = (plot.cursor.left ?? -1) >= 0;
  if (!isPointedAt && index >= 0) plot.setLegend({ idx: index }, false);
}

function fromZero(_: uPlot, _least: number, most: number): uPlot.Range.MinMax {
  return [0, most > 0 ? most * 1.1 : 1];
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

/** What a variable of the look comes to, as a canvas takes it. */
export function colour(variable: string): string {
  const probe = document.body.appendChild(document.createElement('i'));
  probe.style.color = `var(${variable})`;
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
