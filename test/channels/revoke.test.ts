import { describe, expect, test } from 'vitest';
import { NODES_APP, NODES_CHANNEL } from '../../channels/nodes-channel.ts';
import { publish } from '../../channels/publish.ts';
import { REVOCATION_MEMORY_MS } from '../../channels/revocations.ts';
import { DelayedSeams } from '../support/delayed-seams.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { tokenPolicy } from '../support/tokens.ts';
import type { TestClient } from './test-node.ts';
import {
  ended,
  enter,
  eventsOf,
  refused,
  revokedText,
  rule,
  signInWith,
  succeeded,
  TOKEN,
  TokenNode,
} from './token-node.ts';

const RULES = [rule('private-*', [TOKEN]), rule('presence-*', [TOKEN])];
const ROOM = 'presence-room';
const gone = (channel: string): string => ended(channel, 403, revokedText(channel));

function tell(node: TokenNode, channel: string): void {
  void publish(node.node, node.app, {
    name: 'e',
    data: '1',
    channels: [channel],
    socketId: undefined,
    info: new Set(),
  });
}

function slowNode() {
  const clock = new FakeClock();
  const seams = new DelayedSeams(clock);
  void seams.broker.subscribe(NODES_APP, NODES_CHANNEL);
  return { clock, seams, node: new TokenNode(RULES, { clock, seams }) };
}

describe('revoking', () => {
  test('a user ends that user in that channel, on each connection, and nobody and nothing else', async () => {
    const node = new TokenNode(RULES);
    const [one, other, bob] = [node.connect(), node.connect(), node.connect()];
    for (const client of [one, other]) {
      enter(client, 'private-a', node.token({ sub: '7' }));
      enter(client, 'private-b', node.token({ sub: '7' }));
    }
    enter(bob, 'private-a', node.token({ sub: '8' }));
    await node.revoke('private-a', { kind: 'user', userId: '7' });
    expect([one.take(), other.take(), bob.take()]).toEqual([[gone('private-a')], [gone('private-a')], []]);
    tell(node, 'private-a');
    tell(node, 'private-b');
    expect([one.take().length, other.take().length, bob.take().length]).toEqual([1, 1, 1]);
    expect(node.refused).toEqual(['access-revoked', 'access-revoked']);
    expect(one.closedWith).toBeUndefined();
  });

  test('ends a member of a presence channel for the others', async () => {
    const node = new TokenNode(RULES);
    const [ann, bob] = [node.connect(), node.connect()];
    enter(ann, ROOM, node.token({ sub: '7' }));
    bob.subscribe(ROOM, '{"user_id":"8"}');
    ann.take();
    bob.take();
    await node.revoke(ROOM, { kind: 'user', userId: '8' });
    expect(bob.take()).toEqual([gone(ROOM)]);
    expect(eventsOf(ann.take())).toEqual(['member_removed']);
    expect((await node.node.store.members('3', ROOM)).members).toHaveLength(1);
  });

  test('knows a user by the token, by channel_data and by the sign-in', async () => {
    const node = new TokenNode([rule('private-*', [TOKEN])]);
    const [token, data, user] = [node.connect(), node.connect(), node.connect()];
    enter(token, 'private-a', node.token({ sub: '7' }));
    data.subscribe(ROOM, '{"user_id":7}');
    user.signIn('{"id":"7"}');
    user.subscribe('private-a');
    user.subscribe('news');
    for (const client of [token, data, user]) client.take();
    await node.revoke('*', { kind: 'user', userId: '7' });
    expect([token.take(), data.take()]).toEqual([[gone('private-a')], [gone(ROOM)]]);
    expect(user.take().sort()).toEqual([gone('news'), gone('private-a')]);
  });

  test('a socket ends that connection only', async () => {
    const node = new TokenNode(RULES);
    const [one, other] = [node.connect(), node.connect()];
    for (const client of [one, other]) enter(client, 'private-a', node.token({ sub: '7' }));
    await node.revoke('private-a', { kind: 'socket', socketId: one.socketId });
    expect([one.take(), other.take()]).toEqual([[gone('private-a')], []]);
  });

  test('everyone empties the channels of a pattern, and no others, of one app', async () => {
    const node = new TokenNode(RULES);
    const client = node.connect();
    for (const channel of ['private-a.1', 'private-a.2', 'private-b']) enter(client, channel, node.token());
    await node.revoke('private-a.*', { kind: 'everyone' });
    expect(client.take()).toEqual([gone('private-a.1'), gone('private-a.2')]);
    await node.node.store.revoke({ appId: '4', channel: '*', target: { kind: 'everyone' }, atMs: node.clock.now() });
    expect(client.take()).toEqual([]);
    expect(client.connected.subscriptions.values().map(({ channel }) => channel.name)).toEqual(['private-b']);
  });
});

test('revoking the same again is taken up even when clocks say that it was earlier', async () => {
  // Such as by a node whose clock is behind, or in the same millisecond: nothing happened.
  const node = new TokenNode(RULES);
  const target = { kind: 'everyone' } as const;
  const atMs = node.clock.now() + 5000;
  await node.node.store.revoke({ appId: '3', channel: 'private-a', target, atMs });
  const client = node.connect();
  client.subscribe('private-a');
  client.take();
  await node.revoke('private-a', target);
  expect(client.take()).toEqual([gone('private-a')]);
});

test('what refused a connection refuses it again when it comes without the token that let it in', async () => {
  const node = new TokenNode();
  const client = node.connect();
  await node.revoke('news', { kind: 'everyone' });
  node.clock.advance(1000);
  expect(enter(client, 'news')).toEqual(refused('news', 403, revokedText('news')));
  enter(client, 'news', node.token());
  expect(eventsOf(enter(client, 'news'))).toEqual(['error']);
  expect(client.connected.subscriptions.get('news')?.grant).toBeDefined();
  client.unsubscribe('news');
  expect(node.node.channels.size).toBe(0);
});

test('somebody who signs in as a user that was revoked is out of what was entered before', async () => {
  const node = new TokenNode(RULES);
  const client = node.connect();
  client.subscribe('private-a');
  client.subscribe('private-b');
  await node.revoke('private-a', { kind: 'user', userId: '7' });
  client.take();
  client.signIn('{"id":"7"}');
  expect(eventsOf(client.take())).toEqual(['subscription_error', 'signin_success']);
  expect(client.connected.subscriptions.values().map(({ channel }) => channel.name)).toEqual(['private-b']);
});

// A token of a clock that is ahead counted as issued after the revocation: its holder stayed in.
test('ends and refuses holders of tokens whose issuer has a clock that is ahead, as far as the app allows for it', () => {
  const node = new TokenNode(RULES);
  const app = node.replace({ tokens: tokenPolicy({ clockToleranceSeconds: 30 }) });
  const client = node.connect({ app });
  const ahead = node.token({ sub: '7', iat: node.nowSeconds + 20 });
  enter(client, 'private-a', ahead);
  client.take();
  void node.revoke('private-a', { kind: 'user', userId: '7' });
  expect(client.take()).toEqual([gone('private-a')]);
  node.clock.advance(25_000);
  enter(client, 'private-a', ahead);
  expect(node.refused).toEqual(['access-revoked', 'access-revoked']);
  node.clock.advance(10_000);
  expect(enter(client, 'private-a', node.token({ sub: '7' }))).toEqual([succeeded('private-a')]);
});

describe('what was revoked', () => {
  async function revoked(): Promise<{ node: TokenNode; client: TestClient; old: string }> {
    const node = new TokenNode(RULES);
    node.clock.advance(500);
    const client = node.connect();
    const old = node.token({ sub: '7', iat: Math.floor(node.nowSeconds), exp: node.nowSeconds + 200_000 });
    enter(client, 'private-a', old);
    await node.revoke('private-a', { kind: 'user', userId: '7' });
    client.take();
    return { node, client, old };
  }

  test('refuses the same token, on this connection and on others, and one of the same second', async () => {
    const { node, client, old } = await revoked();
    const same = node.token({ sub: '7', iat: Math.floor(node.nowSeconds), exp: node.nowSeconds + 99 });
    for (const auth of [old, same, node.token({ sub: '7', iat: undefined })]) {
      expect(enter(client, 'private-a', auth)).toEqual(refused('private-a', 403, revokedText('private-a')));
      expect(enter(node.connect(), 'private-a', auth)).toEqual(refused('private-a', 403, revokedText('private-a')));
    }
    expect(enter(client, 'private-b', old)).toEqual([succeeded('private-b')]);
    expect(enter(client, 'private-a', node.token({ sub: '8' }))).toEqual([succeeded('private-a')]);
  });

  test('admits a token of a later second, on the same connection too', async () => {
    const { node, client } = await revoked();
    node.clock.advance(500);
    expect(enter(client, 'private-a', node.token({ sub: '7' }))).toEqual([succeeded('private-a')]);
  });

  test('refuses signatures for connections that were there, and admits those of later ones', async () => {
    const node = new TokenNode(RULES);
    const [before, signedIn] = [node.connect(), node.connect()];
    before.subscribe(ROOM, '{"user_id":"7"}');
    signedIn.signIn('{"id":"7"}');
    await node.revoke(ROOM, { kind: 'user', userId: '7' });
    for (const client of [before, signedIn]) {
      client.take();
      client.subscribe(ROOM, '{"user_id":"7"}');
      expect(client.take()).toEqual(refused(ROOM, 403, revokedText(ROOM)));
    }
    const after = node.connect();
    after.subscribe(ROOM, '{"user_id":"7"}');
    expect(eventsOf(after.take())).toEqual(['subscription_succeeded']);
  });

  test("opens a user's channel again to a later sign-in on the same connection", async () => {
    const node = new TokenNode(RULES);
    const client = node.connect();
    const channel = '#server-to-user-7';
    signInWith(client, node.token({ sub: '7' }));
    enter(client, channel);
    await node.revoke('*', { kind: 'user', userId: '7' });
    expect(client.take()).toEqual([gone(channel)]);
    expect(enter(client, channel)).toEqual(refused(channel, 403, revokedText(channel)));
    node.clock.advance(1000);
    signInWith(client, node.token({ sub: '7' }));
    expect(enter(client, channel)).toEqual([succeeded(channel)]);
  });

  test('is forgotten after a day', async () => {
    const { node, old } = await revoked();
    node.clock.advance(REVOCATION_MEMORY_MS - 1);
    expect(enter(node.connect(), 'private-a', old)).toEqual(refused('private-a', 403, revokedText('private-a')));
    node.clock.advance(1);
    expect(enter(node.connect(), 'private-a', old)).toEqual([succeeded('private-a')]);
    expect(node.node.nodesChannel.revocations.all).toEqual([]);
  });

  test('refuses a token that extends, which leaves what a signature opened', async () => {
    const node = new TokenNode(RULES);
    const client = node.connect();
    const old = node.token({ sub: '7' });
    node.clock.advance(1000);
    await node.revoke('private-a', { kind: 'user', userId: '7' });
    node.clock.advance(1000);
    enter(client, 'private-a', node.token({ sub: '7' }));
    expect(eventsOf(enter(client, 'private-a', old))).toEqual(['error']);
    expect(client.connected.subscriptions.size).toBe(1);
  });

  test('holds on a node that starts later', async () => {
    const clock = new FakeClock();
    const seams = new DelayedSeams(clock);
    const first = new TokenNode(RULES, { clock, seams });
    await first.node.nodesChannel.start();
    const old = first.token({ sub: '7' });
    await first.revoke('private-*', { kind: 'user', userId: '7' });
    const later = new TokenNode(RULES, { clock, seams });
    await later.node.nodesChannel.start();
    const client = later.connect();
    expect(enter(client, 'private-a', old)).toEqual(refused('private-a', 403, revokedText('private-a')));
    // Its connections came afterwards: what is signed for them was signed afterwards.
    client.subscribe('private-a');
    expect(client.take()).toEqual([succeeded('private-a')]);
  });
});

describe('a revocation while a subscription is under way', () => {
  test.for([0, 1, 2])('lets nobody in, after %i answers of the seams', async (answers) => {
    const { seams, node } = slowNode();
    const channel = 'presence-cache-x';
    const [client, watcher] = [node.connect(), node.connect()];
    seams.isSlow = true;
    enter(client, channel, node.token({ sub: '7' }));
    for (let answered = 0; answered < answers; answered += 1) await seams.answer();
    seams.isSlow = false;
    await node.revoke(channel, { kind: 'user', userId: '7' });
    seams.isSlow = true;
    await seams.answerAll();
    seams.isSlow = false;
    expect(client.take()).toEqual(refused(channel, 403, revokedText(channel)));
    expect((await seams.store.members('3', channel)).members).toEqual([]);
    expect([...seams.subscribed]).toEqual([`${NODES_APP}/${NODES_CHANNEL}`]);
    expect(node.node.dueTimes.size).toBe(0);
    watcher.subscribe('news');
    expect(watcher.take()).toHaveLength(1);
    expect(node.failures).toEqual([]);
  });

  test('is answered when all nodes can know of it', async () => {
    const { seams, node } = slowNode();
    const client = node.connect();
    enter(client, 'private-a', node.token());
    client.take();
    seams.isSlow = true;
    let isAnswered = false;
    const answered = Promise.resolve(node.revoke('private-a', { kind: 'everyone' })).then(() => {
      isAnswered = true;
    });
    expect([isAnswered, client.take()]).toEqual([false, []]);
    await seams.answerAll();
    await answered;
    expect(client.take()).toEqual([gone('private-a')]);
  });
});
