import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { APP, FULL_APP } from '../../support/broker.ts';
import { RawClient } from '../../support/raw-client.ts';
import { until } from '../../support/until.ts';
import { WebhookTarget } from '../../support/webhook-target.ts';
import { type AdminBroker, startAdminBroker } from './admin-broker.ts';

const app = `/apps/${APP.id}`;

let target: WebhookTarget;
let broker: AdminBroker;
let client: RawClient;
beforeEach(async () => {
  target = await WebhookTarget.start();
  broker = await startAdminBroker({
    // Events that are not accepted are given up at once.
    settings: { 'webhooks.retrySeconds': 0, 'webhooks.timeoutSeconds': 0.5 },
    apps: [
      {
        ...FULL_APP,
        webhooks: [
          { url: `${target.url}?token=secret`, event_types: ['channel_occupied'], headers: { 'X-Own': 'secret' } },
        ],
      },
    ],
  });
  client = await RawClient.connect(broker.wsUrl);
});
afterEach(async () => {
  await broker.stop();
  await target.stop();
});

type Body = Readonly<Record<string, unknown>>;

/** The only webhook of the app. */
async function shown(): Promise<Body & { readonly id: string }> {
  const { body } = await broker.api('GET', `${app}/webhooks`);
  const [first, ...others] = body.webhooks as (Body & { readonly id: string })[];
  if (!first || others.length > 0) throw new Error('there is one webhook');
  return first;
}

/** Channels whose events are refused, and become dead letters. */
async function refused(...channels: readonly string[]): Promise<string> {
  target.respond = (response) => void response.writeHead(500).end();
  for (const channel of channels) await client.subscribed(channel);
  await until(async () => (await shown()).deadLetters === channels.length);
  target.respond = (response) => void response.end();
  return `${app}/dead-letters/${(await shown()).id}`;
}

test('webhooks are shown with how they do, and without what is secret', async () => {
  expect(await shown()).toEqual({
    id: expect.stringMatching(/^[0-9a-f]{12}$/),
    url: `${target.url}?token=•••`,
    eventTypes: ['channel_occupied'],
    waiting: 0,
    attempts: 0,
    failures: 0,
    delivered: 0,
    givenUp: 0,
    deadLetters: 0,
  });
  await client.subscribed('good');
  await until(async () => (await shown()).delivered === 1);
  await refused('bad');
  await until(async () => (await shown()).givenUp === 1);
  expect(await shown()).toMatchObject({
    attempts: 2,
    failures: 1,
    delivered: 1,
    deadLetters: 1,
    lastStatus: 500,
    lastError: 'it answered 500',
    lastAttempt: expect.stringMatching(/^20.*Z$/),
  });
});

describe('dead letters', () => {
  test('are listed, and shown one by one', async () => {
    const path = await refused('one', 'two');
    const { body } = await broker.api('GET', path);
    const letters = body.deadLetters as Body[];
    expect(body.total).toBe(2);
    expect(letters).toMatchObject([
      { event: { name: 'channel_occupied', channel: 'one' }, attempts: 1, error: 'it answered 500', status: 500 },
      { event: { name: 'channel_occupied', channel: 'two' } },
    ]);
    expect((await broker.api('GET', `${path}?limit=1`)).body).toEqual({ total: 2, deadLetters: [letters[0]] });
    expect((await broker.api('GET', `${path}/${letters[1]?.id}`)).body).toEqual(letters[1]);
  });

  test('are sent again, one or all of them, with the id that they had and a new time', async () => {
    const path = await refused('one', 'two', 'three');
    const before = target.received.length;
    const ids = target.received.flatMap((request) => request.ids);
    const { body } = await broker.api('GET', path);
    const [, second] = body.deadLetters as { id: string; time: string }[];
    expect((await broker.api('POST', `${path}/${second?.id}`)).body).toEqual({ replayed: 1 });
    await until(() => target.received.length === before + 1);
    const again = target.received.at(-1);
    expect(again?.ids).toEqual([second?.id]);
    expect(ids).toContain(second?.id);
    expect(again?.content.events).toEqual([{ name: 'channel_occupied', channel: 'two' }]);
    expect(again?.content.time_ms).toBeGreaterThan(Date.parse(second?.time ?? ''));
    expect((await broker.api('POST', path)).body).toEqual({ replayed: 2 });
    await until(() => target.received.length === before + 3);
    expect((await broker.api('GET', path)).body).toEqual({ total: 0, deadLetters: [] });
    expect((await broker.api('POST', `${path}/${second?.id}`)).status).toBe(404);
  });

  test('are discarded, one or all of them', async () => {
    const path = await refused('one', 'two', 'three');
    const { body } = await broker.api('GET', path);
    const [first] = body.deadLetters as { id: string }[];
    expect((await broker.api('DELETE', `${path}/${first?.id}`)).body).toEqual({ discarded: 1 });
    expect((await broker.api('GET', path)).body.total).toBe(2);
    expect((await broker.api('DELETE', path)).body).toEqual({ discarded: 2 });
    expect((await broker.api('DELETE', `${path}/${first?.id}`)).status).toBe(404);
  });

  test('of a webhook that the app has no longer can be seen and discarded', async () => {
    const path = await refused('one');
    await broker.api('PATCH', app, { webhooks: [] });
    expect(await shown()).toMatchObject({ removed: true, deadLetters: 1, eventTypes: [] });
    expect((await broker.api('GET', path)).body.total).toBe(1);
    expect((await broker.api('POST', path)).body.error).toBe('webhook-removed');
    expect((await broker.api('DELETE', path)).body).toEqual({ discarded: 1 });
  });
});

describe('a test', () => {
  test('shows what was sent, without what is secret, and what came back', async () => {
    target.respond = (response) => void response.writeHead(202, { 'X-From': 'app' }).end('thanks');
    const { body } = await broker.api('POST', `${app}/webhooks/test`, { channel: 'try' });
    const received = await target.next();
    expect(received.headers).toMatchObject({ 'x-kulkul-test': '1', 'x-own': 'secret' });
    expect(received.content.events).toEqual([{ name: 'channel_occupied', channel: 'try' }]);
    expect(body).toEqual({
      webhook: (await shown()).id,
      accepted: true,
      milliseconds: expect.any(Number),
      request: {
        url: `${target.url}?token=•••`,
        headers: {
          'User-Agent': 'Kulkul',
          'X-Own': '•••',
          'Content-Type': 'application/json',
          'X-Pusher-Key': APP.key,
          'X-Pusher-Signature': received.headers['x-pusher-signature'],
          'X-Kulkul-Event-Ids': received.ids[0],
          'X-Kulkul-Test': '1',
        },
        body: received.body.toString(),
      },
      answer: { status: 202, headers: expect.objectContaining({ 'x-from': 'app' }), body: 'thanks' },
    });
  });

  test('says why there was no answer', async () => {
    target.respond = () => {};
    const { status, body } = await broker.api('POST', `${app}/webhooks/test`);
    expect(status).toBe(200);
    expect(body).toMatchObject({ accepted: false, error: 'no answer within 0.5 s' });
    expect(body).not.toHaveProperty('answer');
  });

  test('goes to no private address for an app that came over this API', async () => {
    await broker.api('POST', '/apps', {
      id: 'guest',
      webhooks: [{ url: target.url, event_types: ['channel_occupied'] }],
    });
    const { body } = await broker.api('POST', '/apps/guest/webhooks/test');
    expect(body).toMatchObject({ accepted: false, error: expect.stringContaining('127.0.0.1 is a private address') });
    expect(target.connections).toBe(0);
  });

  test('wants to know which webhook is meant, where there are several or none', async () => {
    const url = 'http://127.0.0.1:1/';
    const webhooks = ['a', 'b'].map((path) => ({ url: `${url}${path}`, event_types: ['cache_miss'] }));
    await broker.api('PATCH', app, { webhooks });
    expect((await broker.api('POST', `${app}/webhooks/test`)).body.message).toContain('which one is meant?');
    expect((await broker.api('POST', `${app}/webhooks/test`, { webhook: 'c' })).body.error).toBe('unknown-webhook');
    await broker.api('PATCH', app, { webhooks: [] });
    expect((await broker.api('POST', `${app}/webhooks/test`)).body.error).toBe('unknown-webhook');
  });
});
