/**
 * A simulated plant (seeded, so that it is the same each time): six tags, read every 20 ms. Readings go out as they come, gathered into
 * batches; sums of them go out at most every 100 ms, however fast the readings are.
 */
import { seeded, Wandering } from '../shared/model.mjs';
import { every, Publisher } from '../shared/publisher.mjs';

const READ_MS = 20;
const BATCH_SIZE = 25;
const AGGREGATE_MS = 100;

const { APP_ID: appId, APP_KEY: key, APP_SECRET: secret } = process.env;
const publisher = new Publisher({ appId, key, secret });

const random = seeded(2024);
const tags = [
  { tag: 'inlet.flow', unit: 'm³/h', wander: new Wandering(random, { mean: 120, spread: 25 }) },
  { tag: 'outlet.flow', unit: 'm³/h', wander: new Wandering(random, { mean: 116, spread: 22 }) },
  { tag: 'tank.level', unit: '%', wander: new Wandering(random, { mean: 62, spread: 14, inertia: 0.99 }) },
  { tag: 'pump.pressure', unit: 'bar', wander: new Wandering(random, { mean: 4.2, spread: 0.8 }) },
  { tag: 'water.ph', unit: 'pH', wander: new Wandering(random, { mean: 7.2, spread: 0.4, inertia: 0.98 }) },
  { tag: 'motor.temperature', unit: '°C', wander: new Wandering(random, { mean: 58, spread: 9, inertia: 0.98 }) },
];

let sequence = 0;
const batch = [];
let window = new Map();

setInterval(() => {
  const { tag, unit, wander } = tags[sequence % tags.length];
  sequence += 1;
  const reading = { sequence, tag, unit, value: wander.next(), sentAt: Date.now() };
  batch.push(reading);
  const values = window.get(tag) ?? [];
  window.set(tag, [...values, reading.value]);
  if (batch.length >= BATCH_SIZE) void publishBatch(batch.splice(0));
}, READ_MS);

async function publishBatch(readings) {
  const processed = { from: readings[0].sequence, to: sequence, count: readings.length, sentAt: Date.now() };
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

process.stdout.write(`Simulated plant: ${tags.length} tags, a reading every ${READ_MS} ms.\n`);
