import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Backend from 'pusher';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { APP, FULL_APP } from '../support/broker.ts';
import { type BrokerProcess, startProcess, temporaryFolder } from '../support/process.ts';
import { RawClient } from '../support/raw-client.ts';
import { Authority } from '../support/tls.ts';
import { type ReceivedWebhook, WebhookTarget } from '../support/webhook-target.ts';
import { Pusher } from './scenarios/pusher.ts';

const backend = new Backend({ appId: APP.id, key: APP.key, secret: APP.secret, host: '127.0.0.1' });

let target: WebhookTarget;
beforeEach(async () => {
  target = await WebhookTarget.start();
});
afterEach(() => target.stop());

const ALL = ['channel_occupied', 'channel_vacated', 'member_added', 'member_removed', 'client_event', 'cache_miss'];

function appFor(url: string, more: object = {}): Readonly<Record<string, unknown>> {
  return { ...FULL_APP, webhooks: [{ url, event_types: ALL, ...more }] };
}

/** The events of a request, once the SDK has accepted it. */
function verified({ headers, body }: ReceivedWebhook): readonly object[] {
  const webhook = backend.webhook({ headers: { ...headers }, rawBody: body.toString() });
  expect(webhook.isValid()).toBe(true);
  return webhook.getEvents();
}

/** The next events, however they are spread over requests. */
async function events(count: number): Promise<object[]> {
  const found: object[] = [];
  while (found.length < count) found.push(...verified(await target.next()));
  return found;
}

function connect({ port }: BrokerProcess): Pusher {
  return new Pusher(APP.key, {
    cluster: '',
    wsHost: '127.0.0.1',
    wsPort: port,
    forceTLS: false,
    enabledTransports: ['ws'],
    channelAuthorization: {
      endpoint: '',
      transport: 'ajax',
      customHandler: ({ socketId, channelName }, answer) => {
        answer(null, backend.authorizeChannel(socketId, channelName, { user_id: 'ann', user_info: { name: 'Ann' } }));
      },
    },
  });
}

describe.each([
  ['one process', []],
  ['two workers', ['--workers', '2']],
] as const)('on %s', (_, args) => {
  test('the SDK accepts what a target is sent, in order, and the grace period holds back what comes back', async () => {
    const broker = await startProcess({
      apps: [appFor(target.url)],
      args,
      settings: { 'webhooks.graceSeconds': 1 },
    });
    const client = connect(broker);
    const channel = client.subscribe('presence-lobby');
    await new Promise((resolve) => void channel.bind('pusher:subscription_succeeded', resolve));
    expect(await events(2)).toEqual([
      { name: 'channel_occupied', channel: 'presence-lobby' },
      { name: 'member_added', channel: 'presence-lobby', user_id: 'ann' },
    ]);
    channel.trigger('client-typed', { text: 'Hällo' });
    const [{ socket_id, ...typed } = {}] = (await events(1)) as Record<string, unknown>[];
    expect(socket_id).toBe(client.connection.socket_id);
    expect(typed).toEqual({
      name: 'client_event',
      channel: 'presence-lobby',
      event: 'client-typed',
      data: '{"text":"Hällo"}',
      user_id: 'ann',
    });
    client.subscribe('cache-news');
    const news = await events(2);
    expect(news).toContainEqual({ name: 'channel_occupied', channel: 'cache-news' });
    expect(news).toContainEqual({ name: 'cache_miss', channel: 'cache-news' });
    client.unsubscribe('presence-lobby');
    const again = client.subscribe('presence-lobby');
    await new Promise((resolve) => again.bind('pusher:subscription_succeeded', resolve));
    client.unsubscribe('presence-lobby');
    expect(await events(2)).toEqual([
      { name: 'member_removed', channel: 'presence-lobby', user_id: 'ann' },
      { name: 'channel_vacated', channel: 'presence-lobby' },
    ]);
    expect(new Set(target.received.flatMap(({ ids }) => ids)).size).toBe(target.received.length);
    client.disconnect();
    await broker.kill();
  });

  test('a graceful stop delivers what its clients leave behind', async () => {
    const broker = await startProcess({ apps: [appFor(target.url)], args });
    const client = await RawClient.connect(broker.wsUrl);
    await client.subscribed('news');
    expect(await events(1)).toEqual([{ name: 'channel_occupied', channel: 'news' }]);
    broker.signal('SIGTERM');
    expect(await events(1)).toEqual([{ name: 'channel_vacated', channel: 'news' }]);
    expect(await broker.exited).toEqual({ code: 0, signal: null });
    expect(broker.log.filter(({ level }) => Number(level) >= 40)).toEqual([]);
  });

  test('what a target refuses comes again, in order, and ends with a line in the log where there is no time', async () => {
    target.respond = (response) => void response.writeHead(503).end();
    const broker = await startProcess({ apps: [appFor(target.url)], args });
    const client = await RawClient.connect(broker.wsUrl);
    await client.subscribed('news');
    const [first, second] = [await target.next(), await target.next()];
    expect(verified(first)).toEqual(verified(second));
    expect(first?.ids).toEqual(second?.ids);
    expect(await broker.logged('webhook failed')).toMatchObject({ error: 'it answered 503', app: APP.id });
    broker.signal('SIGTERM');
    expect(await broker.logged('events for webhooks are lost')).toMatchObject({ events: 2 });
    expect((await broker.exited).code).toBe(0);
  });
});

test('a configuration of Soketi is understood: filter, headers, batches', async () => {
  const broker = await startProcess({
    apps: [
      appFor(target.url, {
        filter: { channel_name_starts_with: 'private-' },
        headers: { 'X-Custom': 'yes' },
      }),
    ],
    settings: { webhooks: { batching: { enabled: true, duration: 200 } } },
  });
  const client = await RawClient.connect(broker.wsUrl);
  for (const channel of ['private-a', 'public', 'private-b']) await client.subscribed(channel);
  const request = await target.next();
  expect(verified(request)).toEqual([
    { name: 'channel_occupied', channel: 'private-a' },
    { name: 'channel_occupied', channel: 'private-b' },
  ]);
  expect(request.headers).toMatchObject({ 'x-custom': 'yes', 'content-type': 'application/json' });
  await broker.kill();
});

test('a target over TLS is called when its certificate is vouched for', async () => {
  const authority = await Authority.create();
  const secure = await WebhookTarget.start(await authority.issue());
  const file = join(temporaryFolder(), 'authority.pem');
  writeFileSync(file, authority.cert);
  const broker = await startProcess({ apps: [appFor(secure.url)], env: { NODE_EXTRA_CA_CERTS: file } });
  const client = await RawClient.connect(broker.wsUrl);
  await client.subscribed('news');
  expect(verified(await secure.next())).toEqual([{ name: 'channel_occupied', channel: 'news' }]);
  await broker.kill();
  await secure.stop();
});

test('a broker without webhooks loads nothing for them', async () => {
  const broker = await startProcess({ env: { NODE_DEBUG: 'esm' } });
  const client = await RawClient.connect(broker.wsUrl);
  await client.subscribed('news');
  await broker.kill();
  expect(broker.stderr).toContain('server-');
  expect(broker.stderr).not.toMatch(/chunks\/(sender|dispatcher)-/);
});
