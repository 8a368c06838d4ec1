import { expect, test } from 'vitest';
import { endClients, moveClients } from '../../server/drain.ts';
import { silentLog } from '../../server/log.ts';
import { TestNode } from '../channels/test-node.ts';

// Before a restart observers were told that each client had left by itself: closing the transport came before the reason.
test.each([
  ['for a restart', 1001, (node: TestNode) => endClients(node.node, silentLog())],
  ['to other nodes', 4200, (node: TestNode) => moveClients(node.node, { totalMs: 0, jitter: 0, log: silentLog() })],
] as const)('clients that are sent away %s end with the reason and code %i', async (_, code, sendAway) => {
  const server = new TestNode();
  const clients = [server.connect(), server.connect()];
  await sendAway(server);
  expect(clients.map(({ closedWith }) => closedWith?.code)).toEqual([code, code]);
  expect(server.ended).toEqual(clients.map(() => expect.objectContaining({ id: 'restarting', code })));
  expect(server.node.connections.size).toBe(0);
});
