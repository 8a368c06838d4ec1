import type { LiveFigures, NodeReport, Rates } from '../console/contract.ts';
import { foreign } from '../log.ts';
import type { Colours } from './colours.ts';
import { table } from './table.ts';

export interface Screen {
  readonly columns: number;
  readonly rows: number;
}

/** Of all nodes together. */
export interface Totals {
  readonly nodes: number;
  readonly ready: number;
  readonly connections: number;
  readonly subscriptions: number;
  /** Undefined as long as no node knows its own. */
  readonly perSecond: Rates | undefined;
  /** Of the node whose event loop is latest. */
  readonly eventLoopDelayMs: number;
}

export function totalsOf({ nodes }: LiveFigures): Totals {
  const figures = nodes.flatMap((node) => node.figures ?? []);
  const rates = figures.flatMap(({ perSecond }) => perSecond ?? []);
  const sum = <T>(all: readonly T[], count: (one: T) => number): number =>
    all.reduce((total, one) => total + count(one), 0);
  return {
    nodes: nodes.length,
    ready: nodes.filter(({ state }) => state === 'ready').length,
    connections: sum(figures, ({ connections }) => connections),
    subscriptions: sum(figures, ({ subscriptions }) => subscriptions),
    perSecond:
      rates.length === 0
        ? undefined
        : {
            received: sum(rates, ({ received }) => received),
            published: sum(rates, ({ published }) => published),
            delivered: sum(rates, ({ delivered }) => delivered),
          },
    eventLoopDelayMs: Math.max(0, ...figures.map((each) => each.eventLoopDelayMs)),
  };
}

/** One second as a line, for logs. */
export function topLine(figures: LiveFigures): string {
  const { nodes, ready, connections, subscriptions, perSecond, eventLoopDelayMs } = totalsOf(figures);
  const rates = perSecond
    ? `received=${rate(perSecond.received)} published=${rate(perSecond.published)} delivered=${rate(perSecond.delivered)}`
    : 'received=- published=- delivered=-';
  const late = eventLoopDelayMs.toFixed(0);
  return `${figures.time} nodes=${nodes} ready=${ready} connections=${connections} subscriptions=${subscriptions} ${rates} loop_ms=${late}\n`;
}

/**
 * One second as a screen full of text: as many lines as it has, each cut to its width.
 *
 * @param history - delivered per second, the latest last
 */
export function topScreen(
  figures: LiveFigures,
  history: readonly number[],
  place: string,
  { columns, rows }: Screen,
  paint: Colours,
): string {
  const { nodes, ready, connections, subscriptions, perSecond } = totalsOf(figures);
  const clock = new Date(figures.time).toTimeString().slice(0, 8);
  const title = `kulkul top  ${foreign(place)}`;
  const head = [
    paint.bold(cut(`${title.padEnd(Math.max(0, columns - clock.length - 1))} ${clock}`, columns)),
    '',
    cut(
      `  nodes         ${`${ready} of ${nodes} ready`.padEnd(16)}  received/s   ${count(perSecond?.received)}`,
      columns,
    ),
    cut(`  connections   ${count(connections).padEnd(16)}  published/s  ${count(perSecond?.published)}`, columns),
    cut(`  subscriptions ${count(subscriptions).padEnd(16)}  delivered/s  ${count(perSecond?.delivered)}`, columns),
    paint.cyan(cut(`  ${sparkline(history, Math.max(0, columns - 4))}`, columns)),
    '',
  ];
  const lines = table([HEADINGS, ...figures.nodes.map(nodeRow)])
    .trimEnd()
    .split('\n');
  const body = lines.map((line, index) => {
    const text = cut(line, columns);
    const state = figures.nodes[index - 1]?.state;
    if (index === 0) return paint.dim(text);
    return state === 'ready' ? text : state === 'stopping' ? paint.yellow(text) : paint.red(text);
  });
  const notes = figures.nodes.flatMap(noteOf).map((note) => paint.yellow(cut(note, columns)));
  const foot = paint.dim(cut('q ends', columns));
  const room = Math.max(0, rows - head.length - 2);
  const shown = [...body, ...(notes.length > 0 ? ['', ...notes] : [])];
  const fitting = shown.length > room ? [...shown.slice(0, Math.max(0, room - 1)), '…'] : shown;
  return [...head, ...fitting, '', foot].slice(0, rows).join('\n');
}

const HEADINGS = ['NODE', 'STATE', 'CONN', 'CHAN', 'SUBS', 'RECV/S', 'PUB/S', 'DELIV/S', 'LOOP', 'BUSY', 'MEM'];

function nodeRow({ id, host, pid, worker, state, figures }: NodeReport): string[] {
  const name = host === '' ? id : `${foreign(host, 24)} ${pid}${worker === null ? '' : ` #${worker}`}`;
  if (figures === null) return [name, state];
  const { perSecond } = figures;
  return [
    name,
    state,
    count(figures.connections),
    count(figures.channels),
    count(figures.subscriptions),
    count(perSecond?.received),
    count(perSecond?.published),
    count(perSecond?.delivered),
    `${figures.eventLoopDelayMs.toFixed(0)} ms`,
    `${Math.round(figures.eventLoopUtilization * 100)} %`,
    `${Math.round(figures.residentBytes / 1024 / 1024)}M`,
  ];
}

/** What somebody should know of a node: why it is not ready, Redis that is away, a certificate that ends. */
function noteOf({ id, host, pid, state, reason, figures }: NodeReport): string[] {
  const name = host === '' ? id : `${foreign(host, 24)} ${pid}`;
  const notes = state === 'ready' && /^OK$/i.test(reason) ? [] : [`${name}: ${foreign(reason, 300)}`];
  const { redis = null, certificateExpires = null } = figures ?? {};
  if (redis && !redis.isReached) notes.push(`${name}: Redis is away: ${foreign(redis.detail, 300)}`);
  if (certificateExpires && Date.parse(certificateExpires) - Date.now() < SOON_MS) {
    notes.push(`${name}: its certificate ends on ${certificateExpires.slice(0, 10)}`);
  }
  return notes;
}

const SOON_MS = 14 * 86_400_000;

const BARS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

function sparkline(history: readonly number[], width: number): string {
  const shown = width === 0 ? [] : history.slice(-width);
  const most = Math.max(1, ...shown);
  return shown.map((value) => BARS[Math.min(BARS.length - 1, Math.floor((value / most) * BARS.length))]).join('');
}

function count(value: number | undefined): string {
  return value === undefined ? '-' : Math.round(value).toLocaleString('en');
}

function rate(value: number): string {
  return value.toFixed(value < 10 ? 1 : 0);
}

function cut(text: string, columns: number): string {
  return text.length > columns ? text.slice(0, columns) : text;
}
