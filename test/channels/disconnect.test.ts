import { expect, test } from 'vitest';
import { disconnect } from '../../channels/disconnect.ts';
import { TestNode } from './test-node.ts';

test('takes a connection out of everything, and tells those who stay', async () => {
  const server = new TestNode({ app: { enableSubscriptionCountEvents: true, limits: { maxConnections: 2 } } });
  const [client, other] = [server.connect(), server.connect()];
  client.signIn('{"id":"7","watchlist":["8"]}');
  other.signIn('{"id":"8","watchlist":["7"]}');
  for (const channel of ['news', 'cache-x', 'presence-x']) {
    client.subscribe(channel);
    other.subscribe(channel);
  }
  client.subscribe('#server-to-user-7');
  other.take();
  client.vanish();
  expect(other.take().map((frame) => JSON.parse(frame).event)).toEqual([
    'pusher_internal:subscription_count',
    'pusher_internal:subscription_count',
    'pusher_internal:member_removed',
    'pusher_internal:watchlist_events',
  ]);
  other.vanish();
  expect(server.node.connections.size).toBe(0);
  expect(server.node.channels.size).toBe(0);
  expect(await server.node.store.occupied('3', '')).toEqual([]);
  expect(await server.node.store.addConnection('3', 1)).toBe(true);
});

test('calls the timeout for its authorization off', () => {
  const server = new TestNode({ app: { enableUserAuthentication: true } });
  const stays = server.connect();
  // One for its authorization, one for all that is due.
  expect(server.clock.pending).toBe(2);
  const client = server.connect();
  expect(server.clock.pending).toBe(3);
  client.vanish();
  expect(server.clock.pending).toBe(2);
  stays.vanish();
  expect(server.clock.pending).toBe(0);
});

test('does nothing the second time', () => {
  const server = new TestNode({ app: { limits: { maxConnections: 2 } } });
  const [client, other] = [server.connect(), server.connect()];
  other.subscribe('presence-x', '{"user_id":"8"}');
  client.subscribe('presence-x', '{"user_id":"7"}');
  other.take();
  const { connected } = client;
  client.vanish();
  disconnect(server.node, connected, { code: 1006, reason: '', cause: undefined });
  expect(other.take()).toHaveLength(1);
  server.connect();
  expect(() => server.connect()).toThrow('over connection quota');
});
