import { describe, expect, test } from 'vitest';
import { publish, takeBackendEvents, takeReadRequest } from '../../channels/publish.ts';
import type { Trigger } from '../../protocol/trigger.ts';
import { TestNode } from './test-node.ts';

function event(channels: string[], more: Partial<Trigger> = {}): Trigger {
  return { name: 'e', data: '{"a": 1}', channels, socketId: undefined, info: new Set(), ...more };
}

const frameOf = (channel: string, name = 'e'): string =>
  `{"event":"${name}","channel":"${channel}","data":"{\\"a\\": 1}"}`;

test('sends the data unchanged to all subscribers of each channel, once per channel', () => {
  const server = new TestNode();
  const [both, one, none] = [server.connect(), server.connect(), server.connect()];
  both.subscribe('a');
  both.subscribe('b');
  one.subscribe('b');
  for (const client of [both, one]) client.take();
  expect(publish(server.node, server.app, event(['a', 'b']))).toBe(undefined);
  expect(both.take()).toEqual([frameOf('a'), frameOf('b')]);
  expect(one.take()).toEqual([frameOf('b')]);
  expect(none.take()).toEqual([]);
});

test('leaves out the socket that the trigger names, also on cache channels, which keep the event all the same', () => {
  const server = new TestNode();
  const [sender, other, late] = [server.connect(), server.connect(), server.connect()];
  for (const client of [sender, other]) {
    client.subscribe('cache-a');
    client.take();
  }
  void publish(server.node, server.app, event(['cache-a'], { socketId: sender.socketId }));
  expect(sender.take()).toEqual([]);
  expect(other.take()).toEqual([frameOf('cache-a')]);
  late.subscribe('cache-a');
  expect(late.take()[1]).toBe(frameOf('cache-a'));
});

test.for(['9.9', 'the id of a socket elsewhere'])('takes a socket id that is not in the channel: %s', (socketId) => {
  const server = new TestNode();
  const [client, elsewhere] = [server.connect(), server.connect()];
  client.subscribe('a');
  client.take();
  const exclude = socketId === '9.9' ? socketId : elsewhere.socketId;
  void publish(server.node, server.app, event(['a'], { socketId: exclude }));
  expect(client.take()).toEqual([frameOf('a')]);
});

test('keeps the last event of cache channels only, for the time that the app sets', () => {
  const server = new TestNode({ app: { limits: { cacheTtlSeconds: 10 } } });
  void publish(server.node, server.app, event(['a', 'cache-a', 'foo-cache-a', 'private-encrypted-cache-a']));
  expect(server.node.broker.lastEvent('3', 'cache-a')).toMatchObject({
    frame: frameOf('cache-a'),
    remainingSeconds: 10,
  });
  expect(server.node.broker.lastEvent('3', 'private-encrypted-cache-a')).toBeDefined();
  expect(server.node.broker.lastEvent('3', 'a')).toBe(undefined);
  expect(server.node.broker.lastEvent('3', 'foo-cache-a')).toBe(undefined);
  server.clock.advance(10_000);
  const late = server.connect();
  late.subscribe('cache-a');
  expect(late.take()[1]).toContain('pusher:cache_miss');
});

describe('the allowance of the backend', () => {
  test('is taken by each channel of each event, all of a request or none', () => {
    const { node, app } = new TestNode({ app: { limits: { maxBackendEventsPerSecond: 5 } } });
    takeBackendEvents(node, app, [event(['a', 'b']), event(['c'])]);
    expect(() => takeBackendEvents(node, app, [event(['a', 'b', 'c'])])).toThrow(
      expect.objectContaining({
        id: 'rate-limited',
        status: 429,
        retryAfterSeconds: 1,
        message: expect.stringMatching(
          /^Too many requests: 3 events to publish, limit 5 per second \(maxBackendEventsPerSecond\); try again in \d+ ms$/,
        ),
      }),
    );
    takeBackendEvents(node, app, [event(['a', 'b'])]);
  });

  test('can never pay for a request larger than itself, which is told without a time to wait', () => {
    const { node, app } = new TestNode({ app: { limits: { maxBackendEventsPerSecond: 1 } } });
    expect(() => takeBackendEvents(node, app, [event(['a', 'b'])])).toThrow(
      expect.objectContaining({
        retryAfterSeconds: undefined,
        message: expect.stringContaining('it can never pass: send fewer at once'),
      }),
    );
  });

  test('of reads is another', () => {
    const { node, app } = new TestNode({
      app: { limits: { maxBackendEventsPerSecond: 0, maxReadRequestsPerSecond: 1 } },
    });
    takeReadRequest(node, app);
    expect(() => takeReadRequest(node, app)).toThrow(expect.objectContaining({ status: 429, retryAfterSeconds: 1 }));
  });
});
