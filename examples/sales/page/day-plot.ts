import uPlot from 'uplot';
import { colour, showInLegend } from '../../shared/page/plot.ts';

type Values = readonly (number | null)[];

/** With the end of the last hour, up to which a step is drawn. */
const HOURS = Array.from({ length: 25 }, (_, hour) => hour);
const COMPACT = new Intl.NumberFormat('id-ID', { notation: 'compact', maximumFractionDigits: 1 });
const HEIGHT_PX = 220;

/** The hours of today as bars, and yesterday's as a line behind them. */
export class DayPlot {
  readonly #place: HTMLElement;
  #data: uPlot.AlignedData = [HOURS, [], []];
  #plot: uPlot | undefined;

  constructor(place: HTMLElement) {
    this.#place = place;
    place.classList.add('plot');
    const draw = (): void => {
      this.#plot?.destroy();
      this.#plot = this.#create();
    };
    draw();
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
    new ResizeObserver(() => this.#plot?.setSize(this.#size())).observe(place);
  }

  show(today: Values, yesterday: Values): void {
    this.#data = [HOURS, [...today, null], [...yesterday, yesterday.at(-1) ?? null]];
    this.#plot?.setData(this.#data);
  }

  /** The present one, of which there are figures of both days. */
  get #hour(): number {
    return this.#data[1]?.findLastIndex((value) => typeof value === 'number') ?? -1;
  }

  #create(): uPlot {
    const axis = { stroke: colour('--muted'), grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false } };
    const { bars, stepped } = uPlot.paths;
    const count = (_: uPlot, value: number | null): string => (value === null ? '–' : COMPACT.format(value));
    return new uPlot(
      {
        ...this.#size(),
        cursor: { drag: { x: false, y: false } },
        hooks: { setLegend: [(plot) => showInLegend(plot, this.#hour)] },
        scales: {
          x: { time: false, range: [0, 24] },
          y: { range: (_, __, most) => [0, Math.max(1, most * 1.1)] },
        },
        series: [
          { label: 'Hour', value: (_, hour) => (hour === null ? '–' : hourText(hour)) },
          {
            label: 'Today',
            value: count,
            fill: colour('--accent'),
            points: { show: false },
            ...(bars && { paths: bars({ size: [0.7, 40], radius: 0.2, align: 1 }) }),
          },
          {
            label: 'Yesterday',
            value: count,
            stroke: colour('--warn'),
            width: 2,
            points: { show: false },
            ...(stepped && { paths: stepped({ align: 1 }) }),
          },
        ],
        axes: [
          {
            ...axis,
            grid: { show: false },
            size: 30,
            space: 50,
            incrs: [1, 2, 3, 6],
            values: (_, hours) => hours.map(hourText),
          },
          { ...axis, size: 60, values: (_, values) => values.map((value) => COMPACT.format(value)) },
        ],
      },
      this.#data,
      this.#place,
    );
  }

  #size(): { width: number; height: number } {
    return { width: Math.max(200, this.#place.clientWidth), height: HEIGHT_PX };
  }
}

function hourText(hour: number): string {
  return `${String(hour).padStart(2, '0')}.00`;
}
