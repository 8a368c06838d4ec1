import '../../shared/page/look.css';
import Pusher from 'pusher-js';
import { showConnectTime, UNAVAILABLE_AFTER_MS, watchConnection } from '../../shared/page/connection.ts';
import { byId, element, setText, timeOf, toast } from '../../shared/page/dom.ts';
import { LivePlot } from '../../shared/page/plot.ts';

interface Share {
  readonly percent: number;
  readonly used: number;
  readonly total: number;
}

interface Metrics {
  readonly host: string;
  readonly cpu: { readonly percent: number; readonly cores: number } | null;
  readonly memory: Share | null;
  readonly disk: Share | null;
  readonly network: { readonly receivedPerSecond: number; readonly sentPerSecond: number } | null;
  readonly load: readonly number[];
  readonly uptimeSeconds: number;
  readonly unreadable: readonly { readonly figure: string; readonly reason: string }[];
  readonly limits: readonly { readonly metric: string; readonly limit: number }[];
  readonly sentAt: number;
}

interface Alert {
  readonly id: number;
  readonly kind: 'alert' | 'recovery';
  readonly metric: string;
  readonly message: string;
  readonly sentAt: number;
}

const KINDS = { alert: { text: 'Alert', tone: 'bad' }, recovery: { text: 'Recovery', tone: 'good' } } as const;

const shares = new LivePlot(
  byId('shares'),
  [
    { label: 'CPU', color: '--accent' },
    { label: 'Memory', color: '--warn' },
    { label: 'Disk', color: '--good' },
  ],
  { range: [0, 100], unit: ' %' },
);
const network = new LivePlot(
  byId('network'),
  [
    { label: 'In', color: '--accent' },
    { label: 'Out', color: '--warn', isDashed: true },
  ],
  { range: 'from zero' },
);

const beganAt = performance.now();
const pusher = new Pusher('monitoring-key', {
  cluster: '',
  wsHost: location.hostname,
  wsPort: Number(import.meta.env.BROKER_PORT),
  forceTLS: false,
  enabledTransports: ['ws'],
  unavailableTimeout: UNAVAILABLE_AFTER_MS,
});
watchConnection(pusher, byId('state'), byId('notice'));
showConnectTime(pusher, byId('connect-ms'), beganAt);

/** Of the last readings: the same one comes again with each new connection. */
let lastSentAt = 0;

const monitor = pusher.subscribe('cache-monitor');
monitor.bind('metrics_update', (metrics: Metrics) => {
  if (metrics.sentAt === lastSentAt) return;
  // The channel's last reading, which may be some seconds old, says nothing about the way here.
  if (lastSentAt > 0) byId('event-ms').textContent = String(Math.max(0, Date.now() - metrics.sentAt));
  lastSentAt = metrics.sentAt;
  showMetrics(metrics);
});
monitor.bind('alert', ({ message }: Alert) => toast(message, 'bad'));
monitor.bind('recovery', ({ message }: Alert) => toast(message, 'good'));
pusher.subscribe('cache-alerts').bind('alerts', ({ alerts }: { alerts: readonly Alert[] }) => showAlerts(alerts));

function showMetrics({
  host,
  cpu,
  memory,
  disk,
  network: net,
  load,
  uptimeSeconds,
  unreadable,
  limits,
  sentAt,
}: Metrics) {
  byId('host').textContent = host;
  byId('uptime').textContent = duration(uptimeSeconds);
  byId('read-at').textContent = timeOf(sentAt);
  const percent = (share: { percent: number } | null): string => (share ? `${share.percent.toFixed(1)} %` : 'unknown');
  const detailOf = (figure: string, detail: string | undefined): string =>
    detail ?? unreadable.find((one) => one.figure === figure)?.reason ?? '';
  const sizes = (share: Share | null) => share && `${bytes(share.used)} of ${bytes(share.total)}`;
  showTile('cpu', percent(cpu), detailOf('cpu', cpu ? `${cpu.cores} cores, load ${load[0]?.toFixed(1)}` : undefined));
  showTile('memory', percent(memory), detailOf('memory', sizes(memory) ?? undefined));
  showTile('disk', percent(disk), detailOf('disk', sizes(disk) ?? undefined));
  showTile(
    'network',
    net ? `${bytes(net.receivedPerSecond)}/s` : 'unknown',
    detailOf('network', net ? `${bytes(net.sentPerSecond)}/s out` : undefined),
  );
  for (const { metric, limit } of limits) {
    const value = { cpu, memory, disk }[metric]?.percent ?? 0;
    const tile = tileOf(metric);
    tile.style.setProperty('--share', `${Math.min(100, value)}%`);
    tile.style.setProperty('--limit', `calc(${limit}% - 1px)`);
    if (value >= limit) tile.dataset.tone = 'bad';
    else delete tile.dataset.tone;
  }
  shares.add(sentAt, cpu?.percent ?? null, memory?.percent ?? null, disk?.percent ?? null);
  network.add(sentAt, net && net.receivedPerSecond / 1000, net && net.sentPerSecond / 1000);
}

function tileOf(metric: string): HTMLElement {
  const tile = document.querySelector<HTMLElement>(`[data-metric="${metric}"]`);
  if (!tile) throw new Error(`the page has no tile for ${metric}`);
  return tile;
}

function showTile(metric: string, figure: string, detail: string): void {
  const [place, below] = tileOf(metric).querySelectorAll<HTMLElement>('.figure, .detail');
  if (place) setText(place, figure);
  if (below) below.textContent = detail;
}

function showAlerts(alerts: readonly Alert[]): void {
  byId('no-alerts').hidden = alerts.length > 0;
  byId('alerts').replaceChildren(
    ...alerts.map(({ kind, message, sentAt }) => {
      const line = element('li');
      line.dataset.kind = kind;
      const name = element('span', KINDS[kind].text, 'kind tone');
      name.dataset.tone = KINDS[kind].tone;
      line.append(element('time', timeOf(sentAt)), name, element('span', message));
      return line;
    }),
  );
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

byId<HTMLFormElement>('drill').addEventListener('submit', async (event) => {
  event.preventDefault();
  try {
    const answer = await fetch(`http://${location.hostname}:${import.meta.env.DRILL_PORT}/drill`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ note: byId<HTMLInputElement>('note').value }),
    });
    const { message, error } = (await answer.json()) as { message?: string; error?: string };
    toast(message ?? error ?? 'The drill was not started.', answer.ok ? 'warn' : 'bad');
  } catch {
    toast('The monitor does not answer: is it running?', 'bad');
  }
});
