import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type ApiAnswer, call, trigger } from '../../support/api-client.ts';
import { APP, FULL_APP, startBroker, type TestBroker } from '../../support/broker.ts';
import { RawClient } from '../../support/raw-client.ts';
import { signTarget } from './raw-http.ts';

const PLAIN = { id: 'plain', key: 'plain-key', secret: 'plain-secret' };

let broker: TestBroker;
let client: RawClient;
beforeAll(async () => {
  broker = await startBroker({}, [FULL_APP, PLAIN]);
  client = await RawClient.connect(broker.wsUrl);
  await client.subscribed('news');
  await client.next('pusher_internal:subscription_count');
  await client.subscribed('presence-room', '{"user_id":1}');
  await client.subscribed('cache-news');
  await client.next('pusher:cache_miss');
  await client.next('pusher_internal:subscription_count');
});
afterAll(async () => {
  await client.close();
  broker.kill();
});

const api = (path: string): string => `/apps/${APP.id}${path}`;
const shown = ({ status, text }: ApiAnswer): [number, string] => [status, text];
const get = async (path: string, params: Record<string, string> = {}): Promise<[number, string]> =>
  shown(await call(broker.url, 'GET', api(path), { params }));
const post = async (path: string, body: unknown): Promise<[number, string]> =>
  shown(await call(broker.url, 'POST', api(path), { body }));

test('POST /events delivers to each channel once and answers an empty object', async () => {
  const event = { name: 'e', channels: ['news', 'presence-room', 'news'], data: 'd' };
  const { status, text, headers } = await trigger(broker.url, event);
  expect([status, text, headers.get('content-type')]).toEqual([200, '{}', 'application/json']);
  expect(await client.flush()).toEqual([
    '{"event":"e","channel":"news","data":"d"}',
    '{"event":"e","channel":"presence-room","data":"d"}',
  ]);
});

test('POST /events takes one channel, data of any type, and parameters in the query', async () => {
  for (const data of ['', '0', 0, false, null, { a: [1] }]) {
    expect(await post('/events', { name: 'e', channel: 'news', data })).toEqual([200, '{}']);
  }
  const query = 'channel=news&data=from%20query&name=e';
  const signedQuery = (auth: string) => `${auth}&${decodeURIComponent(query)}`;
  const target = signTarget({ method: 'POST', path: api('/events'), query, signedQuery });
  expect((await fetch(`${broker.url}${target}`, { method: 'POST' })).status).toBe(200);
  const data = (await client.flush()).map((frame) => (JSON.parse(frame) as { data: string }).data);
  expect(data).toEqual(['', '0', '0', 'false', 'null', '{"a":[1]}', 'from query']);
});

/** Cause: bodies were read and written again. Symptom: ids changed their last digits. */
test('POST /events and /batch_events deliver data as it was written', async () => {
  const data = '{"id":1234567890123456789, "p":10.0, "x":1e400, "p":1}';
  const event = `{"name":"e","channel":"news","data":${data}}`;
  expect(await post('/events', event)).toEqual([200, '{}']);
  expect(await post('/batch_events', `{"batch":[${event}, ${event}]}`)).toEqual([200, '{}']);
  const frame = `{"event":"e","channel":"news","data":${JSON.stringify(data)}}`;
  expect(await client.flush()).toEqual([frame, frame, frame]);
});

test('POST /events leaves the excluded connection out, and takes one that is not there', async () => {
  const exclude = (socketId: string) => ({ name: 'e', channel: 'news', data: socketId, socket_id: socketId });
  expect(await post('/events', exclude(client.socketId))).toEqual([200, '{}']);
  expect(await post('/events', exclude('1.1'))).toEqual([200, '{}']);
  expect(await client.flush()).toEqual(['{"event":"e","channel":"news","data":"1.1"}']);
});

test('POST /events tells what it is asked for, and leaves out what does not apply', async () => {
  const channels = ['news', 'presence-room', 'empty', '__proto__'];
  const event = { name: 'e', channels, data: '', info: 'user_count,subscription_count,cache' };
  expect(await post('/events', event)).toEqual([
    200,
    '{"channels":{"news":{"subscription_count":1},"presence-room":{"user_count":1,"subscription_count":1},"empty":{"subscription_count":0},"__proto__":{"subscription_count":0}}}',
  ]);
  const { text } = await trigger(broker.url, { ...event, channels: ['news'] }, { app: PLAIN });
  expect(text).toBe('{"channels":{"news":{"subscription_count":0}}}');
  await client.flush();
});

test('POST /batch_events delivers in order, and tells of each event what was asked', async () => {
  const batch = [
    { name: 'a', channel: 'news', data: '1' },
    { name: 'b', channel: 'presence-room', data: '2', info: 'user_count' },
    { name: 'c', channel: 'news', data: '3', info: 'subscription_count', socket_id: client.socketId },
  ];
  expect(await post('/batch_events', { batch: batch.slice(0, 1) })).toEqual([200, '{}']);
  expect(await post('/batch_events', { batch })).toEqual([
    200,
    '{"batch":[{},{"user_count":1},{"subscription_count":1}]}',
  ]);
  expect((await client.flush()).map((frame) => (JSON.parse(frame) as { event: string }).event)).toEqual([
    'a',
    'a',
    'b',
  ]);
});

test('one bad event refuses the whole batch', async () => {
  const good = { name: 'e', channel: 'news', data: '' };
  const [status, text] = await post('/batch_events', { batch: [good, { ...good, name: '' }] });
  expect([status, text]).toEqual([400, 'batch[1].name must be a non-empty string']);
  expect(await client.flush()).toEqual([]);
});

test('GET /channels lists what is occupied', async () => {
  expect(await get('/channels')).toEqual([200, '{"channels":{"news":{},"presence-room":{},"cache-news":{}}}']);
  expect(await get('/channels', { filter_by_prefix: 'presence-', info: 'user_count' })).toEqual([
    200,
    '{"channels":{"presence-room":{"user_count":1}}}',
  ]);
  expect(await get('/channels', { filter_by_prefix: 'n', info: 'subscription_count' })).toEqual([
    200,
    '{"channels":{"news":{"subscription_count":1}}}',
  ]);
  expect(shown(await call(broker.url, 'GET', '/apps/plain/channels', { app: PLAIN }))).toEqual([
    200,
    '{"channels":{}}',
  ]);
});

test.for([
  ['/channels', { info: 'user_count' }, 'user_count may only be requested for presence channels - please supply'],
  ['/channels', { info: 'cache' }, 'cache may only be requested for a single channel'],
  ['/channels/news', { info: 'user_count' }, 'user_count may only be requested for presence channels'],
  ['/channels/news', { info: 'cache' }, 'cache may only be requested for cache channels'],
  ['/channels/news', { info: 'all' }, 'info has the unknown attribute all'],
  ['/channels/a%20b', {}, 'Invalid channel name "a b": only letters'],
  ['/channels/news/users', {}, 'Users can only be retrieved for presence channels, and news is none'],
  ['/channels/presence-room/users', { info: 'x' }, 'The following query string parameters are extraneous: info'],
] as const)('GET %s with %o is refused with the reason', async ([path, params, reason]) => {
  const [status, text] = await get(path, params);
  expect(status).toBe(400);
  expect(text.startsWith(reason), text).toBe(true);
  expect(text).not.toContain('\n');
});

/** Cause: two rules of the hosted service were followed. Symptom: code from the READMEs of SDKs was refused with 400. */
test('user_count and subscription_count of presence channels are told together, whatever the options of the app', async () => {
  const info = 'user_count,subscription_count';
  const plain = await startBroker({}, [APP]);
  onTestFinished(() => plain.kill());
  const member = await RawClient.connect(plain.wsUrl);
  await member.subscribed('presence-room', '{"user_id":7}');
  const ask = async (path: string, params: Record<string, string>) =>
    shown(await call(plain.url, 'GET', api(path), { params }));
  const both = '{"user_count":1,"subscription_count":1}';
  expect(await ask('/channels/presence-room', { info })).toEqual([
    200,
    '{"occupied":true,"user_count":1,"subscription_count":1}',
  ]);
  expect(await ask('/channels', { info, filter_by_prefix: 'presence-' })).toEqual([
    200,
    `{"channels":{"presence-room":${both}}}`,
  ]);
  const event = { name: 'e', channel: 'presence-room', data: '', info };
  expect((await trigger(plain.url, event)).text).toBe(`{"channels":{"presence-room":${both}}}`);
  const batch = { body: { batch: [event] } };
  expect((await call(plain.url, 'POST', api('/batch_events'), batch)).text).toBe(`{"batch":[${both}]}`);
  await member.close();
});

test('GET /channels/:name tells of one channel, occupied or not', async () => {
  expect(await get('/channels/news', { info: 'subscription_count' })).toEqual([
    200,
    '{"occupied":true,"subscription_count":1}',
  ]);
  expect(await get('/channels/presence-room', { info: 'user_count' })).toEqual([
    200,
    '{"occupied":true,"user_count":1}',
  ]);
  expect(await get('/channels/nobody', { info: 'subscription_count' })).toEqual([
    200,
    '{"occupied":false,"subscription_count":0}',
  ]);
});

test('GET /channels/:name tells the last event of a cache channel', async () => {
  expect(await get('/channels/cache-news', { info: 'cache' })).toEqual([200, '{"occupied":true,"cache":null}']);
  await post('/events', { name: 'e', channel: 'cache-news', data: 'last' });
  const [, text] = await get('/channels/cache-news', { info: 'cache' });
  expect(JSON.parse(text)).toEqual({ occupied: true, cache: { data: 'last', ttl: expect.any(Number) } });
  await client.flush();
});

test('GET /channels/:name/users lists ids as strings', async () => {
  expect(await get('/channels/presence-room/users')).toEqual([200, '{"users":[{"id":"1"}]}']);
  expect(await get('/channels/presence-nobody/users')).toEqual([200, '{"users":[]}']);
});

test('GET /channels/:name/users tells user_info as it was signed, where it is asked for', async () => {
  const visitor = await RawClient.connect(broker.wsUrl);
  await visitor.subscribed('presence-hall', '{"user_id":"9","user_info":{ "id": 1234567890123456789 }}');
  await client.subscribed('presence-hall', '{"user_id":1}');
  const users = async (withInfo: string) => {
    const [status, text] = await get('/channels/presence-hall/users', { with_user_info: withInfo });
    expect(status).toBe(200);
    return text;
  };
  const full = '{"users":[{"id":"9","user_info":{ "id": 1234567890123456789 }},{"id":"1"}]}';
  expect([await users('1'), await users('true')]).toEqual([full, full]);
  const short = '{"users":[{"id":"9"},{"id":"1"}]}';
  expect([await users('0'), await users('')]).toEqual([short, short]);
  client.send({ event: 'pusher:unsubscribe', data: { channel: 'presence-hall' } });
  await visitor.close();
  await client.flush();
});

test('GET /connections counts the connections of the app, which Laravel Pulse polls', async () => {
  expect(await get('/connections')).toEqual([200, '{"connections":1}']);
  const others = [await RawClient.connect(broker.wsUrl), await RawClient.connect(broker.wsUrl, { key: PLAIN.key })];
  expect(await get('/connections')).toEqual([200, '{"connections":2}']);
  const plain = await call(broker.url, 'GET', `/apps/${PLAIN.id}/connections`, { app: PLAIN });
  expect(shown(plain)).toEqual([200, '{"connections":1}']);
  expect((await fetch(`${broker.url}${api('/connections')}`)).status).toBe(401);
  for (const other of others) await other.close();
});

test('the endpoints that Pusher deprecated in 2012 still work', async () => {
  expect(await get('/channels/presence-room/stats')).toEqual([
    200,
    '{"occupied":true,"user_count":1,"connection_count":1}',
  ]);
  expect(await get('/channels/nobody/stats')).toEqual([200, '{"occupied":false,"connection_count":0}']);
  const answer = await call(broker.url, 'POST', api('/channels/news/events'), {
    body: 'raw text',
    params: { name: 'e' },
  });
  expect(shown(answer)).toEqual([202, '']);
  expect(await client.flush()).toEqual(['{"event":"e","channel":"news","data":"raw text"}']);
});

test.for([
  api('/users/9/terminate_connections'),
  // The Python SDK forgets the app.
  '/users/9/terminate_connections',
])('POST %s ends the connections of a user', async (path) => {
  const user = await RawClient.connect(broker.wsUrl);
  user.signIn('{"id":"9"}');
  await user.next('pusher:signin_success');
  expect(shown(await call(broker.url, 'POST', path, { body: {} }))).toEqual([200, '{}']);
  expect((await user.closed()).code).toBe(4009);
  expect(shown(await call(broker.url, 'POST', path, { body: {} }))).toEqual([200, '{}']);
});

/** Cause: only connections that signed in are ended. Symptom: 200 for a user who is a member of presence channels only, who stayed, and no word of why. */
test('POST …/terminate_connections says when nobody was signed in', async () => {
  const path = api('/users/presence-only/terminate_connections');
  const visitor = await RawClient.connect(broker.wsUrl);
  await visitor.subscribed('presence-lobby', '{"user_id":"presence-only"}');
  const terminate = async (): Promise<unknown> => {
    const { status, text, headers } = await call(broker.url, 'POST', path, { body: {} });
    return [status, text, headers.get('x-kulkul-notice')];
  };
  expect(await terminate()).toEqual([
    200,
    '{}',
    'No connection is signed in as this user. Being a member of presence channels does not count',
  ]);
  expect(await visitor.flush()).toEqual([]);
  visitor.signIn('{"id":"presence-only"}');
  await visitor.next('pusher:signin_success');
  expect(await terminate()).toEqual([200, '{}', null]);
  expect(await visitor.closed()).toMatchObject({ code: 4009 });
});

test('GET /users/ID counts the connections that are signed in, and POST …/force_reconnect sends them to reconnect', async () => {
  const visitors = [await RawClient.connect(broker.wsUrl), await RawClient.connect(broker.wsUrl)];
  const path = `/users/${encodeURIComponent('ann/ü')}`;
  await visitors[0]?.subscribed('presence-lobby', '{"user_id":"ann/ü"}');
  expect(await get(path)).toEqual([200, '{"online":false,"connections":0}']);
  for (const visitor of visitors) {
    visitor.signIn('{"id":"ann/ü"}');
    await visitor.next('pusher:signin_success');
  }
  expect(await get(path)).toEqual([200, '{"online":true,"connections":2}']);
  expect(await post(`${path}/force_reconnect`, {})).toEqual([200, '{}']);
  for (const visitor of visitors) expect(await visitor.closed()).toMatchObject({ code: 4200 });
  expect(await get(path)).toEqual([200, '{"online":false,"connections":0}']);
  const again = await call(broker.url, 'POST', api(`${path}/force_reconnect`), { body: {} });
  expect([again.text, again.headers.get('x-kulkul-notice')]).toEqual(['{}', expect.stringContaining('No connection')]);
  expect(shown(await call(broker.url, 'GET', api(`/users/${'u'.repeat(129)}`)))[0]).toBe(400);
});

describe('info=receivers', () => {
  const channels = ['news', 'private-orders', 'presence-staff', 'private-encrypted-x', '#server-to-user-ann', 'empty'];
  const eventsIn = (frames: readonly string[]): number =>
    frames.filter((frame) => frame.startsWith('{"event":"e"')).length;
  const receivers = (connections: number): object => ({
    receivers: { connections, nodes: connections > 0 ? 1 : 0 },
  });

  test('tells on how many connections of how many nodes each channel received the event, without the excluded one', async () => {
    const [ann, bob] = [await RawClient.connect(broker.wsUrl), await RawClient.connect(broker.wsUrl)];
    ann.signIn('{"id":"ann"}');
    await ann.next('pusher:signin_success');
    for (const name of channels.slice(0, 5)) await ann.subscribed(name, '{"user_id":"ann"}');
    await bob.subscribed('private-orders');
    const base = { name: 'e', data: '{"nonce":"n","ciphertext":"c"}', info: 'receivers, subscription_count' };
    const trigger = async (more: object): Promise<unknown> =>
      JSON.parse(String((await post('/events', { ...base, ...more }))[1])).channels;
    expect(await trigger({ channels })).toMatchObject({
      news: { ...receivers(2), subscription_count: 2 },
      'private-orders': { ...receivers(2), subscription_count: 2 },
      'presence-staff': receivers(1),
      'private-encrypted-x': receivers(1),
      '#server-to-user-ann': receivers(1),
      empty: { receivers: { connections: 0, nodes: 0 }, subscription_count: 0 },
    });
    const excluding = {
      channels: ['private-orders', '#server-to-user-ann'],
      socket_id: ann.socketId,
      info: 'receivers',
    };
    expect(await trigger(excluding)).toEqual({ 'private-orders': receivers(1), '#server-to-user-ann': receivers(0) });
    expect(await trigger({ channels: ['private-orders'], socket_id: '1.1', info: 'receivers' })).toEqual({
      'private-orders': receivers(2),
    });
    expect(eventsIn(await bob.flush())).toBe(3);
    await Promise.all([ann.close(), bob.close()]);
  });

  test('is answered for those events of a batch that ask for it, or for all where the URL does', async () => {
    const visitor = await RawClient.connect(broker.wsUrl);
    await visitor.subscribed('private-orders');
    const event = { name: 'e', channel: 'private-orders', data: '' };
    const batch = [
      event,
      { ...event, info: 'receivers' },
      { ...event, socket_id: visitor.socketId, info: 'subscription_count' },
    ];
    const send = async (params: Record<string, string> = {}): Promise<unknown> =>
      JSON.parse((await call(broker.url, 'POST', api('/batch_events'), { body: { batch }, params })).text);
    expect(await send()).toEqual({ batch: [{}, receivers(1), { subscription_count: 1 }] });
    expect(await send({ info: 'receivers' })).toEqual({
      batch: [receivers(1), receivers(1), { subscription_count: 1, ...receivers(0) }],
    });
    const single = await call(broker.url, 'POST', api('/events'), { body: event, params: { info: 'receivers' } });
    expect(JSON.parse(single.text)).toEqual({ channels: { 'private-orders': receivers(1) } });
    expect(eventsIn(await visitor.flush())).toBe(5);
    await visitor.close();
  });

  test('is for events that are published only', async () => {
    expect((await get('/channels/news', { info: 'receivers' }))[0]).toBe(400);
    expect((await get('/channels', { info: 'receivers' }))[0]).toBe(400);
  });
});

test('an event to a user reaches the connections that subscribed to the channel of the user, not those that only signed in', async () => {
  const [subscribed, signedIn] = [await RawClient.connect(broker.wsUrl), await RawClient.connect(broker.wsUrl)];
  for (const visitor of [subscribed, signedIn]) {
    visitor.signIn('{"id":"5"}');
    await visitor.next('pusher:signin_success');
  }
  await subscribed.subscribed('#server-to-user-5');
  expect(await post('/events', { name: 'e', channel: '#server-to-user-5', data: 'd' })).toEqual([200, '{}']);
  expect(await subscribed.flush()).toEqual(['{"event":"e","channel":"#server-to-user-5","data":"d"}']);
  expect(await signedIn.flush()).toEqual([]);
  await Promise.all([subscribed.close(), signedIn.close()]);
});
