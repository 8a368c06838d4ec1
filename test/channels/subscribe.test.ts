import { describe, expect, test } from 'vitest';
import { hmacHex } from '../../auth/hmac.ts';
import { publish } from '../../channels/publish.ts';
import { errorFrame, type TestClient, TestNode } from './test-node.ts';

function succeeded(channel: string, data: unknown = {}): string {
  return JSON.stringify({ event: 'pusher_internal:subscription_succeeded', channel, data: JSON.stringify(data) });
}

/** Both forms in which a refused subscription is told. */
function refused(channel: string, type: string, status: number, message: string): string[] {
  const data = JSON.stringify({ type, error: message, status });
  return [errorFrame(message), JSON.stringify({ event: 'pusher:subscription_error', channel, data })];
}

function subscribeAs(client: TestClient, data: unknown): string[] {
  return client.ask({ event: 'pusher:subscribe', data });
}

describe('answers a subscription with success', () => {
  test.for([
    'news',
    'private-news',
    'private-encrypted-news',
    'presence', // no prefix, so public
  ])('to %s, in one frame', (channel) => {
    const client = new TestNode().connect();
    expect(subscribeAs(client, client.subscription(channel))).toEqual([succeeded(channel)]);
  });

  test.for(['cache-x', 'private-cache-x', 'private-encrypted-cache-x'])('to %s, then a cache miss', (channel) => {
    const client = new TestNode().connect();
    expect(subscribeAs(client, client.subscription(channel))).toEqual([
      succeeded(channel),
      `{"event":"pusher:cache_miss","channel":"${channel}","data":"{}"}`,
    ]);
  });

  test.for([
    ['presence-x', []],
    ['presence-cache-x', ['{"event":"pusher:cache_miss","channel":"presence-cache-x","data":"{}"}']],
  ] as const)('to %s, with the members', ([channel, more]) => {
    const client = new TestNode().connect();
    expect(subscribeAs(client, client.subscription(channel, '{"user_id":7,"user_info":{"name":"A"}}'))).toEqual([
      succeeded(channel, { presence: { count: 1, ids: ['7'], hash: { 7: { name: 'A' } } } }),
      ...more,
    ]);
  });

  test('whose data is a JSON string that holds the object', () => {
    const client = new TestNode().connect();
    expect(subscribeAs(client, JSON.stringify(client.subscription('private-x')))).toEqual([succeeded('private-x')]);
  });

  test('with a public channel, whatever its auth and channel_data are', () => {
    const client = new TestNode().connect();
    expect(subscribeAs(client, { channel: 'news', auth: 'nonsense' })).toEqual([succeeded('news')]);
    const data = { channel: 'more', auth: { a: 1 }, channel_data: { user_id: 1 } };
    expect(subscribeAs(client, data)).toEqual([succeeded('more')]);
  });

  test('with channel_data on a private channel, which is signed', () => {
    const client = new TestNode().connect();
    const signed = client.subscription('private-x', '{ "user_id" : 1 }');
    expect(subscribeAs(client, { ...signed, channel_data: '{"user_id":1}' })).toHaveLength(2);
    expect(subscribeAs(client, signed)).toEqual([succeeded('private-x')]);
  });
});

describe('a cache channel', () => {
  test('gives a subscriber the last event after the success', () => {
    const server = new TestNode();
    const { app, node } = server;
    const client = server.connect();
    const event = { data: '{"a":1}', channels: ['cache-x'], socketId: client.socketId, info: new Set<never>() };
    void publish(node, app, { ...event, name: 'first' });
    void publish(node, app, { ...event, name: 'second' });
    client.subscribe('cache-x');
    expect(client.take()).toEqual([
      succeeded('cache-x'),
      String.raw`{"event":"second","channel":"cache-x","data":"{\"a\":1}"}`,
    ]);
  });
});

describe('a presence channel', () => {
  test('tells the others of a new member, once for all of its connections, and not the member itself', () => {
    const server = new TestNode();
    const [watcher, first, second] = [server.connect(), server.connect(), server.connect()];
    watcher.subscribe('presence-x', '{"user_id":"w"}');
    watcher.take();
    first.subscribe('presence-x', '{"user_id":7,"user_info":{"name":"A"}}');
    expect(first.take()).toHaveLength(1);
    expect(watcher.take()).toEqual([
      String.raw`{"event":"pusher_internal:member_added","channel":"presence-x","data":"{\"user_id\":7,\"user_info\":{\"name\":\"A\"}}"}`,
    ]);
    second.subscribe('presence-x', '{"user_id":"7","user_info":{"name":"B"}}');
    expect(watcher.take()).toEqual([]);
    expect(first.take()).toEqual([]);
    // The info of the first connection stays.
    const presence = { count: 2, ids: ['w', '7'], hash: { w: null, 7: { name: 'A' } } };
    expect(JSON.parse(JSON.parse(second.take()[0] ?? '').data)).toEqual({ presence });
  });

  test('lets a signed-in user in without channel_data, with the data of the sign-in', () => {
    const client = new TestNode().connect();
    client.signIn('{"id":"7","user_info":{"name":"A"}}');
    client.take();
    client.subscribe('presence-x');
    const presence = { count: 1, ids: ['7'], hash: { 7: { name: 'A' } } };
    expect(client.take()).toEqual([succeeded('presence-x', { presence })]);
  });

  test('takes channel_data before the data of the sign-in', () => {
    const client = new TestNode().connect();
    client.signIn('{"id":"7"}');
    client.take();
    client.subscribe('presence-x', '{"user_id":"8"}');
    expect(client.take()).toEqual([succeeded('presence-x', { presence: { count: 1, ids: ['8'], hash: { 8: null } } })]);
  });

  test('lets any number of members in where the limit is -1', () => {
    const server = new TestNode({ app: { limits: { maxPresenceMembersPerChannel: -1 } } });
    for (let id = 0; id < 5; id += 1) {
      const client = server.connect();
      client.subscribe('presence-x', `{"user_id":${id}}`);
      expect(client.take()[0]).toContain('subscription_succeeded');
    }
  });

  test('refuses a member too many, but not another connection of one that is there', () => {
    const server = new TestNode({ app: { limits: { maxPresenceMembersPerChannel: 1 } } });
    const clients = [server.connect(), server.connect(), server.connect()] as const;
    clients[0].subscribe('presence-x', '{"user_id":"7"}');
    clients[1].subscribe('presence-x', '{"user_id":"8"}');
    expect(clients[1].take()).toEqual(
      refused(
        'presence-x',
        'LimitReached',
        4100,
        'presence-x has its maximum of 1 members (presence.maxMembersPerChannel)',
      ),
    );
    clients[2].subscribe('presence-x', '{"user_id":"7"}');
    expect(clients[2].take()).toHaveLength(1);
    clients[0].vanish();
    clients[2].vanish();
    clients[1].subscribe('presence-x', '{"user_id":"8"}');
    expect(clients[1].take()).toHaveLength(1);
  });

  test('refuses user_info over the limit, counted in bytes', () => {
    const server = new TestNode({ app: { limits: { maxPresenceMemberBytes: 20 } } });
    const client = server.connect();
    client.subscribe('presence-x', '{"user_id":"7","user_info":{"name":"ééééé!"}}');
    expect(client.take()).toEqual(
      refused(
        'presence-x',
        'LimitReached',
        413,
        'user_info of presence member is 22 bytes, limit 20 (presence.maxMemberSizeInKb)',
      ),
    );
    client.subscribe('presence-x', '{"user_id":"7","user_info":{"name":"ééééé"}}');
    expect(client.take().join()).toContain('is 21 bytes');
    client.subscribe('presence-x', '{"user_id":"7","user_info":{"name":"123456789"}}');
    expect(client.take()).toHaveLength(1);
  });

  test('checks the signature before the limits', () => {
    const server = new TestNode({ app: { limits: { maxPresenceMembersPerChannel: 1, maxPresenceMemberBytes: 1 } } });
    const client = server.connect();
    const frames = subscribeAs(client, {
      channel: 'presence-x',
      auth: 'key:x',
      channel_data: '{"user_id":7,"user_info":{}}',
    });
    expect(frames[0]).toContain('Invalid signature');
  });
});

describe('refuses, in both forms, and stays open', () => {
  const client = new TestNode().connect();
  const digest = hmacHex('secret', '1.1:private-x');

  test.for([
    [
      'a name with a space',
      { channel: 'a b' },
      'InvalidChannel',
      400,
      'Invalid channel name "a b": only letters, digits and - _ = @ , . ; are allowed',
    ],
    ['an empty name', { channel: '' }, 'InvalidChannel', 400, 'Invalid channel name "": it is empty'],
    [
      'a reserved name',
      { channel: '#control-7' },
      'InvalidChannel',
      400,
      'Invalid channel name "#control-7": names beginning with # are reserved',
    ],
    [
      'no auth',
      { channel: 'private-x' },
      'AuthError',
      401,
      "Auth value for subscription to private-x is invalid: should be of format 'key:signature'",
    ],
    [
      'a foreign key',
      { channel: 'private-x', auth: `other:${digest}` },
      'AuthError',
      401,
      "Invalid key in subscription auth data: 'other'",
    ],
    [
      'a wrong signature',
      { channel: 'private-x', auth: 'key:bad' },
      'AuthError',
      401,
      'Invalid signature: Expected HMAC SHA256 hex digest of 1.1:private-x, but got bad',
    ],
    [
      'a cache channel without auth',
      { channel: 'private-cache-x', auth: '' },
      'AuthError',
      401,
      "Auth value for subscription to private-cache-x is invalid: should be of format 'key:signature'",
    ],
    [
      'channel_data that was not signed',
      { channel: 'private-x', auth: `key:${digest}`, channel_data: '{}' },
      'AuthError',
      401,
      `Invalid signature: Expected HMAC SHA256 hex digest of 1.1:private-x:{}, but got ${digest}`,
    ],
    [
      'a presence channel without a member',
      client.subscription('presence-x'),
      'AuthError',
      401,
      'presence-x is a presence channel and subscription must include channel_data',
    ],
    [
      'a member without an id',
      client.subscription('presence-x', '{}'),
      'InvalidChannelData',
      400,
      'channel_data must have a user_id: a string of 1 to 128 characters, or an integer',
    ],
    [
      "a user's channel when nobody is signed in",
      { channel: '#server-to-user-7', auth: '' },
      'AuthError',
      401,
      'Not signed in as the user of #server-to-user-7: sign in first, a user can only enter their own channel',
    ],
  ] as const)('%s', ([, data, type, status, message]) => {
    expect(subscribeAs(client, data)).toEqual(refused(data.channel ?? '', type, status, message));
    expect(client.closedWith).toBe(undefined);
    expect(client.connected.subscriptions.size).toBe(0);
  });

  test('in the form of the hosted service only, where the option says so', () => {
    const strict = new TestNode({ options: { subscriptionErrorEvent: false } }).connect();
    expect(subscribeAs(strict, { channel: '' })).toEqual([errorFrame('Invalid channel name "": it is empty')]);
  });
});

describe('a second subscription to the same channel', () => {
  test('is refused and leaves the first as it is', () => {
    const server = new TestNode();
    const [client, watcher] = [server.connect(), server.connect()];
    watcher.subscribe('presence-x', '{"user_id":"w"}');
    client.subscribe('presence-x', '{"user_id":"7"}');
    client.take();
    watcher.take();
    client.subscribe('presence-x', '{"user_id":"8"}');
    expect(client.take()).toEqual([errorFrame('Existing subscription to channel presence-x')]);
    expect(watcher.take()).toEqual([]);
    void server.node.broker.publish({ appId: '3', channel: 'presence-x', frame: 'hello' });
    expect(client.take()).toEqual(['hello']);
  });

  test('is answered with success where the option says so, without a second member', () => {
    const server = new TestNode({ options: { lenientDuplicates: true } });
    const client = server.connect();
    client.subscribe('news');
    client.subscribe('news');
    expect(client.take()).toEqual([succeeded('news'), succeeded('news')]);
    client.subscribe('presence-x', '{"user_id":"7"}');
    const first = client.take();
    client.subscribe('presence-x', '{"user_id":"7"}');
    expect(client.take()).toEqual(first);
    expect(server.node.channels.size).toBe(2);
  });

  test("is answered with success on the user's own channel", () => {
    // pusher-js enters it anew when a sign-in is renewed, and told the application of an error it had not made.
    const client = new TestNode().connect();
    client.signIn('{"id":"7"}');
    client.subscribe('#server-to-user-7');
    client.take();
    client.subscribe('#server-to-user-7');
    expect(client.take()).toEqual([succeeded('#server-to-user-7')]);
  });
});

test('refuses one channel more than a connection may be in, until it leaves one', () => {
  // Anybody with the public key could have the broker remember channels without end.
  const client = new TestNode({ options: { maxSubscriptionsPerConnection: 2 } }).connect();
  for (const channel of ['a', 'b']) expect(subscribeAs(client, { channel })).toEqual([succeeded(channel)]);
  const message = 'This connection is in 2 channels, limit 2 (subscriptions.maxPerConnection): leave some first';
  expect(subscribeAs(client, { channel: 'c' })).toEqual(refused('c', 'LimitReached', 429, message));
  client.ask({ event: 'pusher:unsubscribe', data: { channel: 'a' } });
  expect(subscribeAs(client, { channel: 'c' })).toEqual([succeeded('c')]);
});

/** Cause: such a frame counted as unreadable, not as a subscription. Symptom: no handler of the channel heard that it was refused. */
describe('channel_data that is no string', () => {
  test.for([
    ['presence-x', { user_id: '7' }, 'of type object'],
    ['presence-cache-x', ['{"user_id":"7"}'], 'an array'],
    ['presence-x', 7, 'of type number'],
    ['private-x', { user_id: '7' }, 'of type object'],
    ['private-encrypted-x', false, 'of type boolean'],
  ] as const)('refuses %s in both forms: %j', ([channel, channelData, what]) => {
    const client = new TestNode().connect();
    const data = { ...client.subscription(channel), channel_data: channelData };
    const message = `channel_data for ${channel} must be a string, exactly as the auth endpoint answered it: here it is ${what}`;
    expect(subscribeAs(client, data)).toEqual(refused(channel, 'InvalidChannelData', 400, message));
    expect(subscribeAs(client, JSON.stringify(data))).toEqual(refused(channel, 'InvalidChannelData', 400, message));
  });

  test('tells a channel that the client is in nothing', () => {
    const client = new TestNode().connect();
    client.subscribe('presence-x', '{"user_id":"7"}');
    client.take();
    const answers = subscribeAs(client, { channel: 'presence-x', channel_data: {} });
    expect(answers.map((text) => (JSON.parse(text) as { event: string }).event)).toEqual(['pusher:error']);
  });

  test('and auth that is none refuses as a missing one', () => {
    const client = new TestNode().connect();
    const message = "Auth value for subscription to private-x is invalid: should be of format 'key:signature'";
    for (const auth of [7, {}, null]) {
      expect(subscribeAs(client, { channel: 'private-x', auth })).toEqual(
        refused('private-x', 'AuthError', 401, message),
      );
    }
  });
});
