import { showState } from '../../shared/page/connection.ts';
import { byId, element, timeOf } from '../../shared/page/dom.ts';
import { LivePlot } from '../../shared/page/plot.ts';
import type { Feed, FeedEvents } from './feed.ts';
import { Statistics } from './statistics.ts';

export interface Tick {
  readonly number: number;
  readonly sentAt: number;
}

const ROWS = 10;
/** Average and percentile are of so many messages: a minute and a half. */
const REMEMBERED = 450;

/** Both lanes get a message at almost the same time: the one that comes second must not wait until the first is drawn. */
const DRAW_AFTER_MS = 50;

/** One half of the page: a way to read the channel, and what it costs. */
export class Lane {
  readonly feed: Feed;
  readonly #card: HTMLElement;
  readonly #statistics = new Statistics(REMEMBERED);
  readonly #plot: LivePlot;
  readonly #latest: (Tick & { readonly latencyMs: number })[] = [];
  readonly #toPlot: (readonly [sentAt: number, latencyMs: number])[] = [];
  #drawing: ReturnType<typeof setTimeout> | undefined;

  constructor(name: string, title: string, remark: string, connect: (events: FeedEvents, lane: Lane) => Feed) {
    const copy = byId<HTMLElement & HTMLTemplateElement>('lane').content.cloneNode(true) as DocumentFragment;
    byId('lanes').append(copy);
    this.#card = byId('lanes').lastElementChild as HTMLElement;
    this.#card.id = name;
    this.#find('h2').textContent = title;
    this.#find('.remark').textContent = remark;
    this.#plot = new LivePlot(this.#find('[data-place="plot"]'), [{ label: 'Latency', color: '--accent' }], {
      unit: ' ms',
      range: 'from zero',
    });
    this.feed = connect(
      {
        state: (state, text) => this.#showState(state, text),
        connected: (tookMs) => this.figure('connect', tookMs),
        message: () => {},
      },
      this,
    );
    this.#find('[data-do="connect"]').addEventListener('click', () => this.feed.open());
    this.#find('[data-do="disconnect"]').addEventListener('click', () => this.feed.close());
  }

  /** @param offsetMs - how far the sender's clock is ahead */
  tick({ number, sentAt }: Tick, offsetMs: number): void {
    const latencyMs = Date.now() + offsetMs - sentAt;
    this.#statistics.add(latencyMs);
    this.#latest.unshift({ number, sentAt, latencyMs });
    if (this.#latest.length > ROWS) this.#latest.pop();
    this.#toPlot.push([sentAt, latencyMs]);
    this.#drawing ??= setTimeout(() => this.#draw(), DRAW_AFTER_MS);
  }

  #draw(): void {
    this.#drawing = undefined;
    for (const [sentAt, latencyMs] of this.#toPlot.splice(0)) this.#plot.add(sentAt, latencyMs);
    this.figure('last', this.#latest[0]?.latencyMs);
    this.figure('average', this.#statistics.average);
    this.figure('p95', this.#statistics.p95);
    this.#find('[data-figure="messages"]').textContent = this.#statistics.count.toLocaleString();
    this.#find('.messages tbody').replaceChildren(
      ...this.#latest.map(({ number, sentAt, latencyMs }) => {
        const row = element('tr');
        row.append(element('td', timeOf(sentAt)), element('td', String(number), 'number'));
        row.append(element('td', milliseconds(latencyMs), 'number'));
        return row;
      }),
    );
  }

  figure(name: 'connect' | 'last' | 'average' | 'p95' | 'echo', value: number | undefined): void {
    this.#find(`[data-figure="${name}"]`).textContent = value === undefined ? '–' : milliseconds(value);
  }

  #showState(state: Parameters<FeedEvents['state']>[0], text?: string): void {
    const pill = this.#find('.pill');
    if (state === 'off') {
      pill.textContent = 'Disconnected';
      delete pill.dataset.tone;
      pill.dataset.state = state;
    } else showState(pill, state, text);
    const isOver = state === 'off' || state === 'refused';
    this.#find('[data-do="connect"]').hidden = !isOver;
    this.#find('[data-do="disconnect"]').hidden = isOver;
  }

  #find<T extends HTMLElement = HTMLElement>(selector: string): T {
    const found = this.#card.querySelector<T>(selector);
    if (!found) throw new Error(`a lane has no ${selector}`);
    return found;
  }
}

function milliseconds(value: number): string {
  return `${value < 10 && !Number.isInteger(value) ? value.toFixed(1) : value.toFixed(0)} ms`;
}
