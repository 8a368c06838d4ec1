import { describe, expect, test } from 'vitest';
import { errorFrame, type TestClient, TestNode } from './test-node.ts';

function pair(channel: string, server = new TestNode()): readonly [TestClient, TestClient] {
  const clients = [server.connect(), server.connect()] as const;
  for (const [index, client] of clients.entries()) {
    client.subscribe(channel, `{"user_id":${index},"user_info":{"n":1}}`);
  }
  for (const client of clients) client.take();
  return clients;
}

describe('a client event reaches the others, never its sender,', () => {
  test.for([
    ['an object as a string', { a: 1 }, '{"a":1}'],
    ['a string as it is', '{"a":  1}', '{"a":  1}'],
    ['an empty string', '', ''],
    ['null as a string', null, 'null'],
    ['an empty object where it sends no data', undefined, '{}'],
  ] as const)('with %s', ([, data, text]) => {
    const [sender, other] = pair('private-x');
    sender.send({ event: 'client-hi', channel: 'private-x', data });
    expect(sender.take()).toEqual([]);
    expect(other.take()).toEqual([`{"event":"client-hi","channel":"private-x","data":${JSON.stringify(text)}}`]);
  });

  test('with the user on presence channels, from the auth data and as a string, whatever the frame says', () => {
    const [sender, other] = pair('presence-x');
    sender.send({ event: 'client-hi', channel: 'presence-x', data: 1, user_id: 'forged', userId: 'forged' });
    expect(other.take()).toEqual(['{"event":"client-hi","channel":"presence-x","data":"1","user_id":"0"}']);
  });

  test('without a user on private channels', () => {
    const [sender, other] = pair('private-x');
    sender.send({ event: 'client-hi', channel: 'private-x', data: 1, user_id: 'forged' });
    expect(other.take()).toEqual(['{"event":"client-hi","channel":"private-x","data":"1"}']);
  });

  test.for(['private-encrypted-x', 'private-cache-x', 'private-encrypted-cache-x', 'presence-cache-x'])(
    'on %s',
    (channel) => {
      const [sender, other] = pair(channel);
      sender.send({ event: 'client-hi', channel, data: 1 });
      expect(other.take()).toHaveLength(1);
    },
  );
});

test('is not kept by a cache channel', () => {
  const server = new TestNode();
  const [sender] = pair('private-cache-x', server);
  sender.send({ event: 'client-hi', channel: 'private-cache-x', data: 1 });
  const late = server.connect();
  late.subscribe('private-cache-x');
  expect(late.take()[1]).toContain('pusher:cache_miss');
});

describe('a client event is refused', () => {
  test('when the app does not allow any', () => {
    const [sender, other] = pair('private-x', new TestNode({ app: { enableClientMessages: false } }));
    expect(sender.ask({ event: 'client-hi', channel: 'private-x', data: 1 })).toEqual([
      errorFrame(
        'To send client events, you must enable this feature in the Settings page of your dashboard. ' +
          '(Here: the app option enableClientMessages)',
      ),
    ]);
    expect(other.take()).toEqual([]);
  });

  test.for(['news', 'cache-x', 'private', '#server-to-user-7'])('on %s', (channel) => {
    const client = new TestNode().connect();
    client.subscribe(channel);
    client.take();
    expect(client.ask({ event: 'client-hi', channel, data: 1 })).toEqual([
      errorFrame('Client event rejected - only supported on private and presence channels'),
    ]);
  });

  test('from a client that is not subscribed', () => {
    const server = new TestNode();
    const [, other] = pair('private-x', server);
    expect(server.connect().ask({ event: 'client-hi', channel: 'private-x', data: 1 })).toEqual([
      errorFrame('Cannot broadcast client event (connection not subscribed to channel private-x)'),
    ]);
    expect(other.take()).toEqual([]);
  });

  test('with a name over the limit', () => {
    const [sender, other] = pair('private-x');
    expect(sender.ask({ event: `client-${'x'.repeat(193)}`, channel: 'private-x', data: 1 })).toEqual([]);
    expect(sender.ask({ event: `client-${'x'.repeat(194)}`, channel: 'private-x', data: 1 })).toEqual([
      errorFrame('Client event rejected: its name is 201 characters long, limit 200 (eventLimits.maxNameLength)'),
    ]);
    expect(other.take()).toHaveLength(1);
  });

  test('with data over the limit, counted in bytes', () => {
    const [sender, other] = pair('private-x', new TestNode({ app: { limits: { maxEventPayloadBytes: 10 } } }));
    expect(sender.ask({ event: 'client-hi', channel: 'private-x', data: 'ééééé' })).toEqual([]);
    expect(sender.ask({ event: 'client-hi', channel: 'private-x', data: 'ééééé!' })).toEqual([
      errorFrame('Client event rejected: its data is 11 bytes, limit 10 (eventLimits.maxPayloadInKb)'),
    ]);
    expect(other.take()).toHaveLength(1);
  });

  test('with 4301 when it is one too many in a second, and the connection stays', () => {
    const [sender, other] = pair('private-x');
    for (let sent = 0; sent < 10; sent += 1) sender.send({ event: 'client-hi', channel: 'private-x', data: sent });
    expect(sender.take()).toEqual([]);
    const [frame = ''] = sender.ask({ event: 'client-hi', channel: 'private-x', data: 10 });
    const { code, message } = JSON.parse(frame).data;
    expect(code).toBe(4301);
    expect(message).toMatch(
      /^Client event rejected due to rate limit: 10 per second and connection, try again in \d+ ms$/,
    );
    expect(other.take()).toHaveLength(10);
    expect(sender.ask('{"event":"pusher:ping"}')).toHaveLength(1);
    expect(other.ask({ event: 'client-hi', channel: 'private-x', data: 1 })).toEqual([]);
    expect(sender.take()).toHaveLength(1);
  });

  test('when all clients of the app together send too many', () => {
    const server = new TestNode({ app: { limits: { maxAppClientEventsPerSecond: 1 } } });
    const [first, second] = pair('private-x', server);
    first.send({ event: 'client-hi', channel: 'private-x', data: 1 });
    second.take();
    const [frame = ''] = second.ask({ event: 'client-hi', channel: 'private-x', data: 1 });
    expect(JSON.parse(frame).data.message).toContain('1 per second for the whole app');
  });
});
