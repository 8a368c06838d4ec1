import { afterAll, beforeAll, expect, test } from 'vitest';
import { read, trigger } from '../../support/api-client.ts';
import { APP } from '../../support/broker.ts';
import { parseMetrics, type Series, sumOf } from '../../support/prometheus-text.ts';
import { RawClient } from '../../support/raw-client.ts';
import { until } from '../../support/until.ts';
import { type AdminBroker, startAdminBroker } from '../admin/admin-broker.ts';

const OF_APP = { app_id: APP.id };

let broker: AdminBroker;
beforeAll(async () => {
  broker = await startAdminBroker({
    settings: { 'metrics.enabled': true, 'metrics.host': '127.0.0.1' },
    apps: [{ ...APP, enableClientMessages: true }],
  });
});
afterAll(() => broker.stop());

async function scrape(): Promise<readonly Series[]> {
  return parseMetrics((await broker.api('GET', '/metrics')).text);
}

/** By how much the numbers have risen since `before`. */
async function since(before: readonly Series[]): Promise<(name: string, labels?: Series['labels']) => number> {
  const now = await scrape();
  return (name, labels = OF_APP) => (sumOf(now, name, labels) ?? 0) - (sumOf(before, name, labels) ?? 0);
}

test('the answer is of the text format 0.0.4, and each series follows its HELP and TYPE', async () => {
  const { status, headers, text } = await broker.api('GET', '/metrics');
  expect([status, headers['content-type']]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
  let family = '';
  for (const line of text.split('\n').slice(0, -1)) {
    const [, type, name = ''] = /^# (HELP|TYPE) (\S+) \S/.exec(line) ?? [];
    if (type) family = name;
    else expect(line.replace(/[{ ].*/, '').replace(/_(bucket|sum|count)$/, '')).toBe(family);
  }
  expect(text.endsWith('\n')).toBe(true);
});

test("Soketi's names have its labels, and are there for an app before anything happens in it", async () => {
  const port = String(broker.server.port);
  const series = await scrape();
  for (const name of [
    'connected',
    'new_connections_total',
    'new_disconnections_total',
    'socket_received_bytes',
    'socket_transmitted_bytes',
    'ws_messages_received_total',
    'ws_messages_sent_total',
    'http_received_bytes',
    'http_transmitted_bytes',
    'http_calls_received_total',
    'horizontal_adapter_resolve_time_count',
    'horizontal_adapter_resolved_promises',
    'horizontal_adapter_uncomplete_promises',
    'horizontal_adapter_sent_requests',
    'horizontal_adapter_received_requests',
    'horizontal_adapter_received_responses',
  ]) {
    const found = series.find((one) => one.name === `soketi_${name}` && one.labels.app_id === APP.id);
    expect([name, found?.labels]).toEqual([name, { app_id: APP.id, port }]);
  }
  for (const name of ['process_resident_memory_bytes', 'nodejs_heap_size_used_bytes', 'nodejs_eventloop_lag_seconds']) {
    const found = series.find((one) => one.name === `soketi_${name}`);
    expect([name, found?.labels, Number(found?.value) >= 0]).toEqual([name, { port }, true]);
  }
});

test('connections, subscriptions, messages, bytes and deliveries are counted per app', async () => {
  const before = await scrape();
  const clients = await Promise.all([RawClient.connect(broker.wsUrl), RawClient.connect(broker.wsUrl)]);
  for (const client of clients) await client.subscribed('private-room');
  const [first, second] = clients;
  await trigger(broker.url, { name: 'new', channel: 'private-room', data: 'ä' });
  for (const client of clients) await client.next('new');
  const frame = JSON.stringify({ event: 'client-typing', channel: 'private-room', data: {} });
  first?.send({ event: 'client-typing', channel: 'private-room', data: {} });
  const received = await second?.nextText();
  const risen = await since(before);
  expect(received).toContain('client-typing');
  expect(risen('soketi_connected')).toBe(2);
  expect(risen('soketi_new_connections_total')).toBe(2);
  expect(risen('soketi_ws_messages_received_total')).toBe(3);
  expect(risen('kulkul_received_bytes_total', { ...OF_APP, over: 'websocket' })).toBeGreaterThan(frame.length);
  expect(risen('kulkul_subscriptions', { ...OF_APP, kind: 'private' })).toBe(2);
  expect(risen('kulkul_channels', { ...OF_APP, kind: 'private' })).toBe(1);
  expect(risen('kulkul_subscriptions_opened_total')).toBe(2);
  expect(risen('kulkul_events_published_total', { ...OF_APP, by: 'backend' })).toBe(1);
  expect(risen('kulkul_events_published_total', { ...OF_APP, by: 'client' })).toBe(1);
  // The event to two, the client event to one.
  expect(risen('kulkul_deliveries_total')).toBe(3);
  expect(risen('soketi_socket_transmitted_bytes')).toBeGreaterThan(0);
  expect(risen('kulkul_connections_by_age', { age: '1m' })).toBe(2);
  for (const client of clients) await client.close();
  await until(async () => (await since(before))('soketi_connected') === 0);
  const ended = await since(before);
  expect(ended('soketi_new_disconnections_total')).toBe(2);
  expect(ended('kulkul_connection_lifetime_seconds_count', {})).toBe(2);
  expect(ended('kulkul_subscriptions')).toBe(0);
});

test('bytes are those of UTF-8, to each client', async () => {
  const client = await RawClient.connect(broker.wsUrl);
  await client.subscribed('texts');
  const before = await scrape();
  await trigger(broker.url, { name: 'new', channel: 'texts', data: 'äöü' });
  const text = await client.nextText();
  const risen = await since(before);
  expect(risen('soketi_socket_transmitted_bytes')).toBe(Buffer.byteLength(text));
  expect(risen('soketi_ws_messages_sent_total')).toBe(1);
  await client.close();
});

test('requests are counted by route and status, refusals by error id; what strangers send is no label', async () => {
  const before = await scrape();
  await trigger(broker.url, { name: 'new', channel: 'a', data: '' });
  await read(broker.url, '/channels/secret-name');
  await trigger(broker.url, { name: 'new', channel: 'not valid!', data: '' });
  await fetch(`${broker.url}/apps/${APP.id}/events?auth_key=stranger`, { method: 'POST', body: '{}' });
  await fetch(`${broker.url}/apps/unknown-app/events`, { method: 'POST', body: '{}' });
  await fetch(`${broker.url}/random-path`);
  const client = new RawClient(`${broker.wsUrl}/app/stranger-key?protocol=7`);
  await client.closed();
  const own = await RawClient.connect(broker.wsUrl);
  own.send({ event: 'pusher:subscribe', data: { channel: 'private-x', auth: 'stranger:abc' } });
  await own.next('pusher:error');
  own.ws.close(4567, 'stranger');
  await until(async () => (await since(before))('kulkul_connections_closed_total') === 1);
  const risen = await since(before);
  const requests = (route: string, status: string, app_id: string = APP.id): number =>
    risen('kulkul_http_requests_total', { app_id, route, status });
  expect(requests('/apps/:app/events', '200')).toBe(1);
  expect(requests('/apps/:app/channels/:channel', '200')).toBe(1);
  expect(requests('/apps/:app/events', '400')).toBe(1);
  expect(requests('/apps/:app/events', '401')).toBe(1);
  expect(requests('/apps/:app/events', '404', '')).toBe(1);
  expect(requests('other', '404', '')).toBe(1);
  expect(risen('kulkul_refusals_total', { app_id: '', of: 'connection', error: 'unknown-app' })).toBe(1);
  expect(risen('kulkul_refusals_total', { ...OF_APP, of: 'subscription' })).toBe(1);
  expect(risen('kulkul_connections_closed_total', { ...OF_APP, code: 'other' })).toBe(1);
  const said = new Set((await scrape()).flatMap(({ labels }) => Object.values(labels)));
  for (const sent of ['stranger', 'secret-name', 'random-path', '4567']) {
    expect([...said].filter((value) => value.includes(sent))).toEqual([]);
  }
});

test('an event is timed until the turn has ended in which it was sent, and its request until the answer', async () => {
  const before = await scrape();
  const client = await RawClient.connect(broker.wsUrl);
  await client.subscribed('timed');
  await until(async () => {
    await trigger(broker.url, { name: 'new', channel: 'timed', data: '' });
    const risen = await since(before);
    return ['kulkul_publish_seconds_count', 'kulkul_trigger_request_seconds_count'].every(
      (name) => risen(name, {}) > 0,
    );
  });
  // There is no Redis on the way.
  expect((await since(before))('kulkul_broker_lag_seconds_count', {})).toBe(0);
  await client.close();
});

test('where metrics are off nothing is counted, and nothing is there', async () => {
  const plain = await startAdminBroker();
  expect((await plain.api('GET', '/metrics')).status).toBe(404);
  expect(plain.server.metrics()).toBeUndefined();
  expect(plain.server.node.observer.published).toBeUndefined();
  await plain.stop();
});
