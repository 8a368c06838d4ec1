import { afterAll, beforeAll, expect, test } from 'vitest';
import { call, trigger } from '../../support/api-client.ts';
import { startBroker, type TestBroker } from '../../support/broker.ts';

const app = (id: string) => ({ id, key: `${id}-key`, secret: `${id}-secret` });
const WRITES = app('writes');
const READS = app('reads');
const CLOSED = app('closed');

let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker({}, [
    { ...WRITES, maxBackendEventsPerSecond: 3 },
    { ...READS, maxReadRequestsPerSecond: 2 },
    { ...CLOSED, maxBackendEventsPerSecond: 0 },
  ]);
});
afterAll(() => broker.kill());

const publish = (channels: string[], of = WRITES) =>
  trigger(broker.url, { name: 'e', channels, data: '' }, { app: of });

test('events over the allowance are refused, with the time after which they pass', async () => {
  expect((await publish(['a', 'b'])).status).toBe(200);
  const refused = await publish(['a', 'b']);
  expect(refused.status).toBe(429);
  expect(refused.text).toMatch(
    /^Too many requests: 2 events to publish, limit 3 per second \(maxBackendEventsPerSecond\); try again in \d+ ms$/,
  );
  expect(refused.headers.get('retry-after')).toBe('1');
});

test('a request larger than the whole allowance is told that waiting does not help', async () => {
  const refused = await publish(['a', 'b', 'c', 'd']);
  expect(refused.status).toBe(429);
  expect(refused.text).toMatch(/it can never pass: send fewer at once, or raise the limit$/);
  expect(refused.headers.get('retry-after')).toBeNull();
  expect((await publish(['a'], CLOSED)).status).toBe(429);
});

test('questions do not count as events', async () => {
  const path = `/apps/${WRITES.id}/channels`;
  expect((await call(broker.url, 'GET', path, { app: WRITES })).status).toBe(200);
});

test('questions over the allowance are refused', async () => {
  const ask = () => call(broker.url, 'GET', `/apps/${READS.id}/channels`, { app: READS });
  expect((await ask()).status).toBe(200);
  expect((await ask()).status).toBe(200);
  const refused = await ask();
  expect(refused.status).toBe(429);
  expect(refused.text).toMatch(/limit 2 read requests per second \(maxReadRequestsPerSecond\); try again in \d+ ms$/);
  expect(refused.headers.get('retry-after')).toBe('1');
  expect((await publish(['a'], READS)).status).toBe(200);
});
