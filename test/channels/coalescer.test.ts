import { expect, test } from 'vitest';
import { ChannelPattern } from '../../auth/channel-pattern.ts';
import { publish } from '../../channels/publish.ts';
import { replaceApp } from '../../channels/replace-app.ts';
import { revoke } from '../../channels/revoke.ts';
import { Disconnect } from '../../protocol/errors.ts';
import { createApp, errorFrame, TestNode } from './test-node.ts';

const rule = (name: string, milliseconds: number) => ({ pattern: new ChannelPattern(name), milliseconds });
const coalescing = [rule('at-once', 0), rule('*', 5)];

const frame = (channel: string, data: string, more: object = {}): string =>
  JSON.stringify({ event: 'e', channel, data, ...more });

function send(server: TestNode, channel: string, data: string, socketId?: string): void {
  void publish(server.node, server.app, { name: 'e', data, channels: [channel], socketId, info: new Set() });
}

test('events of a moment leave together, in their order, that long after the first of them', () => {
  const server = new TestNode({ app: { coalescing } });
  const client = server.connect();
  for (const channel of ['a', 'b']) client.subscribe(channel);
  client.take();
  send(server, 'a', '1');
  server.clock.advance(4);
  send(server, 'a', '2');
  send(server, 'b', '3');
  expect(client.take()).toEqual([]);
  server.clock.advance(1);
  expect(client.take()).toEqual([frame('a', '1'), frame('a', '2'), frame('b', '3')]);
  send(server, 'a', '4');
  server.clock.advance(4);
  expect(client.take()).toEqual([]);
  server.clock.advance(1);
  expect(client.take()).toEqual([frame('a', '4')]);
});

test('the first rule that matches counts, and without one nothing waits', () => {
  const server = new TestNode({ app: { coalescing: [rule('at-once', 0), rule('a*', 5)] } });
  const client = server.connect();
  for (const channel of ['a', 'at-once', 'other']) client.subscribe(channel);
  client.take();
  for (const channel of ['a', 'at-once', 'other']) send(server, channel, '1');
  expect(client.take()).toEqual([frame('at-once', '1'), frame('other', '1')]);
});

test('whoever enters gets nothing that was published before: no member twice, no last event twice', () => {
  const server = new TestNode({ app: { coalescing } });
  const client = server.connect();
  client.subscribe('cache-a');
  client.subscribe('presence-a', '{"user_id":"1"}');
  client.take();
  send(server, 'cache-a', '1');
  const other = server.connect();
  other.subscribe('presence-a', '{"user_id":"2"}');
  other.subscribe('cache-a');
  const last = server.connect();
  last.subscribe('presence-a', '{"user_id":"3"}');
  server.clock.advance(5);
  expect(other.take().slice(1)).toEqual([
    '{"event":"pusher_internal:subscription_succeeded","channel":"cache-a","data":"{}"}',
    frame('cache-a', '1'),
    '{"event":"pusher_internal:member_added","channel":"presence-a","data":"{\\"user_id\\":\\"3\\"}"}',
  ]);
  expect(last.take()).toHaveLength(1);
  expect(client.take()).toEqual([
    '{"event":"pusher_internal:member_added","channel":"presence-a","data":"{\\"user_id\\":\\"2\\"}"}',
    frame('cache-a', '1'),
    '{"event":"pusher_internal:member_added","channel":"presence-a","data":"{\\"user_id\\":\\"3\\"}"}',
  ]);
});

test('a sender gets none of its own, also when it leaves and comes back meanwhile, and the others lose nothing', () => {
  const server = new TestNode({ app: { coalescing } });
  const [sender, other] = [server.connect(), server.connect()];
  for (const client of [sender, other]) {
    client.subscribe('private-a');
    client.take();
  }
  const event = { event: 'client-e', channel: 'private-a', data: 'x' };
  sender.send(event);
  sender.unsubscribe('private-a');
  sender.subscribe('private-a');
  sender.send(event);
  sender.vanish();
  send(server, 'private-a', '1', sender.socketId);
  server.clock.advance(5);
  expect(sender.take().filter((text) => text.includes('client-e'))).toEqual([]);
  const sent = JSON.stringify(event);
  expect(other.take()).toEqual([sent, sent, frame('private-a', '1')]);
});

test('whoever is moved off has got what was published before', () => {
  const server = new TestNode({ app: { coalescing } });
  const [client, other] = [server.connect(), server.connect()];
  for (const each of [client, other]) {
    each.subscribe('a');
    each.take();
  }
  send(server, 'a', '1');
  server.node.end(client.connected, new Disconnect('draining', 4200, 'later'));
  expect(client.take()).toEqual([frame('a', '1'), errorFrame('later', 4200)]);
  expect(other.take()).toEqual([frame('a', '1')]);
});

test('whoever is put out of a channel gets nothing more of it', () => {
  const server = new TestNode({ app: { coalescing } });
  const client = server.connect();
  client.subscribe('private-a');
  client.take();
  send(server, 'private-a', '1');
  void revoke(server.node, {
    appId: server.app.id,
    channel: 'private-a',
    target: { kind: 'socket', socketId: client.socketId },
  });
  server.clock.advance(5);
  expect(client.take().at(-1)).toContain('"event":"pusher:subscription_error","channel":"private-a"');
});

test('a channel that everybody left, and that is entered anew, begins empty', () => {
  const server = new TestNode({ app: { coalescing } });
  const client = server.connect();
  client.subscribe('a');
  send(server, 'a', '1');
  client.unsubscribe('a');
  client.subscribe('a');
  client.take();
  server.clock.advance(5);
  expect(client.take()).toEqual([]);
});

test('other rules of the app hold at once, and what waits by the former ones is not overtaken', () => {
  const server = new TestNode({ app: { coalescing } });
  const client = server.connect();
  client.subscribe('a');
  client.take();
  send(server, 'a', '1');
  replaceApp(server.node, server.app.id, createApp());
  send(server, 'a', '2');
  expect(client.take()).toEqual([frame('a', '1'), frame('a', '2')]);
  server.clock.advance(5);
  replaceApp(server.node, server.app.id, createApp({ coalescing: [rule('*', 20)] }));
  send(server, 'a', '3');
  server.clock.advance(5);
  expect(client.take()).toEqual([]);
  server.clock.advance(15);
  expect(client.take()).toEqual([frame('a', '3')]);
});
