import '../../shared/page/look.css';
import './sales.css';
import { type ConnectionState, showState } from '../../shared/page/connection.ts';
import { byId, element, setText } from '../../shared/page/dom.ts';
import { readFeed } from '../../shared/page/feed.ts';
import { Freshness } from '../../shared/page/freshness.ts';
import { DayPlot } from './day-plot.ts';

type Figures = Readonly<Record<'daily_sales' | 'monthly_sales' | 'daily_orders' | 'monthly_orders', number>>;

interface Order {
  readonly id: number;
  readonly placed_at: number;
  readonly items: string;
  readonly paid_by: string;
  readonly total: number;
}

interface Hours {
  readonly sales: readonly (number | null)[];
  readonly orders: readonly (number | null)[];
}

interface Orders {
  readonly latest: readonly Order[];
  readonly today: Hours;
  readonly yesterday: Hours & { readonly byNow: { readonly sales: number; readonly orders: number } };
  readonly sentAt: number;
}

/** Figures come every three seconds: what is older than this is not called live. */
const STALE_MS = 12_000;
const WORST: readonly ConnectionState[] = ['refused', 'unavailable', 'connecting', 'connected'];
const RUPIAH = new Intl.NumberFormat('id-ID', { style: 'currency', currency: 'IDR', maximumFractionDigits: 0 });
const COUNT = new Intl.NumberFormat('id-ID');
const CHANGE = new Intl.NumberFormat('id-ID', {
  style: 'percent',
  signDisplay: 'exceptZero',
  maximumFractionDigits: 1,
});
const TIME = new Intl.DateTimeFormat('id-ID', { timeStyle: 'medium', timeZone: 'Asia/Makassar' });
const MINUTE = new Intl.DateTimeFormat('id-ID', { timeStyle: 'short', timeZone: 'Asia/Makassar' });

const BROKER = `ws://${location.hostname}:${import.meta.env.BROKER_PORT}`;
const openedAt = performance.now();
const states = new Map<string, { state: ConnectionState; reason: string }>();
const freshness = new Freshness(byId('state'), document.body, (milliseconds) => MINUTE.format(milliseconds));
const plots = { sales: new DayPlot(byId('sales-plot')), orders: new DayPlot(byId('orders-plot')) };
let figures: Figures | undefined;
let stale: ReturnType<typeof setTimeout> | undefined;

function follow<T>(path: string, message: (message: T) => void): void {
  readFeed<T>(`${BROKER}${path}`, {
    message(latest) {
      freshness.news();
      message(latest);
    },
    state(state, reason) {
      states.set(path, { state, reason });
      showConnection();
    },
  });
}

/** Two feeds, one connection to whoever looks at the page: as well as the worse of them. */
function showConnection(): void {
  const [worst] = [...states.values()].sort((a, b) => WORST.indexOf(a.state) - WORST.indexOf(b.state));
  if (!worst) return;
  showState(byId('state'), worst.state);
  freshness.show(worst.state);
  byId('notice').textContent = worst.state === 'refused' ? `The broker refuses this page: ${worst.reason}` : '';
  clearTimeout(stale);
  if (worst.state !== 'connected') return;
  if (byId('connect-ms').textContent === '–') {
    byId('connect-ms').textContent = (performance.now() - openedAt).toFixed(0);
  }
  stale = setTimeout(() => showState(byId('state'), 'connecting', 'Connected, but no news'), STALE_MS);
}

function showFigures(latest: Figures): void {
  figures = latest;
  setText(byId('daily_sales'), RUPIAH.format(latest.daily_sales));
  setText(byId('monthly_sales'), RUPIAH.format(latest.monthly_sales));
  setText(byId('daily_orders'), COUNT.format(latest.daily_orders));
  setText(byId('monthly_orders'), COUNT.format(latest.monthly_orders));
  byId('average').textContent =
    latest.monthly_orders === 0 ? '' : `${RUPIAH.format(latest.monthly_sales / latest.monthly_orders)} an order`;
  byId('updated').textContent = `As of ${TIME.format(Date.now())}`;
  showConnection();
}

function showOrders({ latest, today, yesterday, sentAt }: Orders): void {
  byId('event-ms').textContent = String(Math.max(0, Date.now() - sentAt));
  byId('waiting').hidden = true;
  plots.sales.show(today.sales, yesterday.sales);
  plots.orders.show(today.orders, yesterday.orders);
  showChange(byId('sales-change'), figures?.daily_sales, yesterday.byNow.sales);
  showChange(byId('orders-change'), figures?.daily_orders, yesterday.byNow.orders);
  showLatest(latest);
}

function showChange(place: HTMLElement, today: number | undefined, yesterday: number): void {
  if (today === undefined || yesterday === 0) return;
  const change = element('span', CHANGE.format(today / yesterday - 1), 'tone');
  // As it is shown: what rounds to nothing is neither.
  if (/[+-]/.test(change.textContent ?? '')) change.dataset.tone = today < yesterday ? 'bad' : 'good';
  place.replaceChildren(change, ' on yesterday by now');
}

/** Rows that are there stay where they are; new ones come on top of them and light up. */
function showLatest(latest: readonly Order[]): void {
  const body = byId<HTMLTableSectionElement>('orders');
  const isFirst = body.rows.length === 0;
  const shown = new Set([...body.rows].map((row) => row.dataset.order));
  for (const order of [...latest].reverse()) {
    if (!shown.has(String(order.id))) body.prepend(rowOf(order, !isFirst));
  }
  while (body.rows.length > latest.length) body.lastElementChild?.remove();
}

function rowOf({ id, placed_at: placedAt, items, paid_by: paidBy, total }: Order, isNew: boolean): HTMLElement {
  const row = element('tr', '', isNew ? 'changed' : '');
  row.dataset.order = String(id);
  row.append(
    element('td', TIME.format(placedAt), 'muted'),
    element('td', `#${id}`, 'wide'),
    element('td', items),
    element('td', paidBy, 'wide'),
    element('td', RUPIAH.format(total), 'number'),
  );
  return row;
}

follow<Figures>('/api/v1/dashboard/ws', showFigures);
follow<Orders>('/api/v1/orders/ws', showOrders);
