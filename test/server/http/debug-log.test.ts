import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { call, trigger } from '../../support/api-client.ts';
import { APP, FULL_APP, startBroker, type TestBroker } from '../../support/broker.ts';
import { RawClient } from '../../support/raw-client.ts';
import { until } from '../../support/until.ts';
import { RawSocket } from '../robustness/raw-socket.ts';

/**
 * Cause: the HTTP API logged nothing. Symptom: with --debug an event that reached nobody, and a request that was refused, left no line: nobody could tell
 * whether the backend had asked at all.
 */
let broker: TestBroker;
beforeAll(async () => {
  broker = await startBroker({ 'log.level': 'debug' }, [FULL_APP]);
});
afterAll(() => broker.kill());

let seen = 0;
beforeEach(() => {
  seen = broker.log.length;
});
const lines = (message: string): readonly Record<string, unknown>[] =>
  broker.log.slice(seen).filter(({ msg }) => msg === message);

const EVENTS = `/apps/${APP.id}/events`;
const EVENT = { name: 'scada.data.received', channels: ['scada-data', 'private-x'], data: '{"t":1}' };

test('shows a request that was answered, with what it published and how many were there', async () => {
  const headers = { 'X-Forwarded-For': '192.0.2.7', 'User-Agent': 'plant/1.0' };
  await trigger(broker.url, EVENT, { headers });
  const request = { method: 'POST', path: EVENTS, ip: '127.0.0.1', forwardedFor: '192.0.2.7', userAgent: 'plant/1.0' };
  expect(lines('request answered')).toEqual([expect.objectContaining({ level: 20, ...request, status: 200 })]);
  const event = { app: APP.id, event: EVENT.name, channels: EVENT.channels };
  const publisher = { ip: '127.0.0.1', forwardedFor: '192.0.2.7', userAgent: 'plant/1.0', bytes: 7 };
  expect(lines('event published')).toEqual([expect.objectContaining({ ...event, ...publisher, subscribersHere: 0 })]);

  const client = await RawClient.connect(broker.wsUrl);
  await client.subscribed('scada-data');
  await client.subscribed('private-x');
  await call(broker.url, 'POST', `/apps/${APP.id}/batch_events`, {
    body: { batch: [{ ...EVENT, channels: undefined, channel: 'private-x' }] },
  });
  await trigger(broker.url, EVENT);
  expect(lines('event published').map(({ subscribersHere }) => subscribersHere)).toEqual([0, 1, 2]);
  await client.close();
});

test.each([
  ['unsigned', 'GET', '/apps/12345/channels', 401, 'missing-auth-key', /^Missing parameter: auth_key/],
  ['for nothing', 'GET', '/nowhere', 404, 'not-found', /^Path not found: \/nowhere/],
  ['by another method', 'PUT', EVENTS, 405, 'method-not-allowed', /^PUT is not possible/],
  ['for a token', 'POST', '/broadcasting/auth', 400, 'invalid-socket-id', /^socket_id/],
] as const)('shows a request that was refused, and why: one %s', async (_what, method, path, status, cause, reason) => {
  await fetch(`${broker.url}${path}`, { method });
  expect(lines('request answered')).toEqual([
    expect.objectContaining({ method, path, status, cause, reason: expect.stringMatching(reason) }),
  ]);
});

// An operator who looked for an event found that a request had been refused, and not which one.
test('shows each event that was refused: by whom, where to, how large, and why', async () => {
  const headers = { 'User-Agent': 'plant/1.0' };
  const body = JSON.stringify(EVENT);
  const facts = {
    level: 20,
    app: APP.id,
    event: EVENT.name,
    channels: EVENT.channels,
    ip: '127.0.0.1',
    ...{ userAgent: 'plant/1.0' },
  };
  await trigger(broker.url, EVENT, { headers, app: { ...APP, secret: 'a-wrong-secret' } });
  expect(lines('event refused')).toEqual([
    expect.objectContaining({
      ...facts,
      bytes: body.length,
      cause: 'invalid-signature',
      reason: expect.stringMatching(/^Invalid signature/),
    }),
  ]);
  await trigger(broker.url, { ...EVENT, channels: ['no channel'] }, { headers });
  await call(broker.url, 'POST', `/apps/${APP.id}/batch_events`, {
    body: { batch: [{ name: 'one', channel: 'a' }, { name: 'two', channel: 'b' }, 3] },
  });
  await call(broker.url, 'POST', EVENTS, { body: { name: '\u202e', channels: 7, data: 'x'.repeat(20_000) } });
  await call(broker.url, 'POST', EVENTS, { body: 'no event' });
  expect(lines('event refused').slice(1)).toEqual([
    expect.objectContaining({ channels: ['no channel'], cause: 'invalid-channel' }),
    expect.objectContaining({ event: 'one, two', channels: ['a', 'b'], cause: expect.any(String) }),
    expect.objectContaining({ event: '\\u202e', channels: [], cause: expect.any(String) }),
    expect.objectContaining({ event: '', channels: [], cause: expect.any(String) }),
  ]);
  expect(lines('event published')).toEqual([]);
});

test('shows the events of clients, and those that were refused', async () => {
  const [sender, other] = [await RawClient.connect(broker.wsUrl), await RawClient.connect(broker.wsUrl)];
  await sender.subscribed('private-x');
  await other.subscribed('private-x');
  await Promise.all([sender.flush(), other.flush()]);
  sender.send({ event: 'client-moved', channel: 'private-x', data: { to: 'é' } });
  await other.next('client-moved');
  const facts = { level: 20, socketId: sender.socketId, app: APP.id };
  expect(lines('client event published')).toEqual([
    expect.objectContaining({ ...facts, event: 'client-moved', channel: 'private-x', bytes: 11, subscribersHere: 1 }),
  ]);
  sender.send({ event: 'client-moved', channel: 'scada-data', data: 'x' });
  await sender.next('pusher:error');
  expect(lines('message refused')).toEqual([
    expect.objectContaining({
      ...facts,
      event: 'client-moved',
      channel: 'scada-data',
      bytes: 1,
      cause: 'client-event-channel',
      reason: expect.stringContaining('only supported on private'),
    }),
  ]);
  await Promise.all([sender.close(), other.close()]);
});

test('shows health checks and preflights, too', async () => {
  await fetch(`${broker.url}/ready`, { method: 'HEAD' });
  await fetch(`${broker.url}${EVENTS}`, { method: 'OPTIONS' });
  expect(lines('request answered').map(({ method, status }) => [method, status])).toEqual([
    ['HEAD', 200],
    ['OPTIONS', 204],
  ]);
});

test('shows that a user who was to be terminated was not signed in', async () => {
  await call(broker.url, 'POST', `/apps/${APP.id}/users/7/terminate_connections`, { body: {} });
  expect(lines('request answered')).toEqual([
    expect.objectContaining({ status: 200, notice: expect.stringContaining('No connection is signed in') }),
  ]);
});

test('shows a request whose client left', async () => {
  const socket = await RawSocket.open(broker.port);
  socket.write(`POST ${EVENTS} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345`);
  await fetch(`${broker.url}/`);
  socket.reset();
  await until(() => lines('request aborted by its client').length === 1);
  expect(lines('request aborted by its client')[0]).toMatchObject({ method: 'POST', path: EVENTS });
});

test('shows no secret, signature or token', async () => {
  const token = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.c2lnbmF0dXJl';
  await trigger(broker.url, EVENT, { params: { token }, app: { ...APP, secret: 'a-wrong-secret' } });
  await trigger(broker.url, EVENT, { headers: { Authorization: `Bearer ${token}` } });
  await fetch(`${broker.url}/broadcasting/auth?token=${token}`, { headers: { Cookie: 'session=of-a-user' } });
  const text = JSON.stringify(broker.log.slice(seen));
  expect(lines('request answered')).toHaveLength(3);
  expect(text).toContain('you should have sent HmacSHA256Hex');
  for (const secret of [APP.secret, 'a-wrong-secret', token, 'of-a-user']) expect(text).not.toContain(secret);
  expect(text).not.toMatch(/"auth_signature|auth_signature=/);
});

test('is silent where debug is off', async () => {
  const quiet = await startBroker();
  await trigger(quiet.url, EVENT);
  await fetch(`${quiet.url}/nowhere`);
  expect(quiet.log).toEqual([]);
  quiet.kill();
});
