import { describe, expect, test } from 'vitest';
import { SIGN_OF_LIFE } from '../../channels/frame-budget.ts';
import { receiveOther } from '../../channels/receive.ts';
import { type TestClient, TestNode } from './test-node.ts';

const PING = '{"event":"pusher:ping","data":"{}"}';
const TIMEOUT = 'Pong reply not received: ping was sent to the client, but no reply was received';

describe('a client that is silent', () => {
  test('is pinged in both ways after the activity timeout and 4 s, and closed with 4201 after 30 s more', () => {
    const server = new TestNode();
    const client = server.connect();
    server.clock.advance(123_000);
    expect(client.take()).toEqual([]);
    server.clock.advance(1000);
    expect(client.take()).toEqual([PING]);
    expect(client.nativePings).toBe(1);
    server.clock.advance(29_000);
    expect(client.closedWith).toBe(undefined);
    server.clock.advance(1000);
    expect(client.take()).toEqual([`{"event":"pusher:error","data":{"code":4201,"message":"${TIMEOUT}"}}`]);
    expect(client.closedWith).toEqual({ code: 4201, reason: TIMEOUT });
    expect(server.node.connections.size).toBe(0);
    expect(server.ended.map(({ id }) => id)).toEqual(['pong-timeout']);
  });

  test('is not kept alive by what is sent to it', () => {
    const server = new TestNode();
    const client = server.connect();
    client.subscribe('news');
    for (let second = 0; second < 180; second += 1) {
      server.clock.advance(1000);
      void server.node.broker.publish({ appId: '3', channel: 'news', frame: 'hello' });
    }
    expect(client.closedWith?.code).toBe(4201);
  });

  test.for([
    ['a pong', (_server, client) => client.send('{"event":"pusher:pong","data":{}}')],
    ['a ping of its own', (_server, client) => client.send('{"event":"pusher:ping"}')],
    ['a client event', (_server, client) => client.send('{"event":"client-x","channel":"private-a","data":1}')],
    ['a message that is refused', (_server, client) => client.send('hello')],
    ['a WebSocket pong', (server, client) => receiveOther(server.node, client.connected, SIGN_OF_LIFE)],
  ] as [string, (server: TestNode, client: TestClient) => void][])('lives on by %s', ([, sign]) => {
    const server = new TestNode();
    const client = server.connect();
    server.clock.advance(1000);
    for (let round = 0; round < 5; round += 1) {
      server.clock.advance(123_000);
      expect(client.take()).toContain(PING);
      server.clock.advance(29_000);
      sign(server, client);
      server.clock.advance(1000);
      expect(client.closedWith).toBe(undefined);
    }
    server.clock.advance(180_000);
    expect(client.closedWith?.code).toBe(4201);
  });
});

test('never pings a client that speaks in time', () => {
  const server = new TestNode();
  const client = server.connect();
  for (let second = 0; second < 1000; second += 120) {
    server.clock.advance(120_000);
    expect(client.ask('{"event":"pusher:ping"}')).toEqual(['{"event":"pusher:pong","data":"{}"}']);
  }
  expect(client.nativePings).toBe(0);
});

test('takes the timeouts from the options', () => {
  const server = new TestNode({ options: { activityTimeoutSeconds: 10, pongTimeoutSeconds: 5 } });
  const client = server.connect();
  server.clock.advance(14_000);
  expect(client.take()).toEqual([PING]);
  server.clock.advance(5000);
  expect(client.closedWith?.code).toBe(4201);
});

describe('when the process itself was stopped for a while', () => {
  // After a suspended virtual machine woke up, all connections were closed before their pongs were read.
  test('gives those that were pinged the time to answer', () => {
    const server = new TestNode();
    const clients = [server.connect(), server.connect()] as const;
    server.clock.advance(124_000);
    server.clock.sleep(3_600_000);
    server.clock.advance(29_000);
    expect(clients.map(({ closedWith }) => closedWith)).toEqual([undefined, undefined]);
    clients[0].send('{"event":"pusher:pong"}');
    server.clock.advance(2000);
    expect(clients[0].closedWith).toBe(undefined);
    expect(clients[1].closedWith?.code).toBe(4201);
  });

  test('pings the others before it closes them', () => {
    const server = new TestNode();
    const client = server.connect();
    server.clock.sleep(3_600_000);
    server.clock.advance(31_000);
    expect(client.take()).toEqual([PING]);
    expect(client.closedWith).toBe(undefined);
    server.clock.advance(30_000);
    expect(client.closedWith?.code).toBe(4201);
  });
});

// Once the machine's clock was set back by an hour, nobody was asked for a sign of life during that hour.
test.for([-86_400_000, -3_600_000, 3_600_000, 86_400_000])('waits as long when the clock is set by %i ms', (ms) => {
  const server = new TestNode();
  const [silent, lively] = [server.connect(), server.connect()];
  server.clock.setBy(ms);
  server.clock.advance(123_000);
  expect(silent.take()).toEqual([]);
  server.clock.advance(1000);
  expect(silent.take()).toEqual([PING]);
  lively.send('{"event":"pusher:pong"}');
  server.clock.setBy(ms);
  server.clock.advance(29_000);
  expect(silent.closedWith).toBe(undefined);
  server.clock.advance(1000);
  expect(silent.closedWith?.code).toBe(4201);
  expect(lively.closedWith).toBe(undefined);
});

test('forgets clients that are gone, and stops with the node', async () => {
  const server = new TestNode();
  server.connect().vanish();
  server.clock.advance(600_000);
  expect(server.ended).toEqual([]);
  await server.node.close();
  expect(server.clock.pending).toBe(0);
});
