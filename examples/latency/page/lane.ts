import { type ConnectionState, showState } from '../../shared/page/connection.ts';
import { byId, element, timeOf } from '../../shared/page/dom.ts';
import { Freshness } from '../../shared/page/freshness.ts';
import { LivePlot, type SharedScale } from '../../shared/page/plot.ts';
import { milliseconds, Statistics } from './statistics.ts';
import type { Transport, TransportEvents } from './transport.ts';

export interface Message {
  readonly message: string;
  readonly sentAt: number;
}

interface Row extends Message {
  readonly latencyMs: number;
  /** Stays out of the average. */
  readonly isApart: boolean;
}

const ROWS = 10;

/** Both lanes get a message at almost the same time: the one that comes second must not wait until the first is drawn. */
const DRAW_AFTER_MS = 50;

export interface LaneOptions {
  /** Of its card, and of what the browser remembers. */
  readonly name: string;
  readonly title: string;
  readonly remark: string;
  readonly scale: SharedScale;
  /** The average is another one. */
  readonly changed: () => void;
}

/** One half of the page: a way to read the messages, and what it costs. */
export class Lane<T extends Transport> {
  readonly transport: T;
  readonly card: HTMLElement;
  readonly #options: LaneOptions;
  readonly #statistics = new Statistics();
  readonly #plot: LivePlot;
  readonly #freshness: Freshness;
  readonly #key: string;
  readonly #rows: Row[];
  readonly #toPlot: Row[] = [];
  #drawing: ReturnType<typeof setTimeout> | undefined;

  constructor(options: LaneOptions, createTransport: (events: TransportEvents, lane: Lane<T>) => T) {
    this.#options = options;
    const copy = byId<HTMLElement & HTMLTemplateElement>('lane').content.cloneNode(true) as DocumentFragment;
    byId('lanes').append(copy);
    this.card = byId('lanes').lastElementChild as HTMLElement;
    this.card.id = options.name;
    this.find('h2').textContent = options.title;
    this.find('.remark').textContent = options.remark;
    this.#plot = new LivePlot(this.find('[data-place="plot"]'), [{ label: 'Latency', color: '--accent' }], {
      unit: ' ms',
      range: options.scale,
      rememberAs: `latency ${options.name}`,
    });
    this.#freshness = new Freshness(this.find('.pill'), this.card);
    this.#key = `last messages ${options.name}`;
    this.#rows = rememberedRows(localStorage.getItem(this.#key));
    this.#showRows();
    addEventListener('pagehide', () => localStorage.setItem(this.#key, JSON.stringify(this.#rows)));
    this.transport = createTransport(
      {
        state: (state, text) => this.#showState(state, text),
        connected: (tookMs) => {
          this.#statistics.connected(performance.now());
          this.figure('connect', tookMs);
        },
        message: () => {},
      },
      this,
    );
    this.find('[data-do="connect"]').addEventListener('click', () => this.transport.open());
    this.find('[data-do="disconnect"]').addEventListener('click', () => this.transport.close());
  }

  get average(): number | undefined {
    return this.#statistics.average;
  }

  /** @param offsetMs - how far the sender's clock is ahead */
  take({ message, sentAt }: Message, offsetMs: number): void {
    const latencyMs = Date.now() + offsetMs - sentAt;
    this.#freshness.news();
    const isApart = !this.#statistics.add(latencyMs, performance.now());
    this.#show({ message, sentAt, latencyMs, isApart });
  }

  /** An echo came half of the way only: it is shown, and no part of the average. */
  takeEcho({ message, sentAt }: Message, latencyMs: number): void {
    this.#statistics.count += 1;
    this.#show({ message, sentAt, latencyMs, isApart: true });
  }

  figure(name: 'connect' | 'average' | 'echo', value: number | undefined): void {
    this.find(`[data-figure="${name}"]`).textContent = value === undefined ? '–' : milliseconds(value);
  }

  find<E extends HTMLElement = HTMLElement>(selector: string): E {
    const found = this.card.querySelector<E>(selector);
    if (!found) throw new Error(`a lane has no ${selector}`);
    return found;
  }

  #show(row: Row): void {
    this.#rows.unshift(row);
    if (this.#rows.length > ROWS) this.#rows.pop();
    if (!row.isApart) this.#toPlot.push(row);
    this.#drawing ??= setTimeout(() => this.#draw(), DRAW_AFTER_MS);
  }

  #draw(): void {
    this.#drawing = undefined;
    for (const { sentAt, latencyMs } of this.#toPlot.splice(0)) this.#plot.add(sentAt, latencyMs);
    this.figure('average', this.#statistics.average);
    this.find('[data-figure="messages"]').textContent = this.#statistics.count.toLocaleString();
    this.#showRows();
    this.#options.changed();
  }

  #showRows(): void {
    this.find('.messages tbody').replaceChildren(
      ...this.#rows.map(({ message, sentAt, latencyMs, isApart }) => {
        const row = element('tr', '', isApart ? 'muted' : '');
        row.append(element('td', timeOf(sentAt)), element('td', message));
        row.append(element('td', milliseconds(latencyMs), 'number'));
        return row;
      }),
    );
  }

  #showState(state: ConnectionState | 'off', text?: string): void {
    const pill = this.find('.pill');
    if (state === 'off') {
      pill.textContent = 'Disconnected';
      delete pill.dataset.tone;
      pill.dataset.state = state;
    } else showState(pill, state, text);
    this.#freshness.show(state);
    if (state !== 'connected') this.#plot.gap();
    const isOver = state === 'off' || state === 'refused';
    // Not hidden: a button that goes takes the focus of the keyboard with it.
    this.find<HTMLButtonElement>('[data-do="connect"]').disabled = !isOver;
    this.find<HTMLButtonElement>('[data-do="disconnect"]').disabled = isOver;
  }
}

/** @param text - as it was kept, maybe by another version of the page, or null */
function rememberedRows(text: string | null): Row[] {
  try {
    const rows: unknown = JSON.parse(text ?? '[]');
    return Array.isArray(rows) ? rows.filter((row: Partial<Row> | null) => typeof row?.latencyMs === 'number') : [];
  } catch {
    return [];
  }
}
