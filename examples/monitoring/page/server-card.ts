import { element, setText, timeOf } from '../../shared/page/dom.ts';
import type { Limit, Metrics, Share } from './types.ts';

const FIGURES = [
  ['cpu', 'CPU'],
  ['memory', 'Memory'],
  ['disk', 'Disk'],
  ['network', 'Network'],
] as const;
type Figure = (typeof FIGURES)[number][0];

interface Row {
  readonly row: HTMLElement;
  readonly figure: HTMLElement;
  readonly detail: HTMLElement;
}

/** What is known of one server. */
export class ServerCard {
  readonly card = element('article', '', 'card server');
  readonly #state = element('span', '', 'pill');
  readonly #rows = new Map<Figure, Row>();
  readonly #info = element('p', '', 'muted info');

  constructor(name: string) {
    this.card.dataset.server = name;
    const head = element('div', '', 'bar');
    head.append(element('h2', name), element('span', '', 'push'), this.#state);
    this.card.append(head);
    for (const [metric, label] of FIGURES) this.card.append(this.#row(metric, label));
    this.card.append(this.#info);
  }

  show(metrics: Metrics, limits: readonly Limit[]): void {
    const {
      status,
      readAt,
      cpu,
      memory,
      disk,
      network,
      load = [],
      uptimeSeconds = 0,
      unreadable = [],
      info = {},
    } = metrics;
    const isSilent = status === 'silent';
    this.card.dataset.status = status;
    this.#state.dataset.tone = isSilent ? 'bad' : 'good';
    this.#state.textContent = isSilent ? `silent since ${timeOf(readAt)}` : `up ${duration(uptimeSeconds)}`;
    const reasons = new Map(unreadable.map(({ figure, reason }) => [figure, reason]));
    this.#show(
      'cpu',
      percent(cpu),
      cpu ? `${cpu.cores} cores, load ${load[0]?.toFixed(1) ?? '–'}` : reasons.get('cpu'),
    );
    this.#show('memory', percent(memory), sizes(memory) ?? reasons.get('memory'));
    this.#show('disk', percent(disk), sizes(disk) ?? reasons.get('disk'));
    this.#show(
      'network',
      network ? `${bytes(network.receivedPerSecond)}/s` : 'unknown',
      network ? `${bytes(network.sentPerSecond)}/s out` : reasons.get('network'),
    );
    for (const { metric, limit } of limits) this.#mark(metric as Figure, metrics, limit);
    this.#info.textContent = Object.values(info).join(' · ');
  }

  #row(metric: Figure, label: string): HTMLElement {
    const row = element('div', '', 'measure');
    row.dataset.metric = metric;
    const figure = element('strong', '–', 'value');
    const detail = element('span', '', 'muted detail');
    row.append(element('span', label), figure, detail);
    if (metric !== 'network') row.append(element('div', '', 'meter'));
    this.#rows.set(metric, { row, figure, detail });
    return row;
  }

  #show(metric: Figure, text: string, detail = ''): void {
    const row = this.#rows.get(metric);
    if (!row) return;
    setText(row.figure, text);
    row.detail.textContent = detail;
  }

  #mark(metric: Figure, metrics: Metrics, limit: number): void {
    const row = this.#rows.get(metric)?.row;
    const figures = metrics[metric];
    if (!row || !figures || !('percent' in figures)) return;
    row.style.setProperty('--share', `${Math.min(100, figures.percent)}%`);
    row.style.setProperty('--limit', `calc(${limit}% - 1px)`);
    if (figures.percent >= limit) row.dataset.tone = 'bad';
    else delete row.dataset.tone;
  }
}

function percent(share: { readonly percent: number } | null): string {
  return share ? `${share.percent.toFixed(1)} %` : 'unknown';
}

function sizes(share: Share | null): string | undefined {
  return share ? `${bytes(share.used)} of ${bytes(share.total)}` : undefined;
}

function bytes(number: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let size = number;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${size.toFixed(size < 10 && unit > 0 ? 1 : 0)} ${units[unit]}`;
}

function duration(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}
