import { describe, expect, test } from 'vitest';
import { receivePong } from '../../channels/receive.ts';
import { PROOF_EVERY } from '../../channels/uptake.ts';
import { type TestClient, TestNode } from './test-node.ts';

const LARGE = 'x'.repeat(PROOF_EVERY / 8);

function publish(server: TestNode, times: number, channel = 'news'): void {
  for (let sent = 0; sent < times; sent += 1) {
    void server.node.broker.publish({ appId: '3', channel, frame: LARGE });
  }
}

function subscriber(server: TestNode): TestClient {
  const client = server.connect();
  client.subscribe('news');
  return client;
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a subscriber that was sent a megabyte', () => {
  test('is asked for a sign that it reads, and is cut off when none comes', async () => {
    const server = new TestNode();
    const client = subscriber(server);
    publish(server, 7);
    await nextTurn();
    expect(client.nativePings).toBe(0);
    publish(server, 1);
    await nextTurn();
    expect(client.nativePing).toMatch(/^[0-9a-f-]{36}$/);
    server.clock.advance(59_000);
    expect(client.closedWith).toBe(undefined);
    server.clock.advance(1000);
    expect(client.closedWith?.code).toBe(1006);
    expect(server.ended.map(({ id }) => id)).toEqual(['not-reading']);
    expect(server.node.connections.size).toBe(0);
  });

  // 200 subscribers that never read, but said each minute that they live, held 870 MB of kernel memory for ever.
  test.for([
    ['pings', (client) => client.send({ event: 'pusher:ping' })],
    ['pongs', (client) => client.send({ event: 'pusher:pong' })],
    ['WebSocket pongs that nobody asked for', (client, server) => receivePong(server.node, client.connected, '')],
    [
      'WebSocket pongs with what others were asked',
      (client, server) => receivePong(server.node, client.connected, server.connect().nativePing ?? 'a'.repeat(36)),
    ],
  ] as [string, (client: TestClient, server: TestNode) => void][])('is not saved by %s', async ([, sign]) => {
    const server = new TestNode();
    const client = subscriber(server);
    publish(server, 8);
    await nextTurn();
    for (let second = 0; second < 60; second += 1) {
      server.clock.advance(1000);
      if (!client.closedWith) sign(client, server);
    }
    expect(server.ended.map(({ id }) => id)).toEqual(['not-reading']);
  });

  test('stays when it answers, and is asked again a megabyte later', async () => {
    const server = new TestNode();
    const client = subscriber(server);
    for (let round = 1; round <= 3; round += 1) {
      publish(server, 8);
      await nextTurn();
      expect(client.nativePings).toBe(round);
      server.clock.advance(50_000);
      receivePong(server.node, client.connected, client.nativePing ?? '');
    }
    server.clock.advance(50_000);
    expect(client.closedWith).toBe(undefined);
  });

  // After a stopped process went on, those who had answered meanwhile were cut off before their pongs were read.
  test('has the time to answer when the process itself was stopped for a while', async () => {
    const server = new TestNode();
    const [answers, silent] = [subscriber(server), subscriber(server)];
    publish(server, 8);
    await nextTurn();
    server.clock.sleep(3_600_000);
    server.clock.advance(1000);
    receivePong(server.node, answers.connected, answers.nativePing ?? '');
    server.clock.advance(58_000);
    expect([answers, silent].map(({ closedWith }) => closedWith)).toEqual([undefined, undefined]);
    server.clock.advance(2000);
    expect(server.ended.map(({ id }) => id)).toEqual(['not-reading']);
    expect(answers.closedWith).toBe(undefined);
  });

  test('is asked once at a time, however much comes', async () => {
    const server = new TestNode();
    const client = subscriber(server);
    for (let round = 0; round < 10; round += 1) {
      publish(server, 8);
      await nextTurn();
    }
    expect(client.nativePings).toBe(1);
  });

  test('is one of thousands that are asked a hundred per turn, those too that leave meanwhile', async () => {
    const server = new TestNode();
    const clients = Array.from({ length: 250 }, () => server.connect());
    for (const client of clients) {
      client.subscribe('news');
      if (client.connected.subscriptions.size === 0) await nextTurn();
    }
    while (clients.some((client) => client.connected.subscriptions.size === 0)) await nextTurn();
    publish(server, 8);
    await nextTurn();
    const asked = (): number => clients.filter(({ nativePings }) => nativePings > 0).length;
    expect(asked()).toBe(100);
    clients[200]?.vanish();
    await nextTurn();
    await nextTurn();
    expect(asked()).toBe(249);
  });

  test('leaves no timer when the node closes', async () => {
    const server = new TestNode();
    subscriber(server);
    publish(server, 8);
    await nextTurn();
    await server.node.close();
    expect(server.clock.pending).toBe(0);
  });
});

describe('when more waits for all subscribers together than may', () => {
  function waiting(server: TestNode, bytes: number): TestClient {
    const client = subscriber(server);
    Object.assign(client.connected.transport, { bufferedBytes: bytes });
    return client;
  }

  test('those are cut off for whom most waits, until there is room', () => {
    const server = new TestNode();
    const clients = [100_000, 500_000, 0, 300_000, 350_000].map((bytes) => waiting(server, bytes));
    publish(server, 1);
    server.clock.advance(500);
    expect(clients.map(({ closedWith }) => closedWith?.code)).toEqual([
      undefined,
      1006,
      undefined,
      undefined,
      undefined,
    ]);
    expect(server.ended.map(({ id }) => id)).toEqual(['buffers-full']);
  });

  test('nobody is while it is not too much', () => {
    const server = new TestNode();
    const clients = [500_000, 500_000].map((bytes) => waiting(server, bytes));
    publish(server, 8);
    server.clock.advance(5000);
    expect(clients.map(({ closedWith }) => closedWith)).toEqual([undefined, undefined]);
  });
});
