import { describe, expect, test } from 'vitest';
import { reconnectUser, terminateUser } from '../../channels/user-connections.ts';
import { errorFrame, type TestClient, TestNode } from './test-node.ts';

function success(userData: string): string {
  return JSON.stringify({ event: 'pusher:signin_success', data: JSON.stringify({ user_data: userData }) });
}

function watchlistFrame(...events: [name: string, ids: string[]][]): string {
  const data = JSON.stringify({ events: events.map(([name, user_ids]) => ({ name, user_ids })) });
  return JSON.stringify({ event: 'pusher_internal:watchlist_events', data });
}

function signIn(client: TestClient, userData: string): string[] {
  client.signIn(userData);
  return client.take();
}

describe('a sign-in', () => {
  test('is answered with the same user data, byte for byte', () => {
    const client = new TestNode().connect();
    const userData = '{ "id": "42" , "user_info": {"name":"ü"}, "more": [1.0] }';
    expect(signIn(client, userData)).toEqual([success(userData)]);
    expect(client.connected.user).toMatchObject({ id: '42', userInfoJson: '{"name":"ü"}' });
  });

  test('may be repeated by the same user with other data', () => {
    const client = new TestNode().connect();
    signIn(client, '{"id":"42"}');
    expect(signIn(client, '{"id":"42","user_info":{"a":1}}')).toEqual([success('{"id":"42","user_info":{"a":1}}')]);
    client.subscribe('presence-x');
    expect(client.take()[0]).toContain(String.raw`\"hash\":{\"42\":{\"a\":1}}`);
  });

  test('as somebody else is refused, and changes nothing', () => {
    const client = new TestNode().connect();
    signIn(client, '{"id":"42"}');
    expect(signIn(client, '{"id":"43"}')).toEqual([
      errorFrame('Already signed in as 42: open a new connection to sign in as 43'),
    ]);
    expect(client.connected.user?.id).toBe('42');
    expect(client.closedWith).toBe(undefined);
  });

  test.for([
    ['nonsense', '{"id":"42"}', 'Invalid format: auth must have the format key:signature'],
    [
      'key:bad',
      '{"id":"42"}',
      'Invalid signature: Expected HMAC SHA256 hex digest of 1.1::user::{"id":"42"}, but got bad',
    ],
    ['other:bad', '{"id":"42"}', "Invalid key in subscription auth data: 'other'"],
  ])('with the auth %s is refused, and the connection stays', ([auth, userData, message = '']) => {
    const client = new TestNode().connect();
    expect(client.ask({ event: 'pusher:signin', data: { auth, user_data: userData } })).toEqual([errorFrame(message)]);
    expect(client.connected.user).toBe(undefined);
    expect(client.closedWith).toBe(undefined);
  });

  test('without a usable id is refused', () => {
    const client = new TestNode().connect();
    expect(signIn(client, '{"id":42}')).toEqual([
      errorFrame('user_data must have an id: a string of 1 to 128 characters (got the number 42: make it a string)'),
    ]);
  });
});

describe('the channel of a user', () => {
  test('is open to connections signed in as that user, and reaches each once', () => {
    const server = new TestNode();
    const [client, other] = [server.connect(), server.connect()];
    signIn(client, '{"id":"2"}');
    signIn(other, '{"id":"1"}');
    client.subscribe('#server-to-user-2');
    expect(client.take()).toEqual([
      '{"event":"pusher_internal:subscription_succeeded","channel":"#server-to-user-2","data":"{}"}',
    ]);
    other.subscribe('#server-to-user-2');
    expect(other.take()[0]).toContain('Not signed in as the user of #server-to-user-2');
    void server.node.broker.publish({ appId: '3', channel: '#server-to-user-2', frame: 'hello' });
    expect(client.take()).toEqual(['hello']);
    expect(other.take()).toEqual([]);
  });

  test('is not counted as an occupied channel', async () => {
    const server = new TestNode();
    const client = server.connect();
    signIn(client, '{"id":"2","watchlist":["3"]}');
    client.subscribe('#server-to-user-2');
    expect(await server.node.store.occupied('3', '')).toEqual([]);
  });
});

describe('terminating a user', () => {
  test('sends a connection nothing after its error, not even that it left its channels', () => {
    // The connection left its channels while its socket still heard their topics: it was sent its own member_removed.
    const server = new TestNode({ app: { enableSubscriptionCountEvents: true } });
    const [ended, other] = [server.connect(), server.connect()];
    ended.signIn('{"id":"7"}');
    for (const client of [ended, other]) {
      client.subscribe('presence-room', `{"user_id":"${client.socketId}"}`);
      client.subscribe('news');
      client.take();
    }
    ended.take();
    void terminateUser(server.node, '3', '7');
    expect(ended.take()).toEqual([expect.stringContaining('"code":4009')]);
    expect(other.take()).toEqual([
      expect.stringContaining('member_removed'),
      expect.stringContaining('subscription_count'),
    ]);
  });

  test('closes every connection signed in as that user with 4009, and no other', () => {
    const server = new TestNode();
    const clients = [server.connect(), server.connect()] as const;
    const [member, other] = [server.connect(), server.connect()];
    for (const client of clients) signIn(client, '{"id":"7"}');
    signIn(other, '{"id":"8","watchlist":["7"]}');
    member.subscribe('presence-x', '{"user_id":"7"}');
    member.take();
    void terminateUser(server.node, '3', '7');
    const text = 'Connection is unauthorized: the application ended all connections of this user';
    for (const client of clients) {
      expect(client.take()).toEqual([JSON.stringify({ event: 'pusher:error', data: { code: 4009, message: text } })]);
      expect(client.closedWith).toEqual({ code: 4009, reason: text });
    }
    expect([member.closedWith, other.closedWith]).toEqual([undefined, undefined]);
    expect(member.take()).toEqual([]);
    expect(other.take()).toEqual([watchlistFrame(['offline', ['7']])]);
    expect(server.node.connections.size).toBe(2);
  });

  test('to reconnect closes them with 4200, so that stock clients come back and sign in again', () => {
    const server = new TestNode();
    const [first, second, other] = [server.connect(), server.connect(), server.connect()];
    for (const client of [first, second]) signIn(client, '{"id":"7"}');
    signIn(other, '{"id":"8"}');
    void reconnectUser(server.node, '3', '7');
    const text = 'The application wants this user to be authorized again: reconnect now';
    for (const client of [first, second]) {
      expect(client.take()).toEqual([JSON.stringify({ event: 'pusher:error', data: { code: 4200, message: text } })]);
      expect(client.closedWith).toEqual({ code: 4200, reason: text });
    }
    expect(other.closedWith).toBe(undefined);
    expect(server.node.store.userConnectionCount('3', '7')).toBe(0);
    const back = server.connect();
    signIn(back, '{"id":"7"}');
    expect(server.node.store.userConnectionCount('3', '7')).toBe(1);
    expect(back.closedWith).toBe(undefined);
  });

  test('who is not there does nothing, and the user of another app is another user', () => {
    const server = new TestNode();
    const client = server.connect();
    signIn(client, '{"id":"7"}');
    void terminateUser(server.node, '3', '8');
    void terminateUser(server.node, '4', '7');
    expect(client.closedWith).toBe(undefined);
  });
});

describe('a watchlist', () => {
  test('is answered with who is there and who is not, then with each change', () => {
    const server = new TestNode();
    const [watcher, first, second] = [server.connect(), server.connect(), server.connect()];
    signIn(first, '{"id":"7"}');
    const userData = '{"id":"1","watchlist":["8","7",9]}';
    expect(signIn(watcher, userData)).toEqual([
      success(userData),
      watchlistFrame(['online', ['7']], ['offline', ['8', '9']]),
    ]);
    signIn(second, '{"id":"7"}');
    first.vanish();
    expect(watcher.take()).toEqual([]);
    second.vanish();
    expect(watcher.take()).toEqual([watchlistFrame(['offline', ['7']])]);
    signIn(server.connect(), '{"id":"8"}');
    signIn(server.connect(), '{"id":"10"}');
    expect(watcher.take()).toEqual([watchlistFrame(['online', ['8']])]);
  });

  test('leaves out an empty list', () => {
    const server = new TestNode();
    expect(signIn(server.connect(), '{"id":"1","watchlist":["7"]}')[1]).toBe(watchlistFrame(['offline', ['7']]));
    signIn(server.connect(), '{"id":"7"}');
    expect(signIn(server.connect(), '{"id":"2","watchlist":["7"]}')[1]).toBe(watchlistFrame(['online', ['7']]));
    expect(signIn(server.connect(), '{"id":"3","watchlist":[]}')).toHaveLength(1);
  });

  test('of more than 100 users is cut to the first 100, and the client is told with 4302', () => {
    const server = new TestNode();
    const ids = Array.from({ length: 101 }, (_, index) => `u${index}`);
    const client = server.connect();
    const frames = signIn(client, JSON.stringify({ id: '1', watchlist: ids }));
    expect(frames.slice(1)).toEqual([
      errorFrame('Watchlist limit exceeded. Only the first 100 user IDs are accepted.', 4302),
      watchlistFrame(['offline', ids.slice(0, 100)]),
    ]);
    signIn(server.connect(), '{"id":"u100"}');
    expect(client.take()).toEqual([]);
    expect(signIn(server.connect(), JSON.stringify({ id: '2', watchlist: ids.slice(0, 100) }))).toHaveLength(2);
  });

  test('is replaced by a later sign-in', () => {
    const server = new TestNode();
    const client = server.connect();
    signIn(client, '{"id":"1","watchlist":["7","8"]}');
    signIn(client, '{"id":"1","watchlist":["8","9"]}');
    for (const id of ['7', '8', '9']) signIn(server.connect(), JSON.stringify({ id }));
    expect(client.take()).toEqual([watchlistFrame(['online', ['8']]), watchlistFrame(['online', ['9']])]);
  });

  test('is ignored by apps that did not opt in', () => {
    const server = new TestNode({ app: { enableWatchlistEvents: false } });
    const client = server.connect();
    expect(signIn(client, '{"id":"1","watchlist":["7"]}')).toHaveLength(1);
    signIn(server.connect(), '{"id":"7"}');
    expect(client.take()).toEqual([]);
  });
});
