/*
 * A line over time that tells the truth: where nothing came for longer than `gapAfterMs` there is a gap, and with `rememberAs` the points of the last
 * minutes are there again when the page is opened anew. Points from elsewhere (a history that a server sends) are added like any others, oldest first.
 */
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
  /** Points that are further apart, in milliseconds, are not joined: in between there was an outage. */
  readonly gapAfterMs?: number;
  /** A name under which the browser keeps the points. */
  readonly rememberAs?: string;
  readonly range?: readonly [least: number, most: number] | 'from zero' | SharedScale;
}

/** Points that are remembered are no older than this. */
const MEMORY_MS = 10 * 60_000;

/** One scale for several plots, whose lines can be compared then: from zero to the most that any of them shows. */
export class SharedScale {
  readonly #most = new Map<object, number>();
  readonly #plots = new Map<object, () => void>();

  add(plot: object, redraw: () => void): void {
    this.#plots.set(plot, redraw);
  }

  /** @param most - of the plot's values */
  rangeOf(plot: object, most: number): uPlot.Range.MinMax {
    const before = this.#top;
    this.#most.set(plot, most);
    if (this.#top !== before) for (const [other, redraw] of this.#plots) if (other !== plot) redraw();
    return fromZero(undefined, 0, this.#top);
  }

  get #top(): number {
    return Math.max(0, ...this.#most.values());
  }
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
    if (options.range instanceof SharedScale) options.range.add(this, () => this.#drawSoon());
    this.#remember();
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
    const { gapAfterMs = Number.POSITIVE_INFINITY } = this.#options;
    const lastMs = this.lastAtMs;
    if (lastMs !== undefined && atMs - lastMs > gapAfterMs) this.gap();
    this.#push(atMs, values);
    this.#drawSoon();
  }

  /** What comes from now on is not joined to what was before: the page was cut off. */
  gap(): void {
    const { lastAtMs } = this;
    if (lastAtMs === undefined || this.#data.slice(1).every((line) => line.at(-1) === null)) return;
    this.#push(
      lastAtMs + 1,
      this.#series.map(() => null),
    );
    this.#drawSoon();
  }

  /** When the last point is, in milliseconds since 1970: of a history the page needs no others than later ones. */
  get lastAtMs(): number | undefined {
    const seconds = this.#data[0]?.at(-1);
    return typeof seconds === 'number' ? seconds * 1000 : undefined;
  }

  #push(atMs: number, values: readonly (number | null)[]): void {
    for (const [index, value] of [atMs / 1000, ...values].entries()) {
      const line = this.#data[index];
      line?.push(value);
      if (line && line.length > this.#capacity) line.shift();
    }
  }

  /** Takes the points that the browser has kept, and has it keep them when the page goes. */
  #remember(): void {
    const { rememberAs } = this.#options;
    if (rememberAs === undefined) return;
    const key = `plot ${rememberAs}`;
    for (const [atMs, ...values] of rememberedPoints(localStorage.getItem(key), this.#series.length)) {
      if (atMs > Date.now() - MEMORY_MS) this.add(atMs, ...values);
    }
    const keep = (): void => {
      const points = (this.#data[0] ?? []).map((seconds, index) => [
        Number(seconds) * 1000,
        ...this.#data.slice(1).map((line) => line[index] ?? null),
      ]);
      localStorage.setItem(key, JSON.stringify(points));
    };
    addEventListener('pagehide', keep);
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'hidden') keep();
    });
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
        ...(range && { scales: { y: { range: this.#rangeFor(range) } } }),
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

  #rangeFor(range: NonNullable<PlotOptions['range']>): uPlot.Scale.Range {
    if (range === 'from zero') return fromZero;
    if (range instanceof SharedScale) return (_, _least, most) => range.rangeOf(this, most ?? 0);
    return [range[0], range[1]];
  }

  #size(): { width: number; height: number } {
    return { width: Math.max(200, this.#place.clientWidth), height: 200 };
  }
}

type Point = readonly [atMs: number, ...values: (number | null)[]];

/** @param text - as it was kept, maybe by another version of the page, or null */
function rememberedPoints(text: string | null, values: number): readonly Point[] {
  try {
    const points: unknown = JSON.parse(text ?? '[]');
    return Array.isArray(points) ? points.filter((point) => Array.isArray(point) && point.length === values + 1) : [];
  } catch {
    return [];
  }
}

/** A hook: with no pointer over the plot, its legend tells the values at an index, such as the last ones. */
export function showInLegend(plot: uPlot, index: number): void {
  const isPointedAt = (plot.cursor.left ?? -1) >= 0;
  if (!isPointedAt && index >= 0) plot.setLegend({ idx: index }, false);
}

function fromZero(_: uPlot | undefined, _least: number, most: number): uPlot.Range.MinMax {
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
