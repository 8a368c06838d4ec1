import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Frame } from '../support/raw-client.ts';
import { once, Target, type TargetClient } from './target.ts';

let target: Target;
beforeAll(async () => {
  target = await Target.start();
});
afterAll(() => target.stop());

const SUCCEEDED = 'pusher_internal:subscription_succeeded';
const KINDS = [
  '',
  'private-',
  'private-encrypted-',
  'cache-',
  'private-cache-',
  'private-encrypted-cache-',
  'presence-',
  'presence-cache-',
] as const;

/** The error that is the first answer; a broker may tell the channel too. */
async function errorOf(client: TargetClient): Promise<{ code: unknown; message: string }> {
  const frame: Frame = await client.next('pusher:error');
  expect(frame).toEqual({ event: 'pusher:error', data: { code: null, message: expect.any(String) } });
  await client.flush();
  return frame.data as { code: null; message: string };
}

function dataFor(prefix: string): string | undefined {
  return prefix.startsWith('presence-') ? '{"user_id":"1"}' : undefined;
}

describe('item 6:', () => {
  test.for(KINDS)('subscribes to a channel with the prefix "%s", all data in strings', async (prefix) => {
    const client = await target.connect();
    const channel = target.channel(prefix);
    const presence = { presence: { count: 1, ids: ['1'], hash: { 1: null } } };
    const success = await client.subscribed(channel, dataFor(prefix));
    expect(success).toEqual({ event: SUCCEEDED, channel, data: expect.any(String) });
    if (prefix.startsWith('presence-')) expect(JSON.parse(String(success.data))).toEqual(presence);
    else expect(success.data).toBe('{}');
    if (prefix.includes('cache-')) {
      expect(await client.next()).toEqual({ event: 'pusher:cache_miss', channel, data: '{}' });
    }
    const data = '{ "a":\t"\u2028" }';
    expect((await target.trigger({ name: 'my\\event', channels: [channel], data })).status).toBe(200);
    expect(await client.next()).toEqual({ event: 'my\\event', channel, data });
    expect(await client.flush()).toEqual([]);
    await client.close();
  });

  test.for(KINDS.filter((prefix) => /^(private|presence)-/.test(prefix)))(
    'refuses a wrong signature for "%s", and the connection stays usable',
    async (prefix) => {
      const client = await target.connect();
      const channel = target.channel(prefix);
      const channel_data = dataFor(prefix);
      const auth = client.channelAuth('private-another', channel_data);
      client.send({ event: 'pusher:subscribe', data: { channel, auth, channel_data } });
      expect((await errorOf(client)).message).toMatch(/^Invalid signature: Expected HMAC SHA256 hex digest of /);
      await client.subscribed(target.channel(''));
      expect(await target.read(`/channels/${channel}`)).toMatchObject({ occupied: false });
      await client.close();
    },
  );

  test('refuses a missing signature, a foreign key, a bad name and a second subscription', async () => {
    const client = await target.connect();
    const channel = target.channel('private-');
    const refused = async (data: object): Promise<string> => {
      client.send({ event: 'pusher:subscribe', data });
      return (await errorOf(client)).message;
    };
    await refused({ channel });
    const foreign = client.channelAuth(channel).replace(/^[^:]+/, 'other-key');
    expect(await refused({ channel, auth: foreign })).toBe("Invalid key in subscription auth data: 'other-key'");
    await refused({ channel: 'a b', auth: '' });
    await refused({ channel: 'a:b', auth: '' });
    await client.subscribed(channel);
    const again = await refused({ channel, auth: client.channelAuth(channel) });
    expect(again).toBe(`Existing subscription to channel ${channel}`);
    await client.close();
  });

  test('reads data that is a string holding the object', async () => {
    const client = await target.connect();
    const channel = target.channel('private-');
    const data = JSON.stringify({ channel, auth: client.channelAuth(channel) });
    client.send({ event: 'pusher:subscribe', data });
    await client.next(SUCCEEDED);
    await client.close();
  });
});

test('item 7: verifies channel_data on private channels too, byte for byte', async () => {
  const client = await target.connect();
  const channel = target.channel('private-');
  const channel_data = '{ "user_id" : 1,\t"user_info" : { } }';
  const auth = client.channelAuth(channel, channel_data);
  client.send({ event: 'pusher:subscribe', data: { channel, auth, channel_data: '{"user_id":1,"user_info":{}}' } });
  expect((await errorOf(client)).code).toBe(null);
  client.send({ event: 'pusher:subscribe', data: { channel, auth, channel_data } });
  expect(await client.next()).toEqual({ event: SUCCEEDED, channel, data: '{}' });
  await client.close();
});

test('item 8: takes a prefix for one only when it is whole and at the start', async () => {
  for (const name of ['cachefoo', 'privatefoo', 'presencefoo', 'foo-cache-x', 'foo-private-x']) {
    const client = await target.connect();
    const channel = target.channel(name);
    await target.trigger({ name: 'early', channel, data: '1' });
    client.send({ event: 'pusher:subscribe', data: { channel } });
    expect(await client.next()).toEqual({ event: SUCCEEDED, channel, data: '{}' });
    expect(await client.flush()).toEqual([]);
    await client.close();
  }
});

describe('item 12:', () => {
  test.for(['cache-', 'private-cache-', 'presence-cache-'])(
    'gives a subscriber of "%s" the last event after the success, or tells that there is none',
    async (prefix) => {
      const channel = target.channel(prefix);
      const [first, second] = [await target.connect(), await target.connect()];
      await first.subscribed(channel, dataFor(prefix));
      expect(await first.next()).toEqual({ event: 'pusher:cache_miss', channel, data: '{}' });
      for (const data of ['one', 'two']) await target.trigger({ name: 'e', channel, data });
      await second.subscribed(channel, dataFor(prefix));
      expect(await second.next()).toEqual({ event: 'e', channel, data: 'two' });
      for (const client of [first, second]) await client.close();
    },
  );

  test('keeps an event that nobody was there for, or that left its sender out', async () => {
    const channel = target.channel('cache-');
    const client = await target.connect();
    await target.trigger({ name: 'e', channel, data: 'x', socket_id: client.socketId });
    await client.subscribed(channel);
    expect(await client.next()).toEqual({ event: 'e', channel, data: 'x' });
    await client.close();
  });

  test('does not keep client events', async () => {
    const channel = target.channel('private-cache-');
    const [first, second] = [await target.connect(), await target.connect()];
    await first.subscribed(channel);
    await first.next('pusher:cache_miss');
    first.send({ event: 'client-x', channel, data: 'x' });
    expect(await first.flush()).toEqual([]);
    await second.subscribed(channel);
    await second.next('pusher:cache_miss');
    for (const client of [first, second]) await client.close();
  });

  test('tells pusher-js of a miss', async () => {
    const channel = target.pusher('ann').subscribe(target.channel('cache-'));
    await once(channel, 'pusher:cache_miss');
  });
});

test('item 13: keeps the ciphertext of an encrypted cache channel as it is', async () => {
  const channel = target.channel('private-encrypted-cache-');
  const data = '{"nonce":"AAAA","ciphertext":"BBBB=="}';
  await target.trigger({ name: 'e', channel, data });
  const client = await target.connect();
  await client.subscribed(channel);
  expect(await client.next()).toEqual({ event: 'e', channel, data });
  await client.close();
});

describe('item 14:', () => {
  test('has one live subscription after subscribe, unsubscribe, subscribe in one breath', async () => {
    const client = await target.connect();
    const channel = target.channel('');
    client.subscribe(channel);
    client.send({ event: 'pusher:unsubscribe', data: { channel } });
    client.subscribe(channel);
    await client.next(SUCCEEDED);
    await client.next(SUCCEEDED);
    await target.trigger({ name: 'e', channel, data: 'x' });
    expect(await client.next()).toEqual({ event: 'e', channel, data: 'x' });
    expect(await client.flush()).toEqual([]);
    await client.close();
  });

  test('gives pusher-js each event once after subscribe, unsubscribe, subscribe', async () => {
    const pusher = target.pusher('ann');
    const name = target.channel('private-');
    pusher.subscribe(name);
    pusher.unsubscribe(name);
    const channel = pusher.subscribe(name);
    await once(channel, 'pusher:subscription_succeeded');
    const received: unknown[] = [];
    channel.bind('e', (data: unknown) => received.push(data));
    const last = once(channel, 'last');
    await target.sdk.trigger(name, 'e', { n: 1 });
    await target.sdk.trigger(name, 'last', {});
    await last;
    expect(received).toEqual([{ n: 1 }]);
  });

  test('sends nothing any more after unsubscribe', async () => {
    const client = await target.connect();
    const channel = target.channel('');
    await client.subscribed(channel);
    client.send({ event: 'pusher:unsubscribe', data: { channel } });
    expect(await client.flush()).toEqual([]);
    await target.trigger({ name: 'e', channel, data: 'x' });
    expect(await client.flush()).toEqual([]);
    await client.close();
  });
});
