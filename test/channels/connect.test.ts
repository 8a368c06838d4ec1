import { describe, expect, test } from 'vitest';
import type { ConnectRequest } from '../../channels/connect.ts';
import { Disconnect } from '../../protocol/errors.ts';
import { createApp, TestNode } from './test-node.ts';

function refusalOf(server: TestNode, request: Partial<ConnectRequest> = {}): unknown {
  try {
    server.open(request);
  } catch (error) {
    if (error instanceof Disconnect) return { id: error.id, code: error.code, message: error.message };
    throw error;
  }
  return undefined;
}

test('greets a client with its socket id and the activity timeout, as the first frame', () => {
  const server = new TestNode({ options: { activityTimeoutSeconds: 77 } });
  const client = server.open();
  expect(client.frames).toEqual([
    String.raw`{"event":"pusher:connection_established","data":"{\"socket_id\":\"1.1\",\"activity_timeout\":77}"}`,
  ]);
  expect(server.node.connections.get('1.1')).toBe(client.connection);
});

describe('refuses', () => {
  test('an unknown key with 4001', () => {
    expect(refusalOf(new TestNode(), { app: undefined, appKey: 'nokey' })).toEqual({
      id: 'unknown-app',
      code: 4001,
      message: 'App key nokey does not exist on this server. Is it the key (not the id) of the app?',
    });
  });

  test('a disabled app with 4003', () => {
    expect(refusalOf(new TestNode({ app: { enabled: false } }))).toEqual({
      id: 'app-disabled',
      code: 4003,
      message: 'Application disabled',
    });
  });

  test('a plain connection to an app that asks for TLS with 4000', () => {
    const server = new TestNode({ app: { forceTls: true } });
    expect(refusalOf(server)).toEqual({
      id: 'tls-required',
      code: 4000,
      message: 'Application only accepts SSL connections, reconnect using wss://',
    });
    expect(refusalOf(server, { isTls: true })).toBe(undefined);
  });

  test('a page from elsewhere with 4009', () => {
    const server = new TestNode({ app: { allowedOrigins: ['https://*.a.test'] } });
    expect(refusalOf(server, { origin: 'https://evil.test' })).toEqual({
      id: 'origin-refused',
      code: 4009,
      message: "Origin https://evil.test is not one of the app's allowedOrigins",
    });
    expect(refusalOf(server, { origin: 'https://b.a.test' })).toBe(undefined);
    expect(refusalOf(server, { origin: undefined })).toBe(undefined);
  });

  test('a client without an origin with 4009, where the app lets only pages in', () => {
    const server = new TestNode({ app: { allowedOrigins: ['https://a.test'], allowMissingOrigin: false } });
    const refusal = {
      id: 'origin-refused',
      code: 4009,
      message: 'No Origin: the app only accepts pages of its allowedOrigins (allowMissingOrigin)',
    };
    expect(refusalOf(server, { origin: undefined })).toEqual(refusal);
    expect(refusalOf(server, { origin: '' })).toEqual(refusal);
    expect(refusalOf(server, { origin: 'https://a.test' })).toBe(undefined);
  });

  test('a version that it does not speak with 4006, 4007 or 4008', () => {
    const server = new TestNode({ options: { strictProtocol: true } });
    expect(refusalOf(server, { version: 'x' })).toMatchObject({ code: 4006 });
    expect(refusalOf(server, { protocol: '3' })).toMatchObject({ code: 4007 });
    expect(refusalOf(server, { protocol: undefined })).toMatchObject({ code: 4008 });
    expect(refusalOf(new TestNode(), { protocol: undefined })).toBe(undefined);
  });

  test('anybody with 4100 while the node is being emptied', () => {
    const server = new TestNode();
    server.node.isDraining = true;
    expect(refusalOf(server)).toEqual({
      id: 'stopping',
      code: 4100,
      message: 'This server is stopping: reconnect to another one',
    });
  });

  test('a connection over the quota with 4004, and takes one when another has ended', () => {
    const server = new TestNode({ app: { limits: { maxConnections: 2 } } });
    const first = server.connect();
    server.connect();
    const refusal = {
      id: 'over-connection-quota',
      code: 4004,
      message: 'Application is over connection quota: limit 2 (maxConnections)',
    };
    expect(refusalOf(server)).toEqual(refusal);
    expect(refusalOf(server)).toEqual(refusal);
    first.vanish();
    expect(refusalOf(server)).toBe(undefined);
    expect(refusalOf(server)).toEqual(refusal);
  });

  test('everybody when the quota is 0, nobody when it is -1', () => {
    expect(refusalOf(new TestNode({ app: { limits: { maxConnections: 0 } } }))).toMatchObject({ code: 4004 });
    expect(refusalOf(new TestNode({ app: { limits: { maxConnections: -1 } } }))).toBe(undefined);
  });
});

test('counts the connections of each app for itself', () => {
  const server = new TestNode({ app: { limits: { maxConnections: 1 } } });
  server.connect();
  expect(refusalOf(server, { app: createApp({ id: '4', limits: { maxConnections: 1 } }) })).toBe(undefined);
});

describe('an app whose connections must authorize themselves', () => {
  const app = { enableUserAuthentication: true, limits: { maxConnections: 1 } };

  test('closes with 4009 those that do not in time', () => {
    const server = new TestNode({ app });
    const client = server.connect();
    client.subscribe('news');
    client.subscribe('#server-to-user-7');
    client.take();
    server.clock.advance(29_999);
    expect(client.closedWith).toBe(undefined);
    server.clock.advance(1);
    const message = 'Connection is unauthorized: it did not sign in within 30000 ms, nor enter a private channel';
    expect(client.take()).toEqual([JSON.stringify({ event: 'pusher:error', data: { code: 4009, message } })]);
    expect(client.closedWith).toEqual({ code: 4009, reason: message });
  });

  test.for([
    ['private-x', undefined],
    ['private-encrypted-cache-x', undefined],
    ['presence-x', '{"user_id":"7"}'],
  ] as const)('keeps those that enter %s', ([channel, channelData]) => {
    const server = new TestNode({ app });
    const client = server.connect();
    client.subscribe(channel, channelData);
    server.clock.advance(60_000);
    expect(client.closedWith).toBe(undefined);
  });

  test('keeps those that sign in', () => {
    const server = new TestNode({ app });
    const client = server.connect();
    client.signIn('{"id":"7"}');
    server.clock.advance(60_000);
    expect(client.closedWith).toBe(undefined);
  });

  test('does not keep those whose signature is wrong', () => {
    const server = new TestNode({ app });
    const client = server.connect();
    client.send({ event: 'pusher:subscribe', data: { channel: 'private-x', auth: 'key:wrong' } });
    client.send({ event: 'pusher:signin', data: { auth: 'key:wrong', user_data: '{"id":"7"}' } });
    server.clock.advance(30_000);
    expect(client.closedWith?.code).toBe(4009);
  });

  test('counts a connection from when it did, and closes the one too many with 4004', () => {
    const server = new TestNode({ app });
    const clients = [server.connect(), server.connect(), server.connect()] as const;
    clients[0].signIn('{"id":"7"}');
    clients[1].subscribe('private-x');
    expect(clients[0].closedWith).toBe(undefined);
    expect(clients[1].closedWith?.code).toBe(4004);
    clients[0].vanish();
    clients[2].subscribe('private-x');
    expect(clients[2].closedWith).toBe(undefined);
  });
});
