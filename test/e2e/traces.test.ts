import { afterAll, beforeAll, expect, test } from 'vitest';
import { trigger } from '../support/api-client.ts';
import { APP, FULL_APP } from '../support/broker.ts';
import { type BrokerProcess, startProcess } from '../support/process.ts';
import { RawClient } from '../support/raw-client.ts';
import { RedisServer } from '../support/redis-server.ts';
import { type ReceivedSpan, TraceReceiver } from '../support/trace-receiver.ts';
import { untilEqual } from '../support/until.ts';
import { WebhookTarget } from '../support/webhook-target.ts';

const [CLIENT, PRODUCER] = [3, 4];
/** As OTLP numbers them. */
const [SERVER, CONSUMER] = [2, 5];

let redis: RedisServer;
let receiver: TraceReceiver;
let target: WebhookTarget;
let near: BrokerProcess;
/** Begins no traces itself. */
let far: BrokerProcess;
beforeAll(async () => {
  [redis, receiver, target] = await Promise.all([RedisServer.start(), TraceReceiver.start(), WebhookTarget.start()]);
  const start = (service: string, ratio: number): Promise<BrokerProcess> =>
    startProcess({
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
        OTEL_SERVICE_NAME: service,
        OTEL_BSP_SCHEDULE_DELAY: '20',
      },
      settings: {
        'adapter.driver': 'redis',
        'database.redis.port': redis.port,
        'tracing.enabled': true,
        'tracing.ratio': ratio,
      },
      apps: [{ ...FULL_APP, webhooks: [{ url: target.url, event_types: ['client_event'] }] }],
    });
  [near, far] = await Promise.all([start('near', 1), start('far', 0)]);
});
afterAll(async () => {
  await Promise.all([near.kill(), far.kill(), target.stop(), receiver.stop()]);
  await redis.dispose();
});

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';
const EVENT = { name: 'e', channel: 'private-orders', data: '{}' };

async function subscribed(broker: BrokerProcess, channel = 'private-orders'): Promise<RawClient> {
  const client = await RawClient.connect(broker.wsUrl);
  await client.subscribed(channel);
  return client;
}

function namesOf(spans: readonly ReceivedSpan[]): string[] {
  return spans.map(({ name, resource }) => `${resource['service.name']}: ${name}`).sort();
}

test('one trace goes from the request through the broker to the clients of each node', async () => {
  const clients = [await subscribed(near), await subscribed(near), await subscribed(far)];
  const headers = { traceparent: `00-${TRACE}-${PARENT}-01` };
  const answer = await trigger(near.url, { ...EVENT, channels: ['private-orders', 'private-empty'] }, { headers });
  expect(answer.status).toBe(200);
  const spans = await receiver.trace(TRACE, 5);
  const request = spans.find(({ kind }) => kind === SERVER);
  expect(request).toMatchObject({
    name: 'POST /apps/:app/events',
    parentSpanId: PARENT,
    attributes: {
      'http.request.method': 'POST',
      'http.route': '/apps/:app/events',
      'http.response.status_code': 200,
      'kulkul.app': APP.id,
    },
    status: 0,
    resource: { 'service.name': 'near' },
  });
  const published = spans.filter(({ kind }) => kind === PRODUCER);
  expect(published.map(({ attributes }) => attributes['messaging.destination.name']).sort()).toEqual([
    'private-empty',
    'private-orders',
  ]);
  for (const { name, parentSpanId } of published) expect([name, parentSpanId]).toEqual(['publish', request?.spanId]);
  const delivered = spans.filter(({ kind }) => kind === CONSUMER);
  expect(namesOf(delivered)).toEqual(['far: deliver', 'near: deliver']);
  const orders = published.find(({ attributes }) => attributes['messaging.destination.name'] === 'private-orders');
  for (const { attributes, parentSpanId, resource } of delivered) {
    expect(parentSpanId).toBe(orders?.spanId);
    expect(attributes).toMatchObject({
      'messaging.destination.name': 'private-orders',
      'kulkul.connections': resource['service.name'] === 'near' ? 2 : 1,
    });
  }
  for (const { start, end } of spans) expect(start <= end).toBe(true);
  for (const client of clients) await client.close();
});

test('a trace that the caller does not record, or that a stranger sends, is not recorded', async () => {
  const client = await subscribed(far);
  const [unrecorded, foreign, last] = ['1', '2', '3'].map((digit) => digit.repeat(32));
  const send = (
    traceId: string | undefined,
    flags: string,
    app: { id: string; key: string; secret: string } = APP,
  ): Promise<{ status: number }> =>
    trigger(near.url, EVENT, { headers: { traceparent: `00-${traceId}-${PARENT}-${flags}` }, app });
  expect((await send(unrecorded, '00')).status).toBe(200);
  expect((await send(foreign, '01', { ...APP, secret: 'wrong' })).status).toBe(401);
  expect((await send(last, '01')).status).toBe(200);
  // Where one trace is, those before it are, too.
  await receiver.trace(String(last), 3);
  expect(receiver.spans.filter(({ traceId }) => traceId === unrecorded || traceId === foreign)).toEqual([]);
  await client.close();
});

test('a node begins as many traces as its ratio says, and goes on with those that others began', async () => {
  const client = await subscribed(far, 'private-ratio');
  const event = { ...EVENT, channel: 'private-ratio' };
  await trigger(far.url, event);
  await trigger(near.url, event, { headers: { traceparent: 'nonsense' } });
  const isHere = ({ attributes }: ReceivedSpan): boolean =>
    attributes['messaging.destination.name'] === 'private-ratio';
  const { traceId } = await receiver.span('deliver', isHere);
  expect(namesOf(await receiver.trace(traceId, 3))).toEqual([
    'far: deliver',
    'near: POST /apps/:app/events',
    'near: publish',
  ]);
  await untilEqual(() => receiver.spans.filter(isHere).length, 2);
  await client.close();
});

test('a refused request is an error with the id of its cause', async () => {
  await trigger(near.url, { ...EVENT, name: '' });
  const refused = await receiver.span('POST /apps/:app/events', ({ status }) => status === 2);
  expect(refused.attributes).toMatchObject({ 'http.response.status_code': 400, 'error.type': 'invalid-event-name' });
});

test('the trace of a client event goes on to the webhook that is told of it, which gets no more of it than a header', async () => {
  const [sender, other] = [await subscribed(near, 'private-chat'), await subscribed(far, 'private-chat')];
  sender.send({ event: 'client-typing', channel: 'private-chat', data: '1' });
  const request = await target.next();
  const webhook = await receiver.span('webhook');
  expect(webhook).toMatchObject({
    kind: CLIENT,
    attributes: { 'http.response.status_code': 200, 'server.address': '127.0.0.1', 'server.port': target.port },
  });
  const spans = await receiver.trace(webhook.traceId, 4);
  expect(namesOf(spans.filter(({ name }) => name !== 'webhook'))).toEqual([
    'far: deliver',
    'near: client event',
    'near: deliver',
  ]);
  expect(webhook.parentSpanId).toBe(spans.find(({ name }) => name === 'client event')?.spanId);
  expect(request.headers.traceparent).toBe(`00-${webhook.traceId}-${webhook.spanId}-01`);
  expect(request.body.toString()).not.toContain('trace');
  await Promise.all([sender.close(), other.close()]);
});
