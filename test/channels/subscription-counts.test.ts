import { describe, expect, test } from 'vitest';
import { type TestClient, TestNode } from './test-node.ts';

const app = { enableSubscriptionCountEvents: true };

function countFrame(count: number): string {
  const data = JSON.stringify({ subscription_count: count });
  return JSON.stringify({ event: 'pusher_internal:subscription_count', channel: 'news', data });
}

/** Clients come a few at a time, as the broker takes no more of them at once, and tells no more of them. */
async function enterMany(server: TestNode, count: number): Promise<TestClient[]> {
  const clients: TestClient[] = [];
  while (clients.length < count) {
    clients.push(...enter(server, Math.min(5, count - clients.length)));
    server.clock.advance(100);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return clients;
}

function enter(server: TestNode, count: number): TestClient[] {
  return Array.from({ length: count }, () => {
    const client = server.connect();
    client.subscribe('news');
    return client;
  });
}

test('tells all subscribers of each change, the new one after its success', () => {
  const server = new TestNode({ app });
  const [first] = enter(server, 1);
  expect(first?.take()).toEqual([expect.stringContaining('subscription_succeeded'), countFrame(1)]);
  const [second, third] = enter(server, 2);
  expect(first?.take()).toEqual([countFrame(2), countFrame(3)]);
  second?.unsubscribe('news');
  expect(first?.take()).toEqual([countFrame(2)]);
  third?.vanish();
  expect(first?.take()).toEqual([countFrame(1)]);
});

test('comes after the last event of a cache channel', () => {
  const client = new TestNode({ app }).connect();
  client.subscribe('cache-x');
  expect(client.take().map((frame) => JSON.parse(frame).event)).toEqual([
    'pusher_internal:subscription_succeeded',
    'pusher:cache_miss',
    'pusher_internal:subscription_count',
  ]);
});

test.for([
  ['presence-x', true],
  ['#server-to-user-7', true],
  ['news', false],
] as const)('is not told of %s (app option: %s)', ([channel, isEnabled]) => {
  const server = new TestNode({ app: { enableSubscriptionCountEvents: isEnabled } });
  const client = server.connect();
  client.signIn('{"id":"7"}');
  client.take();
  client.subscribe(channel);
  expect(client.take()).toHaveLength(1);
});

// One client that entered and left a channel all the time had its 99 others told each time: 15 MB of frames became 1.5 GB.
test('tells no more than five changes in 100 ms at once, and the last of the others when they are over', () => {
  const server = new TestNode({ app });
  const [first, hostile] = enter(server, 2);
  server.clock.advance(100);
  first?.take();
  for (let toggled = 0; toggled < 20; toggled += 1) {
    hostile?.unsubscribe('news');
    hostile?.subscribe('news');
  }
  expect(first?.take()).toEqual([1, 2, 1, 2, 1].map(countFrame));
  server.clock.advance(100);
  expect(first?.take()).toEqual([countFrame(2)]);
  server.clock.advance(1000);
  expect(first?.take()).toEqual([]);
  hostile?.unsubscribe('news');
  expect(first?.take()).toEqual([countFrame(1)]);
});

describe('in a channel of more than 100', () => {
  test('tells a change at once and the next ones together after 5 s', async () => {
    const server = new TestNode({ app });
    const [first] = await enterMany(server, 100);
    expect(first?.take().at(-1)).toBe(countFrame(100));
    enter(server, 1);
    expect(first?.take()).toEqual([countFrame(101)]);
    enter(server, 5)[0]?.vanish();
    expect(first?.take()).toEqual([]);
    server.clock.advance(4999);
    expect(first?.take()).toEqual([]);
    server.clock.advance(1);
    expect(first?.take()).toEqual([countFrame(105)]);
    server.clock.advance(60_000);
    expect(first?.take()).toEqual([]);
    enter(server, 1);
    expect(first?.take()).toEqual([countFrame(106)]);
  });

  test('tells each change again once it has shrunk', async () => {
    const server = new TestNode({ app });
    const clients = await enterMany(server, 101);
    const first = clients[0];
    clients.slice(1, 10).forEach((client) => void client.vanish());
    first?.take();
    server.clock.advance(5000);
    expect(first?.take()).toEqual([countFrame(92)]);
    clients[10]?.vanish();
    expect(first?.take()).toEqual([countFrame(91)]);
  });

  test('stays silent when everybody has left, and leaves no timer when the node closes', async () => {
    const server = new TestNode({ app });
    const clients = await enterMany(server, 101);
    for (const client of clients) client.vanish();
    server.clock.advance(5000);
    expect(server.node.channels.size).toBe(0);
    await enterMany(server, 101);
    await server.node.close();
    expect(server.clock.pending).toBe(0);
  });
});
