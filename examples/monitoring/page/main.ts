import '../../shared/page/look.css';
import { showState } from '../../shared/page/connection.ts';
import { byId, element, timeOf, toast } from '../../shared/page/dom.ts';
import { readFeed } from '../../shared/page/feed.ts';
import { Freshness } from '../../shared/page/freshness.ts';
import { Charts } from './charts.ts';
import { ServerCard } from './server-card.ts';
import type { Alert, History, Limit, Message, Servers, State } from './types.ts';

const KINDS = { alert: { text: 'Alert', tone: 'bad' }, recovery: { text: 'Recovery', tone: 'good' } } as const;
const SHOWN_ALERTS = 20;

const charts = new Charts(byId('charts'));
const freshness = new Freshness(byId('state'));
const cards = new Map<string, ServerCard>();
let limits: readonly Limit[] = [];
let alerts: readonly Alert[] = [];
/** Of the latest reading that is shown. */
let readAt = 0;

/** What a page that has just been opened, or was away, does not know. Where the application is away, too: what is shown stays. */
async function catchUp(): Promise<void> {
  const state = await get<State>('/api/state');
  limits = state.limits;
  showServers(state.servers);
  showAlerts(state.alerts.recent);
}

async function get<T>(path: string): Promise<T> {
  const answer = await fetch(path, { headers: authorization() });
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
  return (await answer.json()) as T;
}

function take(message: Message): void {
  if (message.type === 'metrics_update') {
    // The same one comes again with each new connection, and while all servers are silent.
    if (latest(message.data) > readAt) charts.add(latest(message.data), message.data);
    else if (Object.values(message.data).every(({ status }) => status === 'silent')) charts.addGap();
    showServers(message.data);
    return;
  }
  const { alert_type: kind, subject, message: text } = message;
  toast(`${subject}: ${text}`, KINDS[kind].tone);
  showAlerts([{ kind, subject, message: text, sentAt: Date.now() }, ...alerts]);
}

function latest(servers: Servers): number {
  return Math.max(0, ...Object.values(servers).map(({ readAt }) => readAt));
}

function showServers(servers: Servers): void {
  const entries = Object.entries(servers);
  for (const [name, card] of cards) {
    if (name in servers) continue;
    card.card.remove();
    cards.delete(name);
  }
  for (const [name, metrics] of entries) {
    const card = cards.get(name) ?? new ServerCard(name);
    if (!cards.has(name)) {
      cards.set(name, card);
      byId('servers').append(card.card);
      showChoices();
    }
    card.show(metrics, limits);
  }
  const up = entries.filter(([, { status }]) => status === 'up').length;
  byId('count').textContent = `${up} of ${entries.length} servers up`;
  readAt = latest(servers);
  freshness.news(readAt);
  byId('read-at').textContent = timeOf(readAt);
}

function showChoices(): void {
  const select = byId<HTMLSelectElement>('drill-server');
  const { value } = select;
  select.replaceChildren(...[...cards.keys()].map((name) => new Option(name, name, false, name === value)));
}

function showAlerts(all: readonly Alert[]): void {
  alerts = all.slice(0, SHOWN_ALERTS);
  byId('no-alerts').hidden = alerts.length > 0;
  byId('alerts').replaceChildren(
    ...alerts.map(({ kind, subject, message, sentAt }) => {
      const line = element('li');
      line.dataset.kind = kind;
      const what = element('span', subject, 'subject tone');
      what.dataset.tone = KINDS[kind].tone;
      line.append(element('time', timeOf(sentAt)), what, element('span', message));
      return line;
    }),
  );
}

byId<HTMLFormElement>('drill').addEventListener('submit', async (event) => {
  event.preventDefault();
  const { value: server } = byId<HTMLSelectElement>('drill-server');
  try {
    const answer = await fetch('/api/v1/drill', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...authorization() },
      body: JSON.stringify({ server, note: byId<HTMLInputElement>('note').value }),
    });
    const { message, error } = (await answer.json()) as { message?: string; error?: string };
    toast(message ?? error ?? 'The drill was not started.', answer.ok ? 'warn' : 'bad');
  } catch {
    toast('The application does not answer: is it running?', 'bad');
  }
});

async function start(): Promise<void> {
  let isUpToDate = false;
  const history = get<History>('/api/v1/servers/metrics/history?minutes=10').then((rows) => charts.fill(rows));
  await Promise.all([catchUp(), history]).then(
    () => {
      isUpToDate = true;
    },
    () => {},
  );
  const beganAt = performance.now();
  let connectMs: number | undefined;
  readFeed<Message>(feedUrl(), {
    message: take,
    state: (state, reason) => {
      showState(byId('state'), state);
      freshness.show(state);
      byId('notice').textContent = state === 'refused' ? `The broker refuses this page: ${reason}` : '';
      if (state === 'connected') {
        connectMs ??= performance.now() - beganAt;
        byId('connect-ms').textContent = connectMs.toFixed(0);
        if (!isUpToDate) catchUp().catch(() => {});
      } else if (state !== 'connecting') {
        isUpToDate = false;
        charts.addGap();
      }
    },
  });
}

function feedUrl(): string {
  const url = new URL('/ws', location.origin.replace(/^http/, 'ws'));
  const token = tokenOfPage();
  if (token !== null) url.searchParams.set('token', token);
  return url.href;
}

function authorization(): Record<string, string> {
  const token = tokenOfPage();
  return token === null ? {} : { Authorization: `Bearer ${token}` };
}

/** What the page was opened with, where readers need one: `/#token=…`, which no server sees. */
function tokenOfPage(): string | null {
  return new URLSearchParams(location.hash.slice(1)).get('token');
}

void start();
