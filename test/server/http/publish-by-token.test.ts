import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type ApiAnswer, lineOf, trigger } from '../../support/api-client.ts';
import { atLength } from '../../support/at-length.ts';
import { operator, refusalIn, startTokenBroker, TOKEN_APP, type TokenBroker } from '../../support/auth-client.ts';
import { APP } from '../../support/broker.ts';
import { RawClient } from '../../support/raw-client.ts';
import { NOW_SECONDS, sign } from '../../support/tokens.ts';
import { SEED } from '../robustness/arbitraries.ts';

const ADMIN = { role: 'admin', exp: 9_999_999_999 };
const SCARCE = { ...TOKEN_APP, id: 'scarce', key: 'scarce', maxBackendEventsPerSecond: 2 };
const DISABLED = { ...TOKEN_APP, id: 'disabled', key: 'disabled', enabled: false };
const PLAIN = { id: 'plain', key: 'plain-key', secret: 'plain-secret' };

let broker: TokenBroker;
let listener: RawClient;
beforeAll(async () => {
  broker = await startTokenBroker({}, [TOKEN_APP, SCARCE, DISABLED, PLAIN]);
});
beforeEach(async () => {
  listener = await RawClient.connect(broker.wsUrl);
  for (const channel of ['rvm-status', 'private-admin-dashboard', 'news', 'private-user.42']) {
    await listener.subscribed(channel);
    await listener.next('pusher_internal:subscription_count');
  }
});
afterEach(async () => {
  await listener.close();
  // Counts that change again and again at one moment are told later.
  broker.clock.advance(1000);
});
afterAll(() => broker.kill());

interface PublishOptions {
  readonly token?: string;
  readonly app?: string;
  readonly path?: string;
  readonly query?: string;
  /** The header, instead of the token's. */
  readonly authorization?: string;
}

async function publish(
  body: unknown,
  { token = operator(ADMIN), app = APP.id, path = 'events', query = '', ...options }: PublishOptions = {},
): Promise<ApiAnswer> {
  const { authorization = `Bearer ${token}` } = options;
  const answer = await fetch(`${broker.url}/apps/${app}/${path}${query}`, {
    method: 'POST',
    headers: { ...(authorization !== '' && { Authorization: authorization }), 'Content-Type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: answer.status, text: await lineOf(answer), headers: answer.headers };
}

const EVENT = { name: 'e', channel: 'rvm-status', data: '{"full":true}' };

test('whoever the rule of a channel lets publish may do it with a token alone', async () => {
  const answer = await publish(EVENT);
  expect([answer.status, answer.text]).toEqual([200, '{}']);
  expect(await listener.nextText()).toBe('{"event":"e","channel":"rvm-status","data":"{\\"full\\":true}"}');
});

test('several channels, a batch, info and an excluded connection work as with a signature', async () => {
  const several = {
    ...EVENT,
    channel: undefined,
    channels: ['rvm-status', 'private-admin-dashboard'],
    info: 'subscription_count',
  };
  expect((await publish(several)).text).toBe(
    '{"channels":{"rvm-status":{"subscription_count":1},"private-admin-dashboard":{"subscription_count":1}}}',
  );
  const batch = [EVENT, { ...EVENT, name: 'f', socket_id: listener.socketId }];
  expect((await publish({ batch }, { path: 'batch_events' })).text).toBe('{}');
  const frames = (await listener.flush()).map((text) => JSON.parse(text) as { event: string; channel: string });
  expect(frames.map(({ event, channel }) => `${event} ${channel}`)).toEqual([
    'e rvm-status',
    'e private-admin-dashboard',
    'e rvm-status',
  ]);
});

test('a rule may let users publish on channels of their own', async () => {
  const token = operator();
  expect((await publish({ ...EVENT, channel: 'private-user.42' }, { token })).status).toBe(200);
  expect(refusalIn(await publish({ ...EVENT, channel: 'private-user.43' }, { token }))).toEqual([403, 'not-allowed']);
  expect(await listener.flush()).toHaveLength(1);
});

test.for<[string, object]>([
  ['one of several channels', { name: 'e', channels: ['rvm-status', 'news'], data: '' }],
  ['one event of a batch', { batch: [EVENT, { ...EVENT, channel: 'news' }, EVENT] }],
])('nothing is published when %s is not allowed', async ([, body]) => {
  const answer = await publish(body, { path: 'batch' in body ? 'batch_events' : 'events' });
  expect(answer.text).toBe(
    "Not allowed to publish on news: no rule of the app opens news to tokens (app option channels); only the application's signature does",
  );
  expect(refusalIn(answer)).toEqual([403, 'not-allowed']);
  expect(answer.headers.get('www-authenticate')).toBe('Bearer error="insufficient_scope"');
  expect(await listener.flush()).toEqual([]);
});

test.for<[string, object, PublishOptions, number, string]>([
  ['a role that may only listen', EVENT, { token: operator() }, 403, 'not-allowed'],
  ['a channel of a user, whatever the rules', { ...EVENT, channel: '#server-to-user-42' }, {}, 403, 'not-allowed'],
  ['an event of the protocol', { ...EVENT, name: 'pusher:subscription_error' }, {}, 403, 'reserved-event'],
  ['an internal event', { ...EVENT, name: 'pusher_internal:member_removed' }, {}, 403, 'reserved-event'],
  ['a token that is over', EVENT, { token: operator({ ...ADMIN, exp: NOW_SECONDS }) }, 401, 'token-expired'],
  ['a token of another key', EVENT, { token: `${sign(ADMIN).slice(0, -2)}xx` }, 401, 'token-signature'],
  ['a token for an app that takes none', EVENT, { app: 'plain' }, 401, 'tokens-not-configured'],
  ['a disabled app', EVENT, { app: 'disabled' }, 403, 'app-disabled'],
  ['an app that is not', EVENT, { app: 'none' }, 404, 'unknown-app-id'],
  ['no token', EVENT, { authorization: '' }, 401, 'missing-auth-key'],
  ['a password', EVENT, { authorization: 'Basic eDp5' }, 401, 'missing-auth-key'],
  ['a token beside half of a signature', EVENT, { query: `?auth_key=${APP.key}` }, 401, 'auth-version'],
  ['what can only be signed', EVENT, { path: 'channels/rvm-status/events', query: '?name=e' }, 401, 'missing-auth-key'],
  ['a name that no channel has', { ...EVENT, channel: 'a b' }, {}, 400, 'invalid-channel'],
  ['too much', { ...EVENT, data: 'x'.repeat(102_401) }, {}, 413, 'data-too-large'],
])('%s is refused', async ([, body, options, status, id]) => {
  const answer = await publish(body, options);
  expect([answer.status, answer.headers.get('x-kulkul-error')]).toEqual([status, id]);
  expect(await listener.flush()).toEqual([]);
});

test('terminating users takes a signature, whatever the token', async () => {
  expect(refusalIn(await publish('{}', { path: 'users/42/terminate_connections' }))).toEqual([401, 'missing-auth-key']);
});

test('what is published counts in the limits of the app, and what is refused does not', async () => {
  const options = { app: SCARCE.id };
  const two = { name: 'e', channels: ['rvm-status', 'private-admin-dashboard'], data: '' };
  expect(refusalIn(await publish({ ...two, channels: ['rvm-status', 'news'] }, options))).toEqual([403, 'not-allowed']);
  expect((await publish(two, options)).status).toBe(200);
  const answer = await publish(EVENT, options);
  expect(refusalIn(answer)).toEqual([429, 'rate-limited']);
  expect(answer.headers.get('retry-after')).toBe('1');
});

test('a signature is enough, with an Authorization for somebody else beside it', async () => {
  const headers = { Authorization: 'Bearer of-the-proxy' };
  const { status } = await trigger(broker.url, { ...EVENT, channel: 'news' }, { timestamp: NOW_SECONDS, headers });
  expect(status).toBe(200);
});

test('who was taken out of a channel can publish there no more', async () => {
  const mallory = { ...ADMIN, sub: 'mallory', iat: NOW_SECONDS };
  expect((await publish(EVENT, { token: operator(mallory) })).status).toBe(200);
  const target = { kind: 'user', userId: 'mallory' } as const;
  await broker.node.store.revoke({ appId: APP.id, channel: 'rvm-*', target, atMs: broker.clock.now() });
  expect(refusalIn(await publish(EVENT, { token: operator(mallory) }))).toEqual([403, 'access-revoked']);
  expect((await publish({ ...EVENT, channel: 'private-admin-dashboard' }, { token: operator(mallory) })).status).toBe(
    200,
  );
});

test('a body of any content is answered, and never with 500', async () => {
  const other = fc.constantFrom('rvm-status', 'news', '#server-to-user-1', 'private-user.1', 'a b', 7, null);
  const channel = fc.oneof(fc.constant('rvm-status'), other);
  const text = fc.oneof(fc.constant('e'), fc.constantFrom('pusher:e', '', 1));
  const one = fc.record({ name: text, channel, data: fc.string() });
  const many = fc.record({ name: text, channels: fc.array(channel), data: fc.jsonValue() }, { requiredKeys: [] });
  const event = fc.oneof(one, many);
  const body = fc.oneof(event, fc.record({ batch: fc.array(event, { maxLength: 3 }) }), fc.jsonValue(), fc.string());
  const seen = new Set<number>();
  const property = fc.asyncProperty(body, fc.constantFrom('events', 'batch_events'), async (given, path) => {
    const { status } = await publish(given, { path });
    expect([200, 400, 403, 429]).toContain(status);
    seen.add(status);
  });
  await fc.assert(property, { seed: SEED, numRuns: atLength(150, 500) });
  expect([...seen].sort()).toEqual([200, 400, 403]);
});
