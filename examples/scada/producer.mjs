/**
 * A simulated plant (seeded, so that it is the same each time): six tags, all of them read every 20 ms. Readings go out as they come,
 * gathered into batches; sums of them go out at most every 100 ms, however fast the readings are.
 */
import { seeded, Wandering } from '../shared/model.mjs';
import { every, Publisher } from '../shared/publisher.mjs';
import { variablesOf } from '../shared/variables.mjs';

const READ_MS = 20;
/** Readings: ten of each tag, which are a fifth of a second, and about 6 kB. */
const BATCH_SIZE = 60;
const AGGREGATE_MS = 100;

const { APP_ID: appId, APP_KEY: key, APP_SECRET: secret } = variablesOf('APP_ID', 'APP_KEY', 'APP_SECRET');
const publisher = new Publisher({ appId, key, secret });

const random = seeded(2024);
const tags = [
  { tag: 'inlet.flow', unit: 'm³/h', wander: new Wandering(random, { mean: 120, spread: 60, inertia: 0.99 }) },
  { tag: 'outlet.flow', unit: 'm³/h', wander: new Wandering(random, { mean: 116, spread: 54, inertia: 0.99 }) },
  { tag: 'tank.level', unit: '%', wander: new Wandering(random, { mean: 62, spread: 31, inertia: 0.998 }) },
  { tag: 'pump.pressure', unit: 'bar', wander: new Wandering(random, { mean: 4.2, spread: 1.8, inertia: 0.99 }) },
  { tag: 'water.ph', unit: 'pH', wander: new Wandering(random, { mean: 7.2, spread: 1, inertia: 0.997 }) },
  { tag: 'motor.temperature', unit: '°C', wander: new Wandering(random, { mean: 58, spread: 23, inertia: 0.997 }) },
];

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
  await publisher.triggerBatch([
    { channel: 'scada-aggregated', name: 'scada.aggregated.updated', data },
    { channel: 'scada-realtime', name: 'scada.data.received', data },
  ]);
});

function round(number) {
  return Math.round(number * 100) / 100;
}

process.stdout.write(`Simulated plant: ${tags.length} tags, read every ${READ_MS} ms.\n`);
