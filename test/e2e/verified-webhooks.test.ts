import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Pusher from 'pusher';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { hmacHex } from '../../auth/hmac.ts';
import { WEBHOOK_EVENT_TYPES } from '../../protocol/webhook.ts';
import { APP, FULL_APP } from '../support/broker.ts';
import { blockOf } from '../support/page-blocks.ts';
import { type BrokerProcess, startProcess } from '../support/process.ts';
import { ProxyProcess } from '../support/proxy-process.ts';
import { RawClient } from '../support/raw-client.ts';
import { until, untilEqual } from '../support/until.ts';
import { type ReceivedWebhook, WebhookTarget } from '../support/webhook-target.ts';

const PAGE = 'docs/webhooks.md';
const LARAVEL = fileURLToPath(new URL('../support/laravel-webhooks.php', import.meta.url));

/** A receiver in PHP, with the code of the page. */
function startPhp(name: string, code: string, script = name): Promise<ProxyProcess> {
  return ProxyProcess.launch(
    {
      path: inject('php'),
      args: (_, { port }) => ['-S', `127.0.0.1:${port}`, script],
      env: () => ({ PUSHER_APP_KEY: APP.key, PUSHER_APP_SECRET: APP.secret }),
    },
    {
      config({ folder }) {
        writeFileSync(join(folder, name), code);
        return '';
      },
      // Whoever does not sign is refused.
      isUp: async (port) => (await fetch(`http://127.0.0.1:${port}/`, { method: 'POST' })).status === 401,
    },
  );
}

/** Has everything happen that there is an event of, twice for one that has a grace period. */
async function makeEvents(broker: BrokerProcess): Promise<void> {
  const [ann, bob] = [await RawClient.connect(broker.wsUrl), await RawClient.connect(broker.wsUrl)];
  ann.signIn('{"id":"ann"}');
  await ann.next('pusher:signin_success');
  await ann.subscribed('cache-news');
  await ann.next('pusher:cache_miss');
  await ann.subscribed('presence-room', '{"user_id":7,"user_info":{"name":"Änn"}}');
  await bob.subscribed('presence-room', '{"user_id":"bob"}');
  const typing = { event: 'client-typing', channel: 'presence-room', data: { text: 'schön "ja"', emoji: '😀' } };
  ann.send(typing);
  await bob.next('client-typing');
  await ann.close();
  await bob.close();
}

describe('what a webhook gets is accepted', () => {
  let target: WebhookTarget;
  let php: ProxyProcess;
  let laravel: ProxyProcess;
  let broker: BrokerProcess;
  beforeAll(async () => {
    target = await WebhookTarget.start();
    php = await startPhp('webhooks.php', blockOf(PAGE, 'PHP', 'php'));
    const controller = blockOf(PAGE, 'Laravel', 'php', 'class PusherWebhookController');
    laravel = await startPhp('PusherWebhookController.php', controller, LARAVEL);
    const urls = [target.url, `http://127.0.0.1:${php.port}/`, `http://127.0.0.1:${laravel.port}/`];
    const webhooks = urls.map((url) => ({ url, event_types: WEBHOOK_EVENT_TYPES }));
    broker = await startProcess({ apps: [{ ...FULL_APP, webhooks }], settings: { 'webhooks.graceSeconds': 0.5 } });
    await makeEvents(broker);
    await until(() => WEBHOOK_EVENT_TYPES.every((type) => namesOf(target.received).includes(type)));
  });
  afterAll(async () => {
    await broker.kill();
    await target.stop();
  });

  test('by the official SDK of Node, whatever it is about', () => {
    const sdk = new Pusher({ appId: APP.id, key: APP.key, secret: APP.secret, host: '127.0.0.1' });
    for (const { headers, body } of target.received) {
      const webhook = sdk.webhook({ headers, rawBody: body.toString() });
      expect(webhook.isValid(), body.toString()).toBe(true);
      expect(webhook.getEvents()).toHaveLength(1);
      expect(Math.abs(webhook.getTime().getTime() - Date.now())).toBeLessThan(300_000);
      const changed = body.toString().replace('"time_ms":', '"time_ms":1');
      expect(sdk.webhook({ headers, rawBody: changed }).isValid()).toBe(false);
    }
  });

  test('with exactly the bodies that the protocol has', async () => {
    const expected = [
      '{"name":"channel_occupied","channel":"cache-news"}',
      '{"name":"channel_vacated","channel":"presence-room"}',
      '{"name":"member_added","channel":"presence-room","user_id":"7"}',
      '{"name":"member_removed","channel":"presence-room","user_id":"bob"}',
      '{"name":"cache_miss","channel":"cache-news"}',
      '{"name":"subscription_count","channel":"cache-news","subscription_count":1}',
      '{"name":"user_online","channel":"","user_id":"ann"}',
      '{"name":"user_offline","channel":"","user_id":"ann"}',
    ];
    const received = () =>
      target.received.map(({ body }) => /^\{"time_ms":\d{13},"events":\[(.*)\]\}$/.exec(body.toString())?.[1]);
    await untilEqual(() => expected.filter((event) => !received().includes(event)), []);
    const sent = received()
      .map((event) => JSON.parse(event ?? 'null'))
      .find(({ name }) => name === 'client_event');
    expect(sent).toEqual({
      name: 'client_event',
      channel: 'presence-room',
      event: 'client-typing',
      data: '{"text":"schön \\"ja\\"","emoji":"😀"}',
      socket_id: expect.stringMatching(/^\d+\.\d+$/),
      user_id: '7',
    });
  });

  test('by the code for Python on the page, unless it is old', () => {
    const code = `${blockOf(PAGE, 'Python', 'python')}
import sys
headers, body, key, secret = json.load(sys.stdin)
headers = {name.title(): value for name, value in headers.items()}
print(json.dumps(events_of(headers, body.encode(), key, secret)))`;
    const read = (received: Pick<ReceivedWebhook, 'headers' | 'body'>, secret: string = APP.secret) => {
      const input = JSON.stringify([received.headers, received.body.toString(), APP.key, secret]);
      return spawnSync(inject('python'), ['-c', code], { input, encoding: 'utf8' });
    };
    const some = target.received.find(({ content }) => content.events[0]?.name === 'client_event');
    if (!some) throw new Error('there is an event of a client');
    expect(JSON.parse(read(some).stdout)).toEqual([[some.ids[0], some.content.events[0]]]);
    expect(read(some, 'other').stderr).toContain('not from the broker');
    const body = Buffer.from('{"time_ms":1,"events":[]}');
    const headers = { ...some.headers, 'x-pusher-signature': hmacHex(APP.secret, body.toString()) };
    expect(read({ headers, body }).stderr).toContain('too old');
  });

  test.for([
    ['PHP', () => php],
    ['Laravel', () => laravel],
  ] as const)('by the code for %s on the page, which refuses all else', async ([, receiver]) => {
    const names = new Set(namesOf(target.received));
    await until(() => [...names].every((name) => receiver().errors.includes(` ${name} `)));
    const before = receiver().errors;
    const body = '{"time_ms":1,"events":[{"name":"forged","channel":"a"}]}';
    const url = `http://127.0.0.1:${receiver().port}/`;
    const right = { 'X-Pusher-Key': APP.key, 'X-Pusher-Signature': hmacHex(APP.secret, body) };
    for (const wrong of [{}, { 'X-Pusher-Key': 'other' }, { 'X-Pusher-Signature': hmacHex('other', body) }]) {
      const headers = Object.keys(wrong).length === 0 ? {} : { ...right, ...wrong };
      expect((await fetch(url, { method: 'POST', headers, body })).status).toBe(401);
    }
    expect(receiver().errors.slice(before.length)).not.toContain('forged');
    const headers = { ...right, 'Content-Type': 'application/json', 'X-Kulkul-Event-Ids': 'a-1' };
    for (const _ of ['once', 'again']) expect((await fetch(url, { method: 'POST', headers, body })).status).toBe(204);
    await until(() => receiver().errors.includes('forged'));
  });
});

describe("a configuration of Soketi's", () => {
  let target: WebhookTarget;
  let broker: BrokerProcess;
  afterEach(async () => {
    await broker.kill();
    await target.stop();
  });

  test('starts without a warning, and its webhooks get what they ask for, in batches', async () => {
    target = await WebhookTarget.start();
    const webhook = {
      url: target.url,
      event_types: ['channel_occupied', 'channel_vacated', 'member_added', 'member_removed', 'client_event'],
      filter: { channel_name_starts_with: 'presence-', channel_name_ends_with: '' },
      headers: { 'X-Custom-Header': 'value' },
    };
    broker = await startProcess({
      apps: [],
      settings: {
        debug: false,
        'appManager.array.apps': [
          {
            id: APP.id,
            key: APP.key,
            secret: APP.secret,
            enableClientMessages: true,
            webhooks: JSON.stringify([webhook]),
          },
        ],
        webhooks: { batching: { enabled: true, duration: 100 } },
      },
    });
    expect(broker.log.filter(({ level }) => Number(level) > 30)).toEqual([]);
    const client = await RawClient.connect(broker.wsUrl);
    await client.subscribed('news');
    await client.subscribed('presence-room', '{"user_id":"7"}');
    const { headers, content, ids } = await target.next();
    expect(content.events).toEqual([
      { name: 'channel_occupied', channel: 'presence-room' },
      { name: 'member_added', channel: 'presence-room', user_id: '7' },
    ]);
    expect([headers['x-custom-header'], ids.length]).toEqual(['value', 2]);
    await client.close();
    expect((await target.next()).content.events).toEqual([
      { name: 'member_removed', channel: 'presence-room', user_id: '7' },
      { name: 'channel_vacated', channel: 'presence-room' },
    ]);
  });
});

function namesOf(received: readonly ReceivedWebhook[]): string[] {
  return received.flatMap(({ content }) => content.events.map(({ name }) => String(name)));
}
