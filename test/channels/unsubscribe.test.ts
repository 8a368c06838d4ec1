import { expect, test } from 'vitest';
import { errorFrame, TestNode } from './test-node.ts';

test('ends the subscription without an answer', () => {
  const server = new TestNode();
  const client = server.connect();
  client.subscribe('news');
  client.take();
  client.unsubscribe('news');
  void server.node.broker.publish({ appId: '3', channel: 'news', frame: 'hello' });
  expect(client.take()).toEqual([]);
  expect(server.node.channels.size).toBe(0);
});

test('tells the others of a presence channel when the last connection of the user leaves', () => {
  const server = new TestNode();
  const [watcher, first, second] = [server.connect(), server.connect(), server.connect()];
  watcher.subscribe('presence-x', '{"user_id":"w"}');
  first.subscribe('presence-x', '{"user_id":7}');
  second.subscribe('presence-x', '{"user_id":"7"}');
  watcher.take();
  first.unsubscribe('presence-x');
  expect(watcher.take()).toEqual([]);
  second.take();
  second.unsubscribe('presence-x');
  expect(second.take()).toEqual([]);
  // In the type that the user's first connection signed.
  const frame = '{"event":"pusher_internal:member_removed","channel":"presence-x","data":"{\\"user_id\\":7}"}';
  expect(watcher.take()).toEqual([frame]);
});

test('leaves newcomers with the user_info of the first connection that is still there', () => {
  // The first connection's user_info stayed after it had left: a user's second tab brought a new name, and newcomers got the old one.
  const server = new TestNode();
  const [first, second, watcher] = [server.connect(), server.connect(), server.connect()];
  first.subscribe('presence-x', '{"user_id":7,"user_info":{"name":"old"}}');
  second.subscribe('presence-x', '{"user_id":7,"user_info":{"name":"new"}}');
  second.take();
  first.unsubscribe('presence-x');
  expect(second.take()).toEqual([]);
  watcher.subscribe('presence-x', '{"user_id":"w"}');
  const [frame = ''] = watcher.take();
  expect(JSON.parse(JSON.parse(frame).data).presence.hash).toEqual({ 7: { name: 'new' }, w: null });
});

test('lets a client subscribe, unsubscribe and subscribe again to one live subscription', () => {
  const server = new TestNode();
  const client = server.connect();
  client.subscribe('news');
  client.unsubscribe('news');
  client.subscribe('news');
  expect(client.take()).toHaveLength(2);
  void server.node.broker.publish({ appId: '3', channel: 'news', frame: 'hello' });
  expect(client.take()).toEqual(['hello']);
});

test('is silent about a channel that the client is not in, unless the option says otherwise', () => {
  const client = new TestNode().connect();
  client.unsubscribe('news');
  expect(client.take()).toEqual([]);
  const strict = new TestNode({ options: { strictUnsubscribe: true } }).connect();
  strict.unsubscribe('news');
  expect(strict.take()).toEqual([errorFrame('No current subscription to channel news, or subscription in progress')]);
});
