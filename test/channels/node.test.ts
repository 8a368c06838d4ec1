import { describe, expect, test } from 'vitest';
import { CLOSE_CODES, Disconnect } from '../../protocol/errors.ts';
import { DelayedSeams } from '../support/delayed-seams.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { createApp, TestNode } from './test-node.ts';

describe('the broker', () => {
  test('is asked for a channel when its first connection enters, and told when the last has left', () => {
    const clock = new FakeClock();
    const seams = new DelayedSeams(clock);
    const server = new TestNode({ clock, seams });
    const [first, second] = [server.connect(), server.connect()];
    first.subscribe('news');
    second.subscribe('news');
    first.vanish();
    expect(seams.calls.filter((call) => call.startsWith('broker.'))).toEqual(['broker.subscribe news']);
    second.unsubscribe('news');
    expect(seams.calls.filter((call) => call.startsWith('broker.'))).toEqual([
      'broker.subscribe news',
      'broker.unsubscribe news',
    ]);
  });

  test('is told too when nobody entered after all', () => {
    const clock = new FakeClock();
    const seams = new DelayedSeams(clock);
    const server = new TestNode({ clock, seams, app: { limits: { maxPresenceMembersPerChannel: 0 } } });
    server.connect().subscribe('presence-x', '{"user_id":"7"}');
    expect(seams.subscribed.size).toBe(0);
    expect(server.node.channels.size).toBe(0);
  });
});

test('keeps channels of the same name in different apps apart', () => {
  const server = new TestNode();
  const [client, other] = [server.connect(), server.connect({ app: createApp({ id: '4' }) })];
  client.subscribe('news');
  other.subscribe('news');
  for (const each of [client, other]) each.take();
  void server.node.broker.publish({ appId: '4', channel: 'news', frame: 'hello' });
  expect(client.take()).toEqual([]);
  expect(other.take()).toEqual(['hello']);
});

test('tells apps and channels apart whose names hold the separator', () => {
  const server = new TestNode();
  const [client, other] = [server.connect({ app: createApp({ id: 'b/3' }) }), server.connect()];
  client.signIn('{"id":"a"}');
  client.subscribe('#server-to-user-a');
  other.signIn('{"id":"a/b"}');
  other.subscribe('#server-to-user-a/b');
  for (const each of [client, other]) each.take();
  void server.node.broker.publish({ appId: '3', channel: '#server-to-user-a/b', frame: 'hello' });
  expect(client.take()).toEqual([]);
  expect(other.take()).toEqual(['hello']);
});

test('ends a connection with an error frame and a close of the same code and text, once', () => {
  const server = new TestNode();
  const client = server.connect();
  const { connected } = client;
  const reason = new Disconnect('restarting', CLOSE_CODES.reconnect, 'Bye');
  server.node.end(connected, reason);
  server.node.end(connected, reason);
  expect(client.frames).toEqual(['{"event":"pusher:error","data":{"code":4200,"message":"Bye"}}']);
  expect(client.closedWith).toEqual({ code: 4200, reason: 'Bye' });
  expect(server.ended).toEqual([{ id: 'restarting', code: 4200, message: 'Bye' }]);
});

test('says no word to a connection that is gone', () => {
  const server = new TestNode();
  const client = server.connect();
  const { connected } = client;
  client.vanish();
  server.node.end(connected, new Disconnect('restarting', CLOSE_CODES.reconnect, 'Bye'));
  expect(server.ended).toEqual([]);
});
