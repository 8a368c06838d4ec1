import { describe, expect, test, vi } from 'vitest';
import { receive, receiveFrame } from '../../channels/receive.ts';
import { errorFrame, TestNode } from './test-node.ts';

test.for(['{"event":"pusher:ping"}', '{"event":"pusher:ping","data":{}}', '{"event":"pusher:ping","data":"{}"}'])(
  'answers %s with a pong whose data is a string',
  (frame) => expect(new TestNode().connect().ask(frame)).toEqual(['{"event":"pusher:pong","data":"{}"}']),
);

test('takes a pong without a word', () => {
  expect(new TestNode().connect().ask('{"event":"pusher:pong","data":{}}')).toEqual([]);
});

describe('answers with an error, stays open and tells the observer:', () => {
  test.for([
    ['hello', 'invalid-json', 'Received invalid JSON'],
    ['[]', 'invalid-message', 'Invalid message: it must be a JSON object with a string "event"'],
    ['{"event":"pusher:hello"}', 'unsupported-event', 'Unsupported event received on socket: pusher:hello'],
    ['{"event":"client-x"}', 'invalid-client-event', 'Invalid client event (must contain channel and data)'],
  ])('%s', ([frame, id, message = '']) => {
    const server = new TestNode();
    const client = server.connect();
    expect(client.ask(frame)).toEqual([errorFrame(message)]);
    expect(server.refused).toEqual([id]);
    expect(client.ask('{"event":"pusher:ping"}')).toHaveLength(1);
  });

  test('a frame over the limit', () => {
    const server = new TestNode();
    const client = server.connect();
    receiveFrame(server.node, client.connected, Buffer.alloc(32_769));
    expect(client.take()).toEqual([
      errorFrame('Message of 32769 bytes is too large: limit 32768 bytes (maxFrameBytes)'),
    ]);
    expect(server.refused).toEqual(['frame-too-large']);
  });
});

test('ends the connection with 4100 on a bug, and never shows what it was', () => {
  const server = new TestNode();
  const client = server.connect();
  vi.spyOn(server.node, 'open').mockImplementation(() => {
    throw new Error('inner secret');
  });
  client.subscribe('news');
  expect(client.take()).toEqual([errorFrame('Internal error', 4100)]);
  expect(client.closedWith).toEqual({ code: 4100, reason: 'Internal error' });
  expect(server.failures.map(({ error }) => String(error))).toEqual(['Error: inner secret']);
});

test('ignores what a connection sends after its end', () => {
  const server = new TestNode();
  const client = server.connect();
  const { connected } = client;
  client.vanish();
  receive(server.node, connected, '{"event":"pusher:subscribe","data":{"channel":"news"}}');
  receive(server.node, connected, 'hello');
  receiveFrame(server.node, connected, Buffer.alloc(32_769));
  expect(client.frames).toEqual([]);
  expect(server.node.channels.size).toBe(0);
  expect(server.refused).toEqual([]);
});
