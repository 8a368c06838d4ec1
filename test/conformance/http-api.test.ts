import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hmacHex } from '../../auth/hmac.ts';
import { Target } from './target.ts';

let target: Target;
beforeAll(async () => {
  target = await Target.start();
});
afterAll(() => target.stop());

const now = (): number => Math.floor(Date.now() / 1000);

/** A request whose query is written by hand: what is signed and what is sent may differ. */
async function request(method: string, path: string, signed: string, sent = signed, body = ''): Promise<number> {
  const full = `/apps/${target.app.id}${path}`;
  const signature = hmacHex(target.app.secret, `${method}\n${full}\n${signed}`);
  const answer = await fetch(`${target.url}${full}?${sent}&auth_signature=${signature}`, {
    method,
    headers: { 'Content-Type': 'application/json' },
    ...(body !== '' && { body }),
  });
  await answer.text();
  return answer.status;
}

const base = (): string => `auth_key=${target.app.key}&auth_timestamp=${now()}&auth_version=1.0`;
const md5 = (text: string): string => createHash('md5').update(text).digest('hex');

describe('item 20:', () => {
  test('takes the official SDK', async () => {
    const client = await target.connect();
    const channel = target.channel('');
    await client.subscribed(channel);
    const answer = await target.sdk.trigger(channel, 'e', { n: 1 });
    expect([answer.status, await answer.json()]).toEqual([200, {}]);
    expect(await client.next()).toEqual({ event: 'e', channel, data: '{"n":1}' });
    expect(await (await target.sdk.get({ path: `/channels/${channel}` })).json()).toMatchObject({ occupied: true });
    await client.close();
  });

  test('takes a GET with the MD5 of nothing, as the Python library sends it', async () => {
    expect(await request('GET', '/channels', `${base()}&body_md5=${md5('')}&filter_by_prefix=none-`)).toBe(200);
  });

  test('verifies decoded values, names in lower case and in order', async () => {
    const channel = target.channel('presence-');
    const signed = `${base()}&info=user_count`;
    expect(await request('GET', `/channels/${channel}`, signed, `info=user%5Fcount&${base()}`)).toBe(200);
    expect(await request('GET', `/channels/${channel}`, signed, signed.replace('auth_key', 'AUTH_KEY'))).toBe(200);
  });

  test.for([-590, 590])('takes a request that is %i s old', async (age) => {
    // A test from outside can not hold the clocks still: the last seconds up to 600 are left out.
    const { status } = await target.call('GET', '/channels', { timestamp: now() - age });
    expect(status).toBe(200);
  });

  test.for([-610, 610])('refuses a request that is %i s old', async (age) => {
    const { status, text } = await target.call('GET', '/channels', { timestamp: now() - age });
    expect(status).toBe(401);
    expect(text).toMatch(/^Timestamp expired: Given timestamp \(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\) not within 600s/);
  });

  test('refuses a body that was changed, and one without its MD5', async () => {
    const body = JSON.stringify({ name: 'e', channel: 'c', data: 'x' });
    const signed = base().replace('&auth_version=1.0', `&auth_version=1.0&body_md5=${md5(body)}`);
    expect(await request('POST', '/events', signed, signed, body)).toBe(200);
    expect(await request('POST', '/events', signed, signed, body.replace('x', 'y'))).toBe(401);
    expect(await request('POST', '/events', base(), base(), body)).toBe(401);
  });

  test('refuses a wrong signature, an unknown key and a missing one', async () => {
    const { app } = target;
    expect(await request('GET', '/channels', `${base()}&x=1`, base())).toBe(401);
    const unknown = base().replace(app.key, 'no-such-key');
    expect(await request('GET', '/channels', unknown)).toBe(401);
    expect(await request('GET', '/channels', `auth_timestamp=${now()}&auth_version=1.0`)).toBe(401);
  });
});

describe('item 21:', () => {
  test('takes channel instead of channels', async () => {
    const { status, text, headers } = await target.trigger({ name: 'e', channel: target.channel(''), data: 'x' });
    expect([status, text]).toEqual([200, '{}']);
    expect(headers.get('content-type')).toMatch(/^application\/json/);
  });

  test('takes 100 channels, refuses 101', async () => {
    const channels = Array.from({ length: 101 }, (_, index) => `${target.channel('')}-${index}`);
    expect((await target.trigger({ name: 'e', channels: channels.slice(1), data: 'x' })).status).toBe(200);
    expect((await target.trigger({ name: 'e', channels, data: 'x' })).status).toBe(400);
  });

  test('takes 10 240 bytes of data, an empty text and "0"', async () => {
    const client = await target.connect();
    const channel = target.channel('');
    await client.subscribed(channel);
    for (const data of ['x'.repeat(10_240), '', '0']) {
      expect((await target.trigger({ name: 'e', channel, data })).status).toBe(200);
      expect((await client.next('e')).data).toBe(data);
    }
    await client.close();
  });

  test('refuses what is missing or malformed with 400', async () => {
    const channel = target.channel('');
    for (const body of [
      { channel, data: 'x' },
      { name: 'e', channel },
      { name: 'e', data: 'x' },
      { name: 'e', channels: [], data: 'x' },
      { name: 'e', channel: 'a b', data: 'x' },
      { name: 'e', channel: '#x', data: 'x' },
      { name: 'x'.repeat(201), channel, data: 'x' },
      { name: 'e', channel, data: 'x', socket_id: 'x' },
    ]) {
      expect((await target.trigger(body)).status, JSON.stringify(body)).toBe(400);
    }
  });
});

describe('item 22:', () => {
  test('answers no channels with an object', async () => {
    const { status, text } = await target.call('GET', '/channels', {
      params: { filter_by_prefix: target.channel('') },
    });
    expect([status, text]).toEqual([200, '{"channels":{}}']);
  });

  test('lists occupied channels, with the count of users when asked', async () => {
    const client = await target.connect();
    const prefix = target.channel('presence-');
    await client.subscribed(`${prefix}-a`, '{"user_id":1}');
    const params = { filter_by_prefix: prefix };
    expect(await target.read('/channels', params)).toEqual({ channels: { [`${prefix}-a`]: {} } });
    expect(await target.read('/channels', { ...params, info: 'user_count' })).toEqual({
      channels: { [`${prefix}-a`]: { user_count: 1 } },
    });
    expect(await target.read(`/channels/${prefix}-a`, { info: 'user_count' })).toMatchObject({
      occupied: true,
      user_count: 1,
    });
    expect(await target.read(`/channels/${prefix}-a/users`)).toEqual({ users: [{ id: '1' }] });
    await client.close();
  });

  test('answers a vacant channel with 200, and nobody in it', async () => {
    const channel = target.channel('presence-');
    expect(await target.read(`/channels/${channel}`)).toMatchObject({ occupied: false });
    expect((await target.call('GET', `/channels/${channel}/users`)).text).toBe('{"users":[]}');
  });

  test('refuses with 400 what a channel does not have', async () => {
    for (const [path, params] of [
      [`/channels/${target.channel('')}/users`, {}],
      ['/channels', { info: 'user_count' }],
      [`/channels/${target.channel('')}`, { info: 'user_count' }],
      [`/channels/${target.channel('')}`, { info: 'cache' }],
      [`/channels/${target.channel('presence-')}/users`, { info: 'user_count' }],
    ] as const) {
      expect((await target.call('GET', path, { params })).status, path).toBe(400);
    }
  });

  test('tells the last event of a cache channel', async () => {
    const channel = target.channel('cache-');
    const read = (): Promise<unknown> => target.read(`/channels/${channel}`, { info: 'cache' });
    expect(await read()).toEqual({ occupied: false, cache: null });
    await target.trigger({ name: 'e', channel, data: 'last' });
    expect(await read()).toEqual({ occupied: false, cache: { data: 'last', ttl: expect.any(Number) } });
  });

  test('takes a batch of 10, refuses 11, and one with a bad event as a whole', async () => {
    const client = await target.connect();
    const channel = target.channel('');
    await client.subscribed(channel);
    const events = Array.from({ length: 11 }, (_, index) => ({ name: 'e', channel, data: `${index}` }));
    const batch = (list: unknown[]) => target.call('POST', '/batch_events', { body: { batch: list } });
    expect((await batch(events)).status).toBe(400);
    expect((await batch([...events.slice(0, 2), { name: 'e', channel: 'a b', data: 'x' }])).status).toBe(400);
    expect(await client.flush()).toEqual([]);
    const { status, text } = await batch(events.slice(0, 10));
    expect([status, text]).toEqual([200, '{}']);
    for (const { data } of events.slice(0, 10)) expect((await client.next('e')).data).toBe(data);
    await client.close();
  });

  test('answers info for each event of a batch in its place', async () => {
    const client = await target.connect();
    const [room, plain] = [target.channel('presence-'), target.channel('')];
    await client.subscribed(room, '{"user_id":1}');
    const event = { name: 'e', data: 'x' };
    const batch = [
      { ...event, channel: plain },
      { ...event, channel: room, info: 'user_count' },
      { ...event, channel: plain },
    ];
    const { text } = await target.call('POST', '/batch_events', { body: { batch } });
    expect(JSON.parse(text)).toEqual({ batch: [{}, { user_count: 1 }, {}] });
    const single = await target.trigger({ ...event, channels: [plain, room], info: 'user_count' });
    expect(JSON.parse(single.text)).toEqual({ channels: { [plain]: {}, [room]: { user_count: 1 } } });
    await client.close();
  });
});

describe('item 23:', () => {
  test('leaves out the socket that the trigger names, and no other', async () => {
    const channel = target.channel('');
    const [sender, other] = [await target.connect(), await target.connect()];
    for (const client of [sender, other]) await client.subscribed(channel);
    await target.trigger({ name: 'e', channel, data: '1', socket_id: sender.socketId });
    const batch = [{ name: 'e', channel, data: '2', socket_id: sender.socketId }];
    await target.call('POST', '/batch_events', { body: { batch } });
    for (const data of ['1', '2']) expect(await other.next()).toEqual({ event: 'e', channel, data });
    expect(await sender.flush()).toEqual([]);
    for (const client of [sender, other]) await client.close();
  });

  test('takes a socket id that nobody has', async () => {
    const { status } = await target.trigger({ name: 'e', channel: target.channel(''), data: 'x', socket_id: '1.1' });
    expect(status).toBe(200);
  });
});
