/**
 * Reads this host every few seconds and tells its readers: `metrics_update` each time, `alert` and `recovery` when a figure crosses its
 * limit or is well again. Everything goes through the mask first.
 */
import os from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { serveEndpoint } from '../shared/endpoint.mjs';
import { every, Publisher } from '../shared/publisher.mjs';
import { variablesOf } from '../shared/variables.mjs';
import { Host } from './host.mjs';
import { mask } from './mask.mjs';
import { settingsFrom } from './settings.mjs';
import { Watch } from './watch.mjs';

/** Processor and network figures are means over a time: this is the first one. */
const FIRST_MS = 500;
/** A drill lasts for so many readings. */
const DRILL_READINGS = 2;
const NOTE_CHARACTERS = 200;

const names = ['APP_ID', 'APP_KEY', 'APP_SECRET', 'DRILL_PORT', 'PAGE_PORT'];
const { APP_ID: appId, APP_KEY: key, APP_SECRET: secret, DRILL_PORT, PAGE_PORT } = variablesOf(...names);
const publisher = new Publisher({ appId, key, secret });
const host = new Host();
const { intervalMs, limits } = readSettings();
const watch = new Watch(limits);
let drill = { readingsLeft: 0, note: '' };
let saidUnreadable = '';

function readSettings() {
  try {
    return settingsFrom(process.env);
  } catch (error) {
    process.stdout.write(`${error.message}\n`);
    process.exit(1);
  }
}

async function report() {
  const { figures, unreadable } = await host.read();
  say(unreadable);
  const values = {
    cpu: figures.cpu?.percent,
    memory: figures.memory?.percent,
    disk: figures.disk?.percent,
    drill: drill.readingsLeft > 0 ? 100 : 0,
  };
  const news = watch.check(values, drill.note, Date.now());
  drill.readingsLeft = Math.max(0, drill.readingsLeft - 1);
  const events = news.map((item) => ({ channel: 'cache-monitor', name: item.kind, data: item }));
  // Each time: the broker may have been started anew meanwhile, and then it has forgotten it.
  events.push({ channel: 'cache-alerts', name: 'alerts', data: { alerts: watch.recent, sentAt: Date.now() } });
  const metrics = { host: os.hostname(), ...figures, unreadable, limits, sentAt: Date.now() };
  // The last one is what the channel keeps for those who come later.
  events.push({ channel: 'cache-monitor', name: 'metrics_update', data: metrics });
  await publisher.triggerBatch(events.map((event) => ({ ...event, data: mask(event.data) })));
}

function say(unreadable) {
  const text = unreadable.map(({ figure, reason }) => `Can't read ${figure}: ${mask(reason)}.\n`).join('');
  if (text !== saidUnreadable) process.stdout.write(text);
  saidUnreadable = text;
}

serveEndpoint({ port: DRILL_PORT, pagePort: PAGE_PORT, path: '/drill' }, ({ note = '' }) => {
  if (typeof note !== 'string' || note.length > NOTE_CHARACTERS) {
    return { status: 422, body: { error: `Give a note of up to ${NOTE_CHARACTERS} characters, or none.` } };
  }
  drill = { readingsLeft: DRILL_READINGS, note };
  return { status: 202, body: { message: `The next ${DRILL_READINGS} readings are a drill.` } };
});

const words = limits.map(({ label, limit }) => `${label} ${limit} %`).join(', ');
process.stdout.write(`This host, every ${intervalMs / 1000} s. Alerts: ${words}.\n`);
await setTimeout(FIRST_MS);
every(intervalMs, report);
