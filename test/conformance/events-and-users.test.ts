import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { once, Target, type TargetClient } from './target.ts';

let target: Target;
beforeAll(async () => {
  target = await Target.start();
});
afterAll(() => target.stop());

async function signedIn(userId: string): Promise<TargetClient> {
  const client = await target.connect();
  const userData = JSON.stringify({ id: userId });
  client.signIn(userData);
  const { event, data } = await client.next();
  expect(event).toBe('pusher:signin_success');
  expect(JSON.parse(String(data))).toEqual({ user_data: userData });
  return client;
}

async function pair(prefix: string): Promise<readonly [string, TargetClient, TargetClient]> {
  const channel = target.channel(prefix);
  const clients = [await target.connect(), await target.connect()] as const;
  for (const [index, client] of clients.entries()) {
    await client.subscribed(channel, prefix === 'presence-' ? `{"user_id":${index}}` : undefined);
  }
  if (prefix === 'presence-') await clients[0].next('pusher_internal:member_added');
  return [channel, ...clients];
}

describe('item 15:', () => {
  test("refuses a user's channel to another user and to nobody in particular", async () => {
    const own = `#server-to-user-${target.userId('2')}`;
    for (const client of [await signedIn(target.userId('1')), await target.connect()]) {
      client.send({ event: 'pusher:subscribe', data: { auth: '', channel: own } });
      expect((await client.next('pusher:error')).data).toEqual({ code: null, message: expect.any(String) });
      await client.flush();
      await target.trigger({ name: 'e', channel: own, data: 'secret' });
      expect(await client.flush()).toEqual([]);
      await client.close();
    }
  });

  test('opens it to its user with an empty auth, and delivers there', async () => {
    const userId = target.userId('2');
    const channel = `#server-to-user-${userId}`;
    const client = await signedIn(userId);
    client.send({ event: 'pusher:subscribe', data: { auth: '', channel } });
    expect(await client.next()).toEqual({ event: 'pusher_internal:subscription_succeeded', channel, data: '{}' });
    await target.trigger({ name: 'e', channel, data: 'hello' });
    expect(await client.next()).toEqual({ event: 'e', channel, data: 'hello' });
    expect(await client.flush()).toEqual([]);
    await client.close();
  });

  test('lets the SDK send to a user of pusher-js', async () => {
    const userId = target.userId('ann');
    const pusher = target.pusher(userId);
    await once(pusher.connection, 'connected');
    pusher.signin();
    await pusher.user.signinDonePromise;
    await once(pusher.user.serverToUserChannel ?? pusher.user, 'pusher:subscription_succeeded');
    const event = once(pusher.user, 'e');
    await target.sdk.sendToUser(userId, 'e', { n: 1 });
    expect(await event).toEqual({ n: 1 });
  });
});

describe('item 16:', () => {
  test('passes the data of a client event on as a string, never to its sender', async () => {
    const [channel, sender, other] = await pair('private-');
    for (const [data, text] of [
      [{ a: 1 }, '{"a":1}'],
      ['{"a":  1}', '{"a":  1}'],
      ['plain', 'plain'],
    ]) {
      sender.send({ event: 'client-x', channel, data, user_id: 'forged', userId: 'forged' });
      expect(await other.next()).toEqual({ event: 'client-x', channel, data: text });
    }
    expect(await sender.flush()).toEqual([]);
    for (const client of [sender, other]) await client.close();
  });

  test('names the user on presence channels, from the auth data', async () => {
    const [channel, sender, other] = await pair('presence-');
    sender.send({ event: 'client-x', channel, data: {}, user_id: 'forged' });
    expect(await other.next()).toEqual({ event: 'client-x', channel, data: '{}', user_id: '0' });
    for (const client of [sender, other]) await client.close();
  });

  test('brings a whisper of pusher-js to the other', async () => {
    const name = target.channel('presence-');
    const [ann, bob] = [target.pusher('ann').subscribe(name), target.pusher('bob').subscribe(name)];
    await Promise.all([once(ann, 'pusher:subscription_succeeded'), once(bob, 'pusher:subscription_succeeded')]);
    const received = new Promise((resolve) => {
      bob.bind('client-typing', (data: unknown, metadata: unknown) => resolve([data, metadata]));
    });
    expect(ann.trigger('client-typing', { a: 1 })).toBe(true);
    expect(await received).toEqual([{ a: 1 }, { user_id: 'ann' }]);
  });
});

describe('item 17:', () => {
  test('drops the 11th client event of a second with 4301, and the connection stays', async () => {
    const [channel, sender, other] = await pair('private-');
    for (let sent = 0; sent < 11; sent += 1) sender.send({ event: 'client-x', channel, data: `${sent}` });
    expect((await sender.next('pusher:error')).data).toEqual({ code: 4301, message: expect.any(String) });
    for (let sent = 0; sent < 10; sent += 1) expect((await other.next('client-x')).data).toBe(`${sent}`);
    expect(await other.flush()).toEqual([]);
    expect(await sender.flush()).toEqual([]);
    for (const client of [sender, other]) await client.close();
  });

  test('refuses client events on public channels, and on channels that the sender is not in', async () => {
    const [channel, sender, other] = await pair('');
    sender.send({ event: 'client-x', channel, data: {} });
    expect((await sender.next('pusher:error')).data).toEqual({
      code: null,
      message: 'Client event rejected - only supported on private and presence channels',
    });
    const elsewhere = target.channel('private-');
    sender.send({ event: 'client-x', channel: elsewhere, data: {} });
    expect((await sender.next('pusher:error')).data).toEqual({
      code: null,
      message: `Cannot broadcast client event (connection not subscribed to channel ${elsewhere})`,
    });
    expect(await other.flush()).toEqual([]);
    for (const client of [sender, other]) await client.close();
  });
});

describe('item 18:', () => {
  test('refuses another user on the same connection, and takes the same one again', async () => {
    const userId = target.userId('1');
    const client = await signedIn(userId);
    client.signIn(JSON.stringify({ id: target.userId('2') }));
    expect((await client.next('pusher:error')).data).toEqual({ code: null, message: expect.any(String) });
    const userData = JSON.stringify({ id: userId, user_info: { name: 'ü' } });
    client.signIn(userData);
    expect(await client.next()).toEqual({
      event: 'pusher:signin_success',
      data: JSON.stringify({ user_data: userData }),
    });
    await client.close();
  });

  test('refuses a wrong signature, and the connection stays', async () => {
    const client = await target.connect();
    client.send({ event: 'pusher:signin', data: { auth: `${target.app.key}:bad`, user_data: '{"id":"1"}' } });
    expect((await client.next('pusher:error')).data).toEqual({
      code: null,
      message: expect.stringMatching(/^Invalid signature: Expected HMAC SHA256 hex digest of /),
    });
    expect(await client.flush()).toEqual([]);
    await client.close();
  });
});

describe('item 19:', () => {
  test('closes all connections that signed in as a user, and none that only bears the id in a presence channel', async () => {
    const userId = target.userId('1');
    const [first, second, other] = [await signedIn(userId), await signedIn(userId), await signedIn(target.userId('2'))];
    const member = await target.connect();
    await member.subscribed(target.channel('presence-'), JSON.stringify({ user_id: userId }));
    const { status, text } = await target.call('POST', `/users/${userId}/terminate_connections`, { body: {} });
    expect([status, text]).toEqual([200, '{}']);
    const codes = [await first.closed(), await second.closed()].map(({ code }) => code);
    expect(codes[0]).toBe(codes[1]);
    for (const client of [other, member]) {
      expect(await client.flush()).toEqual([]);
      await client.close();
    }
    await (await signedIn(userId)).close();
  });

  test('takes a user who is not there', async () => {
    const { status, text } = await target.call('POST', `/users/${target.userId('x')}/terminate_connections`, {
      body: {},
    });
    expect([status, text]).toEqual([200, '{}']);
  });
});
