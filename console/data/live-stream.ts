import { type Signal, signal } from '@preact/signals';
import type { LiveFigures, LiveFilter, NodeReport, Rates } from '../../server/console/contract.ts';
import { queryOf } from './admin-api.ts';
import type { FactReader } from './fact-log.ts';

export type StreamState = 'connecting' | 'open' | 'away';

/** All nodes together, at one moment. */
export interface Moment {
  readonly timeMs: number;
  readonly connections: number;
  readonly subscriptions: number;
  readonly rates: Rates;
}

/** Seconds of figures that charts show. */
export const KEPT_SECONDS = 900;
/** Between two tries, in milliseconds. */
const RETRY_MS = 2000;
/** Figures come each second: without any for so long, the stream is dead though nobody said so. */
const SILENCE_MS = 10_000;
/** Where no view reads facts, only those are sent that are rare: the stream is for the figures then. */
const FIGURES_ONLY: LiveFilter = { type: 'audit' };

/**
 * The stream of events from the admin port: one for the whole page, as browsers open no more than six connections to a host. Figures come at any time,
 * facts while a view reads them.
 */
export class LiveStream {
  readonly state: Signal<StreamState> = signal('connecting');
  readonly nodes: Signal<readonly NodeReport[]> = signal([]);
  /** Oldest first. */
  readonly moments: Signal<readonly Moment[]> = signal([]);
  #source: EventSource | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #filter: LiveFilter = FIGURES_ONLY;
  #reader: FactReader | undefined;
  #isWanted = false;
  readonly #onLost: () => void;

  /** @param onLost - the stream broke, perhaps because the session ended */
  constructor(onLost: () => void) {
    this.#onLost = onLost;
    document.addEventListener('visibilitychange', () => this.#adaptToVisibility());
  }

  start(): void {
    this.#isWanted = true;
    this.#open();
  }

  stop(): void {
    this.#isWanted = false;
    this.#close();
    this.nodes.value = [];
    this.moments.value = [];
  }

  /** Facts that meet a filter go to a view, until it ends that. */
  read(filter: LiveFilter, reader: FactReader): void {
    this.#filter = filter;
    this.#reader = reader;
    this.#open();
  }

  endReading(reader: FactReader): void {
    if (this.#reader !== reader) return;
    this.#reader = undefined;
    this.#filter = FIGURES_ONLY;
    this.#open();
  }

  retryNow(): void {
    this.#open();
  }

  #open(): void {
    this.#close();
    if (!this.#isWanted) return;
    if (this.state.peek() === 'open') this.state.value = 'connecting';
    const source = new EventSource(`/live${queryOf({ ...this.#filter })}`);
    this.#source = source;
    source.addEventListener('open', () => {
      this.state.value = 'open';
      this.#expectFigures();
    });
    source.addEventListener('error', () => this.#lost());
    source.addEventListener('figures', ({ data }) => this.#take(JSON.parse(data)));
    source.addEventListener('happened', ({ data }) => this.#reader?.happened(JSON.parse(data)));
    source.addEventListener('skipped', ({ data }) => this.#reader?.skipped(JSON.parse(data)));
  }

  #take({ time, nodes }: LiveFigures): void {
    this.state.value = 'open';
    this.#expectFigures();
    this.nodes.value = nodes;
    const moment = momentOf(Date.parse(time), nodes);
    const [...moments] = this.moments.value.slice(1 - KEPT_SECONDS);
    if ((moments.at(-1)?.timeMs ?? 0) < moment.timeMs) this.moments.value = [...moments, moment];
  }

  #expectFigures(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#lost(), SILENCE_MS);
  }

  #lost(): void {
    this.#close();
    this.state.value = 'away';
    this.#onLost();
    this.#timer = setTimeout(() => this.#open(), RETRY_MS);
  }

  #close(): void {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = undefined;
  }

  /** Nobody sees figures in a hidden tab; a log goes on there. */
  #adaptToVisibility(): void {
    if (!this.#isWanted || this.#reader) return;
    if (document.hidden) this.#close();
    else this.#open();
  }
}

function momentOf(timeMs: number, nodes: readonly NodeReport[]): Moment {
  const figures = nodes.flatMap((node) => node.figures ?? []);
  const sum = (value: (node: (typeof figures)[number]) => number): number =>
    figures.reduce((total, node) => total + value(node), 0);
  return {
    timeMs,
    connections: sum(({ connections }) => connections),
    subscriptions: sum(({ subscriptions }) => subscriptions),
    rates: {
      received: sum(({ perSecond }) => perSecond?.received ?? 0),
      published: sum(({ perSecond }) => perSecond?.published ?? 0),
      delivered: sum(({ perSecond }) => perSecond?.delivered ?? 0),
    },
  };
}
