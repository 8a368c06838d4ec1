/**
 * A simulated plant (seeded, so that it is the same each time): six tags, all of them read every 20 ms. Readings go out as they come,
 * gathered into batches; sums of them go out at most every 100 ms, however fast the readings are. Alarms go out when they change.
 */
import { every, Publisher } from '../shared/publisher.mjs';
import { variablesOf } from '../shared/variables.mjs';
import { Alarms } from './alarms.mjs';
import { serveOperators } from './operator-api.mjs';
import { createTags } from './tags.mjs';

const READ_MS = 20;
/** Readings: ten of each tag, which are a fifth of a second, and about 6 kB. */
const BATCH_SIZE = 60;
const AGGREGATE_MS = 100;
/** Sums that a page gets when it is opened: half a minute of them. */
const HISTORY_SIZE = 300;
/** The list of alarms is sent again although nothing changed: a broker that was away has it soon, for whoever comes. */
const ALARMS_AGAIN_MS = 2000;

const {
  APP_ID: appId,
  APP_KEY: key,
  APP_SECRET: secret,
  PLANT_PORT,
  PAGE_PORT,
} = variablesOf('APP_ID', 'APP_KEY', 'APP_SECRET', 'PLANT_PORT', 'PAGE_PORT');
const publisher = new Publisher({ appId, key, secret });

const tags = createTags(2024);
const alarms = new Alarms(tags);
const history = [];

let sequence = 0;
const batch = [];
let window = new Map();

setInterval(() => {
  for (const { tag, unit, wander } of tags) {
    sequence += 1;
    const value = wander.next();
    batch.push({ sequence, tag, unit, value, sentAt: Date.now() });
    window.set(tag, [...(window.get(tag) ?? []), value]);
  }
  if (batch.length >= BATCH_SIZE) void publishBatch(batch.splice(0));
}, READ_MS);

async function publishBatch(readings) {
  const [from, to] = [readings[0].sequence, readings.at(-1).sequence];
  const processed = { from, to, count: readings.length, sentAt: Date.now() };
  await publisher.triggerBatch([
    { channel: 'scada-data', name: 'scada.data.received', data: { readings, sentAt: Date.now() } },
    { channel: 'scada-batch', name: 'scada.batch.processed', data: processed },
  ]);
}

every(AGGREGATE_MS, async () => {
  const values = window;
  window = new Map();
  const summary = [...values].map(([tag, numbers]) => ({
    tag,
    count: numbers.length,
    mean: round(numbers.reduce((sum, number) => sum + number, 0) / numbers.length),
    low: Math.min(...numbers),
    high: Math.max(...numbers),
  }));
  if (summary.length === 0) return;
  const data = { tags: summary, sentAt: Date.now() };
  history.push({ at: data.sentAt, means: Object.fromEntries(summary.map(({ tag, mean }) => [tag, mean])) });
  if (history.length > HISTORY_SIZE) history.shift();
  const changes = summary.filter(({ tag, mean }) => alarms.take(tag, mean, data.sentAt));
  if (changes.length > 0) void publishAlarms();
  await publisher.triggerBatch([
    { channel: 'scada-aggregated', name: 'scada.aggregated.updated', data },
    { channel: 'scada-realtime', name: 'scada.data.received', data },
  ]);
});

every(ALARMS_AGAIN_MS, publishAlarms);

function publishAlarms() {
  const data = { alarms: alarms.list, sentAt: Date.now() };
  return publisher.trigger('cache-scada-alarms', 'scada.alarms.updated', data);
}

serveOperators({
  port: Number(PLANT_PORT),
  pagePort: PAGE_PORT,
  snapshot: () => ({
    tags: tags.map(({ tag, unit, limits }) => ({ tag, unit, limits })),
    history,
    alarms: alarms.list,
  }),
  acknowledge: (tag, by) => {
    const isNews = alarms.acknowledge(tag, by, Date.now());
    if (isNews) void publishAlarms();
    return isNews;
  },
});

function round(number) {
  return Math.round(number * 100) / 100;
}

process.stdout.write(`Simulated plant: ${tags.length} tags, read every ${READ_MS} ms.\n`);
