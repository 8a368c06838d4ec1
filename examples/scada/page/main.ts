import '../../shared/page/look.css';
import Echo from 'laravel-echo';
import Pusher from 'pusher-js';
import { showConnectTime, UNAVAILABLE_AFTER_MS, watchConnection } from '../../shared/page/connection.ts';
import { byId, element, timeOf, toast } from '../../shared/page/dom.ts';
import { LivePlot } from '../../shared/page/plot.ts';
import { type Alarm, AlarmList, limitText, toneOf } from './alarms.ts';
import { acknowledge, type Limits, readPlant } from './plant.ts';
import { latestOf, type Reading } from './reading.ts';

interface Summary {
  readonly tag: string;
  readonly mean: number;
}

interface Aggregated {
  readonly tags: readonly Summary[];
  readonly sentAt: number;
}

/** Sums come ten times a second: after so long a silence there was an outage. */
const GAP_AFTER_MS = 2000;

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

const flow = new LivePlot(
  byId('flow'),
  [
    { label: 'Inlet', color: '--accent' },
    { label: 'Outlet', color: '--warn' },
  ],
  { gapAfterMs: GAP_AFTER_MS },
);
const pressure = new LivePlot(byId('pressure'), [{ label: 'Pump', color: '--accent' }], { gapAfterMs: GAP_AFTER_MS });
const latency = new LivePlot(byId('latency'), [{ label: 'Delay', color: '--good' }], {
  gapAfterMs: GAP_AFTER_MS,
  unit: ' ms',
});

interface Figure {
  readonly card: HTMLElement;
  readonly value: HTMLElement;
  readonly limit: HTMLElement;
  readonly unit: string;
}

const plant = await readPlant();
const limits = new Map<string, Limits>(plant.tags.map((tag) => [tag.tag, tag.limits]));
const figures = new Map<string, Figure>();
const latest = new Map<string, number>();
let readings = 0;
let batches = 0;

function figureOf({ tag, unit }: { readonly tag: string; readonly unit: string }): Figure {
  const known = figures.get(tag);
  if (known) return known;
  const card = element('div', '', 'card');
  const value = element('span', '', 'figure');
  value.dataset.tag = tag;
  const limit = element('div', limitText(limits.get(tag), undefined), 'limit');
  card.append(
    element('h2', tag.replace('.', ' ').replace(/ ph$/, ' pH')),
    value,
    element('span', ` ${unit}`, 'muted'),
    limit,
  );
  // In the order of their names, whichever comes first.
  const next = [...figures.keys()].filter((other) => other > tag).sort()[0];
  byId('tags').insertBefore(card, next === undefined ? null : (figures.get(next)?.card ?? null));
  const figure = { card, value, limit, unit };
  figures.set(tag, figure);
  return figure;
}

const operator = byId<HTMLInputElement>('operator');
operator.value = localStorage.getItem('operator') ?? 'Operator';
operator.addEventListener('change', () => localStorage.setItem('operator', operator.value));

const list = new AlarmList(async (tag) => {
  const problem = await acknowledge(tag, operator.value);
  if (problem !== undefined) toast(problem, 'bad');
});
let shownAlarmsAt = 0;

function showAlarms({ alarms, sentAt }: { readonly alarms: readonly Alarm[]; readonly sentAt: number }): void {
  // Two lists that are sent at the same time may overtake each other.
  if (sentAt < shownAlarmsAt) return;
  shownAlarmsAt = sentAt;
  list.show(alarms, (tag) => figures.get(tag)?.unit ?? '');
  for (const [tag, { card, limit }] of figures) {
    const alarm = alarms.find((one) => one.tag === tag);
    const tone = toneOf(alarm);
    if (tone === undefined) delete card.dataset.tone;
    else card.dataset.tone = tone;
    limit.textContent = limitText(limits.get(tag), alarm);
  }
}

function draw(at: number): void {
  flow.add(at, latest.get('inlet.flow') ?? null, latest.get('outlet.flow') ?? null);
  pressure.add(at, latest.get('pump.pressure') ?? null);
}

// What was there before the page was opened.
for (const tag of plant.tags) figureOf(tag);
for (const { at, means } of plant.history) {
  for (const [tag, mean] of Object.entries(means)) latest.set(tag, mean);
  draw(at);
}
for (const [tag, { value }] of figures) value.textContent = latest.get(tag)?.toFixed(2) ?? '';
showAlarms({ alarms: plant.alarms, sentAt: plant.history.at(-1)?.at ?? 0 });

echo.channel('scada-data').listen('.scada.data.received', (data: { readings: Reading[]; sentAt: number }) => {
  // All of them change with every batch: to light up would say nothing.
  for (const reading of latestOf(data.readings)) figureOf(reading).value.textContent = reading.value.toFixed(2);
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
  draw(sentAt);
  const delayMs = Math.max(0, Date.now() - sentAt);
  latency.add(sentAt, delayMs);
  byId('event-ms').textContent = String(delayMs);
});

echo.channel('cache-scada-alarms').listen('.scada.alarms.updated', showAlarms);
