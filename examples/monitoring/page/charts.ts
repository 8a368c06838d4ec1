import { element } from '../../shared/page/dom.ts';
import { LivePlot, type PlotOptions } from '../../shared/page/plot.ts';
import type { Figures, History, Servers } from './types.ts';

type Row = History['rows'][number];

const CHARTS: readonly { title: string; options: PlotOptions; value: (figures: Figures) => number | null }[] = [
  { title: 'CPU, %', options: { range: [0, 100], unit: ' %' }, value: ({ cpu }) => cpu },
  { title: 'Memory, %', options: { range: [0, 100], unit: ' %' }, value: ({ memory }) => memory },
  { title: 'Disk, %', options: { range: [0, 100], unit: ' %' }, value: ({ disk }) => disk },
  {
    title: 'Network in, kB/s',
    options: { range: 'from zero' },
    value: ({ received }) => (received === null ? null : received / 1000),
  },
];
/** Of `--line-1` and so on, in the style sheet. */
const COLORS = 10;
/** Ten minutes, a reading every four seconds. */
const CAPACITY = 150;
const NOTHING: Figures = { cpu: null, memory: null, disk: null, received: null };

/** One chart for each figure, with a line for each server. A server that comes later begins new charts with all that is known. */
export class Charts {
  readonly #place: HTMLElement;
  #names: readonly string[] = [];
  #rows: Row[] = [];
  #plots: readonly LivePlot[] = [];

  constructor(place: HTMLElement) {
    this.#place = place;
  }

  /** In place of everything that was there. */
  fill({ rows }: History): void {
    this.#rows = [...rows];
    this.#names = [];
    this.#draw();
  }

  add(atMs: number, servers: Servers): void {
    const figures = Object.entries(servers).map(([name, { status, cpu, memory, disk, network }]) => [
      name,
      status === 'silent'
        ? NOTHING
        : {
            cpu: cpu?.percent ?? null,
            memory: memory?.percent ?? null,
            disk: disk?.percent ?? null,
            received: network?.receivedPerSecond ?? null,
          },
    ]);
    this.#append({ at: atMs, servers: Object.fromEntries(figures) as Row['servers'] });
  }

  /** Nothing is known of the time until the next row: no line goes over it. */
  addGap(): void {
    const last = this.#rows.at(-1);
    if (last && Object.keys(last.servers).length > 0) this.#append({ at: last.at, servers: {} });
  }

  #append(row: Row): void {
    // In the order of time, whatever the clocks of servers and browser say.
    const at = Math.max(row.at, (this.#rows.at(-1)?.at ?? 0) + 1);
    this.#rows = [...this.#rows.slice(1 - CAPACITY), { ...row, at }];
    if (Object.keys(row.servers).some((name) => !this.#names.includes(name))) this.#draw();
    else this.#addToPlots({ ...row, at });
  }

  #draw(): void {
    this.#names = [...new Set(this.#rows.flatMap(({ servers }) => Object.keys(servers)))];
    const lines = this.#names.map((label, index) => ({ label, color: `--line-${(index % COLORS) + 1}` }));
    this.#place.replaceChildren();
    this.#plots = CHARTS.map(({ title, options }) => {
      const card = element('div', '', 'card');
      const place = element('div');
      card.append(element('h2', title), place);
      this.#place.append(card);
      return new LivePlot(place, lines, { ...options, capacity: CAPACITY });
    });
    for (const row of this.#rows) this.#addToPlots(row);
  }

  #addToPlots({ at, servers }: Row): void {
    for (const [index, { value }] of CHARTS.entries()) {
      this.#plots[index]?.add(at, ...this.#names.map((name) => value(servers[name] ?? NOTHING)));
    }
  }
}
