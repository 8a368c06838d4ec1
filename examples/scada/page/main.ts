import '../../shared/page/look.css';
import Echo from 'laravel-echo';
import Pusher from 'pusher-js';
import { showConnectTime, UNAVAILABLE_AFTER_MS, watchConnection } from '../../shared/page/connection.ts';
import { byId, element, timeOf } from '../../shared/page/dom.ts';
import { LivePlot } from '../../shared/page/plot.ts';
import { latestOf, type Reading } from './reading.ts';

interface Summary {
  readonly tag: string;
  readonly mean: number;
}

interface Aggregated {
  readonly tags: readonly Summary[];
  readonly sentAt: number;
}

const beganAt = performance.now();
const echo = new Echo<'pusher'>({
  broadcaster: 'pusher',
  Pusher,
  key: 'scada_dashboard_key_2024',
  cluster: '',
  wsHost: location.hostname,
  wsPort: Number(import.meta.env.BROKER_PORT),
  forceTLS: false,
  enabledTransports: ['ws'],
  unavailableTimeout: UNAVAILABLE_AFTER_MS,
});
const { pusher } = echo.connector;
watchConnection(pusher, byId('state'), byId('notice'));
showConnectTime(pusher, byId('connect-ms'), beganAt);
byId('reconnect').addEventListener('click', () => {
  pusher.disconnect();
  pusher.connect();
});

const flow = new LivePlot(byId('flow'), [
  { label: 'Inlet', color: '--accent' },
  { label: 'Outlet', color: '--warn' },
]);
const pressure = new LivePlot(byId('pressure'), [{ label: 'Pump', color: '--accent' }]);
const latency = new LivePlot(byId('latency'), [{ label: 'Delay', color: '--good' }], { unit: ' ms' });

const figures = new Map<string, HTMLElement>();
const latest = new Map<string, number>();
let readings = 0;
let batches = 0;

function figureOf({ tag, unit }: Reading): HTMLElement {
  const known = figures.get(tag);
  if (known) return known;
  const card = element('div', '', 'card');
  const figure = element('span', '', 'figure');
  figure.dataset.tag = tag;
  card.append(
    element('h2', tag.replace('.', ' ').replace(/ ph$/, ' pH')),
    figure,
    element('span', ` ${unit}`, 'muted'),
  );
  // In the order of their names, whichever comes first.
  const next = [...figures.keys()].filter((other) => other > tag).sort()[0];
  const before = next === undefined ? null : (figures.get(next)?.parentElement ?? null);
  byId('tags').insertBefore(card, before);
  figures.set(tag, figure);
  return figure;
}

echo.channel('scada-data').listen('.scada.data.received', (data: { readings: Reading[]; sentAt: number }) => {
  // All of them change with every batch: to light up would say nothing.
  for (const reading of latestOf(data.readings)) figureOf(reading).textContent = reading.value.toFixed(2);
  readings += data.readings.length;
  byId('readings').textContent = readings.toLocaleString();
});

echo.channel('scada-batch').listen('.scada.batch.processed', (data: { count: number; sentAt: number }) => {
  batches += 1;
  byId('batches').textContent = batches.toLocaleString();
  byId('last-batch').textContent = `${data.count} readings at ${timeOf(data.sentAt)}`;
});

echo.channel('scada-aggregated').listen('.scada.aggregated.updated', ({ tags, sentAt }: Aggregated) => {
  for (const { tag, mean } of tags) latest.set(tag, mean);
  flow.add(sentAt, latest.get('inlet.flow') ?? null, latest.get('outlet.flow') ?? null);
  pressure.add(sentAt, latest.get('pump.pressure') ?? null);
  const delayMs = Math.max(0, Date.now() - sentAt);
  latency.add(sentAt, delayMs);
  byId('event-ms').textContent = String(delayMs);
});
