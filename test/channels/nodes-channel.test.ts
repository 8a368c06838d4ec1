import { setImmediate } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { createNodesMessage, NODES_APP, NODES_CHANNEL } from '../../channels/nodes-channel.ts';
import { DelayedSeams } from '../support/delayed-seams.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { enter, rule, TOKEN, TokenNode } from './token-node.ts';

const RULES = [rule('private-*', [TOKEN])];

function twoNodes() {
  const clock = new FakeClock();
  const seams = new DelayedSeams(clock);
  const node = new TokenNode(RULES, { clock, seams });
  return { clock, seams, node };
}

test('a node listens before it asks what was revoked, so that it misses nothing in between', async () => {
  const { seams, node } = twoNodes();
  seams.isSlow = true;
  const started = node.node.nodesChannel.start();
  await setImmediate();
  expect(seams.calls).toEqual([`broker.subscribe ${NODES_CHANNEL}`]);
  await seams.answerAll();
  await started;
  expect(seams.calls.at(-1)).toBe('store.revocations');
});

test('a node hears which apps were changed elsewhere', () => {
  const { node } = twoNodes();
  node.node.deliver(createNodesMessage({ kind: 'apps-changed', ids: ['3', '4'] }));
  node.node.deliver(createNodesMessage({ kind: 'apps-changed', ids: null }));
  expect(node.changedApps).toEqual([['3', '4'], undefined]);
});

test('a node that announces changed apps hears of it itself', async () => {
  const { node } = twoNodes();
  await node.node.nodesChannel.start();
  await node.node.nodesChannel.announceApps(['3']);
  await node.node.nodesChannel.announceApps(undefined);
  expect(node.changedApps).toEqual([['3'], undefined]);
});

test('a node that may have missed messages looks again at apps and revocations', async () => {
  const { clock, seams, node } = twoNodes();
  const client = node.connect();
  enter(client, 'private-a', node.token({ sub: '7' }));
  client.take();
  // It is not subscribed: the message does not come.
  await seams.store.revoke({ appId: '3', channel: '*', target: { kind: 'everyone' }, atMs: clock.now() });
  expect(client.take()).toEqual([]);
  node.node.missed('3', NODES_CHANNEL, 1);
  expect([client.take(), node.changedApps]).toEqual([[], []]);
  node.node.missed(NODES_APP, NODES_CHANNEL, 1);
  expect(client.take()).toHaveLength(1);
  expect(node.changedApps).toEqual([undefined]);
});

test('a store that can not be asked then is told of, and nothing else happens', async () => {
  const { seams, node } = twoNodes();
  vi.spyOn(seams.store, 'revocations').mockRejectedValueOnce(new Error('far away'));
  node.node.nodesChannel.resync();
  await setImmediate();
  expect(node.failures).toEqual([{ error: new Error('far away'), during: 'asking for revocations' }]);
});

test.for([
  '',
  'null',
  '[]',
  '{"kind":"revoked"}',
  '{"kind":"revoked","revocation":{"appId":"3","channel":"*","target":{"kind":"everyone"},"atMs":"1"}}',
  '{"kind":"apps-changed","ids":[1]}',
  '{"kind":"apps-changed"}',
  '{"kind":"shutdown"}',
])('a message that is none of ours changes nothing: %s', (frame) => {
  const { node } = twoNodes();
  const client = node.connect();
  enter(client, 'private-a', node.token());
  client.take();
  node.node.deliver({ appId: NODES_APP, channel: NODES_CHANNEL, frame });
  expect(node.failures.map(({ during }) => during)).toEqual(['reading a message between nodes']);
  expect(node.changedApps).toEqual([]);
  expect([client.take(), client.closedWith]).toEqual([[], undefined]);
});

test('a message of an app on a channel of that name is not for the node', () => {
  const { node } = twoNodes();
  node.node.deliver({ ...createNodesMessage({ kind: 'apps-changed', ids: null }), appId: '3' });
  expect([node.changedApps, node.failures]).toEqual([[], []]);
});
