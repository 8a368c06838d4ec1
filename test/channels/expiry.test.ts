import { setImmediate } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import type { Grant } from '../../auth/grant.ts';
import { DelayedSeams } from '../support/delayed-seams.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { errorFrame, type TestClient } from './test-node.ts';
import {
  APPLICATION,
  ended,
  enter,
  eventsOf,
  expiredText,
  holder,
  OWN,
  refused,
  rule,
  succeeded,
  TOKEN,
  TokenNode,
} from './token-node.ts';

const ROOM = 'presence-room';
const RULES = [rule('private-*', [TOKEN]), rule('presence-*', [TOKEN])];

const publish = (node: TokenNode, channel: string): void =>
  void node.node.broker.publish({ appId: '3', channel, frame: '{"event":"e"}' });

function slowNode() {
  const clock = new FakeClock();
  const seams = new DelayedSeams(clock);
  return { seams, node: new TokenNode(RULES, { clock, seams }) };
}

/** Has tokens verified only when the answer is called, as where keys have to be fetched. */
function delayVerification(node: TokenNode): () => Promise<void> {
  const { tokens } = node.node;
  const verify = tokens.verify.bind(tokens);
  let answer = (): void => {};
  const answered = new Promise<void>((resolve) => {
    answer = resolve;
  });
  vi.spyOn(tokens, 'verify').mockImplementation(async (app, token): Promise<Grant> => {
    const grant = await verify(app, token);
    await answered;
    return grant;
  });
  return async () => {
    answer();
    await setImmediate();
  };
}

describe('a subscription by token', () => {
  test('ends at the second at which the token does, and gets nothing more', () => {
    const node = new TokenNode(RULES);
    const client = node.connect();
    const end = node.nowSeconds + 60;
    enter(client, 'private-x', node.token());
    client.subscribe('private-signed');
    client.take();
    node.clock.advance(59_999);
    expect(client.take()).toEqual([]);
    publish(node, 'private-x');
    expect(client.take()).toEqual(['{"event":"e"}']);
    node.clock.advance(1);
    expect(client.take()).toEqual([ended('private-x', 401, expiredText('private-x', end))]);
    expect(node.refused).toEqual(['subscription-expired']);
    publish(node, 'private-x');
    expect(client.take()).toEqual([]);
    expect(client.ask({ event: 'client-e', channel: 'private-x', data: 1 })[0]).toContain('not subscribed');
    expect(client.connected.subscriptions.values().map(({ channel }) => channel.name)).toEqual(['private-signed']);
    expect(client.closedWith).toBeUndefined();
  });

  test('ends for the members of its channel, and is counted no more', async () => {
    const node = new TokenNode(RULES, { app: { enableSubscriptionCountEvents: true } });
    const [client, watcher] = [node.connect(), node.connect()];
    watcher.subscribe(ROOM, '{"user_id":"w"}');
    watcher.subscribe('private-x');
    enter(client, ROOM, node.token({ sub: '7' }));
    enter(client, 'private-x', node.token());
    watcher.take();
    client.take();
    node.clock.advance(60_000);
    expect(eventsOf(watcher.take())).toEqual(['member_removed', 'subscription_count']);
    expect(eventsOf(client.take())).toEqual(['subscription_error', 'subscription_error']);
    expect((await node.node.store.members('3', ROOM)).members).toHaveLength(1);
    expect((await node.node.store.summary('3', 'private-x')).subscriptionCount).toBe(1);
  });

  test('that ended can begin anew by a fresh token', () => {
    const node = new TokenNode(RULES);
    const client = node.connect();
    const stale = node.token();
    enter(client, 'private-x', stale);
    node.clock.advance(60_000);
    client.take();
    enter(client, 'private-x', stale);
    expect(node.refused).toEqual(['subscription-expired', 'token-expired']);
    client.take();
    expect(enter(client, 'private-x', node.token())).toEqual([succeeded('private-x')]);
    expect(node.node.dueTimes.size).toBe(1);
  });

  test('lasts for the tolerance of clocks that its token needed', () => {
    const node = new TokenNode(RULES);
    const client = node.connect();
    const { tokens } = node.app;
    if (!tokens) throw new Error('no tokens');
    const app = node.replace({ tokens: { ...tokens, clockToleranceSeconds: 5 } });
    const late = node.connect({ app });
    enter(client, 'private-x', node.token({ exp: node.nowSeconds - 2 }));
    enter(late, 'private-x', node.token({ exp: node.nowSeconds - 2 }));
    node.clock.advance(2999);
    expect([client.connected, late.connected].map(({ subscriptions }) => subscriptions.size)).toEqual([1, 1]);
    node.clock.advance(1);
    expect([client.connected, late.connected].map(({ subscriptions }) => subscriptions.size)).toEqual([0, 0]);
  });

  test('that never ends waits for nothing', () => {
    const node = new TokenNode(RULES);
    const { tokens } = node.app;
    if (!tokens) throw new Error('no tokens');
    node.replace({ tokens: { ...tokens, requireExpiry: false } });
    const client = node.connect();
    client.connected.app = node.replace({});
    enter(client, 'private-x', node.token({ exp: undefined }));
    expect(client.connected.subscriptions.size).toBe(1);
    expect(node.node.dueTimes.size).toBe(0);
  });
});

describe('a grant in what the application signs', () => {
  // On public channels that a rule closes the signature was looked at, and the grant's end was not: an expired one entered, and nobody left.
  const CLOSED = [
    rule('staff', [TOKEN]),
    rule('shift-*', [holder('operator')]),
    rule('board', [APPLICATION]),
    ...RULES,
  ];
  const data = (exp: unknown): string =>
    JSON.stringify({ user_id: '7', grant: { roles: ['operator'], claims: {}, exp } });
  const enterSigned = (client: TestClient, channel: string, text: string): string[] =>
    enter(client, channel, client.signature(channel, text), text);
  const CHANNELS = ['staff', 'shift-1', 'board', 'private-x', ROOM];

  test.for(CHANNELS)('lets into %s until its end', (channel) => {
    const node = new TokenNode(CLOSED);
    const client = node.connect();
    const end = node.nowSeconds + 2;
    expect(eventsOf(enterSigned(client, channel, data(end)))).toEqual(['subscription_succeeded']);
    node.clock.advance(1999);
    expect(client.take()).toEqual([]);
    node.clock.advance(1);
    expect(client.take()).toEqual([ended(channel, 401, expiredText(channel, end))]);
    expect(client.connected.subscriptions.size).toBe(0);
  });

  test.for(CHANNELS)('lets nobody into %s after its end, nor where the end can not be read', (channel) => {
    const node = new TokenNode(CLOSED);
    const client = node.connect();
    for (const exp of [node.nowSeconds, node.nowSeconds - 3600, -1, 'soon', null]) {
      expect(eventsOf(enterSigned(client, channel, data(exp)))).toEqual(['error', 'subscription_error']);
    }
    expect(new Set(node.refused)).toEqual(new Set(['subscription-expired']));
    expect([client.connected.subscriptions.size, node.node.dueTimes.size]).toEqual([0, 0]);
  });

  test.for(CHANNELS)('lasts longer in %s by a fresh one', (channel) => {
    const node = new TokenNode(CLOSED);
    const client = node.connect();
    enterSigned(client, channel, data(node.nowSeconds + 2));
    expect(eventsOf(enterSigned(client, channel, data(node.nowSeconds + 60)))).toEqual(['subscription_succeeded']);
    node.clock.advance(59_999);
    expect(client.take()).toEqual([]);
    node.clock.advance(1);
    expect(eventsOf(client.take())).toEqual(['subscription_error']);
  });

  test('that an expired sign-in held opens nothing', () => {
    const node = new TokenNode(CLOSED);
    const client = node.connect();
    client.signIn(JSON.stringify({ id: '7', grant: { roles: ['operator'], claims: {}, exp: node.nowSeconds } }));
    expect(eventsOf(client.take())).toEqual(['error']);
    expect(eventsOf(enter(client, 'staff'))).toEqual(['error', 'subscription_error']);
    expect(node.refused).toEqual(['sign-in-expired', 'token-required']);
  });
});

describe('a fresh token for the same channel', () => {
  test('extends the subscription, which is told by another success and by nothing else', async () => {
    const node = new TokenNode(RULES);
    const [client, watcher] = [node.connect(), node.connect()];
    watcher.subscribe(ROOM, '{"user_id":"w"}');
    const first = enter(client, ROOM, node.token({ sub: '7' }));
    watcher.take();
    node.clock.advance(30_000);
    expect(enter(client, ROOM, node.token({ sub: '7' }))).toEqual(first);
    node.clock.advance(59_999);
    expect([client.take(), watcher.take()]).toEqual([[], []]);
    expect(node.node.dueTimes.size).toBe(1);
    node.clock.advance(1);
    expect(eventsOf(client.take())).toEqual(['subscription_error']);
    expect(eventsOf(watcher.take())).toEqual(['member_removed']);
    expect(node.node.dueTimes.size).toBe(0);
  });

  test('may shorten it', () => {
    const node = new TokenNode(RULES);
    const client = node.connect();
    enter(client, 'private-x', node.token());
    enter(client, 'private-x', node.token({ exp: node.nowSeconds + 10 }));
    node.clock.advance(10_000);
    expect(eventsOf(client.take())).toEqual(['subscription_error']);
  });

  test('that is refused changes nothing, and is told as an error that is not about the channel', () => {
    const node = new TokenNode([rule('private-user.{sub}', [OWN]), ...RULES]);
    const client = node.connect();
    enter(client, 'private-user.7', node.token({ sub: '7' }));
    enter(client, ROOM, node.token({ sub: '7' }));
    const answers = [
      enter(client, 'private-user.7', node.token({ sub: '8' })),
      enter(client, 'private-user.7', 'eyJ'),
      enter(client, 'private-user.7'),
      enter(client, ROOM, node.token({ sub: '8' })),
    ];
    expect(answers.map(eventsOf)).toEqual([['error'], ['error'], ['error'], ['error']]);
    expect(answers.at(-1)).toEqual([
      errorFrame(`Subscribed to ${ROOM} as 7, and the new token is another user's: unsubscribe first`),
    ]);
    expect(node.refused).toEqual(['not-allowed', 'token-malformed', 'auth-format', 'member-mismatch']);
    node.clock.advance(59_999);
    expect(client.take()).toEqual([]);
    node.clock.advance(1);
    expect(eventsOf(client.take())).toEqual(['subscription_error', 'subscription_error']);
  });

  test('may be a signature of the application, which does not end', () => {
    const node = new TokenNode([rule('staff', [TOKEN]), ...RULES]);
    const client = node.connect();
    for (const channel of ['private-x', 'staff']) {
      enter(client, channel, node.token());
      expect(enter(client, channel, client.signature(channel))).toEqual([succeeded(channel)]);
    }
    node.replace({});
    node.clock.advance(60_000);
    expect(client.take()).toEqual([]);
    expect(node.node.dueTimes.size).toBe(0);
  });

  test('does not replace a signature of the application', () => {
    const node = new TokenNode(RULES);
    const client = node.connect();
    client.subscribe('private-x');
    client.take();
    expect(enter(client, 'private-x', node.token())).toEqual([
      errorFrame('Existing subscription to channel private-x'),
    ]);
    expect(node.node.dueTimes.size).toBe(0);
  });

  test('begins anew when the old one ends while it is verified', async () => {
    const node = new TokenNode(RULES);
    const client = node.connect();
    enter(client, 'private-x', node.token());
    node.clock.advance(59_000);
    const fresh = node.token();
    const verified = delayVerification(node);
    expect(enter(client, 'private-x', fresh)).toEqual([]);
    node.clock.advance(1000);
    expect(eventsOf(client.take())).toEqual(['subscription_error']);
    await verified();
    expect(client.take()).toEqual([succeeded('private-x')]);
    publish(node, 'private-x');
    expect(client.take()).toHaveLength(1);
    expect(node.node.dueTimes.size).toBe(1);
  });
});

describe('what is waited for', () => {
  const leave: Readonly<Record<string, (client: TestClient, node: TokenNode) => void>> = {
    unsubscribes: (client) => client.unsubscribe(ROOM),
    'is gone': (client) => client.vanish(),
    'is let out by a revocation': (_, node) => void node.revoke(ROOM, { kind: 'user', userId: '7' }),
    'is let out by a new rule': (_, node) => void node.replace({ channelRules: [] }),
    'loses its app': (_, node) => node.remove(),
    'enters by a signature': (client) => client.subscribe(ROOM, '{"user_id":"7"}'),
  };
  test.for(Object.entries(leave))('is called off when a client %s', ([, act]) => {
    const node = new TokenNode(RULES);
    const client = node.connect();
    enter(client, ROOM, node.token({ sub: '7' }));
    expect(node.node.dueTimes.size).toBe(1);
    act(client, node);
    client.take();
    expect(node.node.dueTimes.size).toBe(0);
    node.clock.advance(60_000);
    expect(eventsOf(client.take())).not.toContain('subscription_error');
  });
});

describe('a token that ends while its subscription is under way', () => {
  test.for([0, 1, 2])('lets nobody in, after %i answers of the seams', async (answers) => {
    const { seams, node } = slowNode();
    const [client, watcher] = [node.connect(), node.connect()];
    watcher.subscribe(ROOM, '{"user_id":"w"}');
    watcher.take();
    const end = node.nowSeconds + 60;
    seams.isSlow = true;
    const channel = 'presence-cache-other';
    enter(client, channel, node.token({ sub: '7' }));
    for (let answered = 0; answered < answers; answered += 1) await seams.answer();
    node.clock.advance(60_000);
    await seams.answerAll();
    seams.isSlow = false;
    expect(client.take()).toEqual(refused(channel, 401, expiredText(channel, end)));
    expect((await seams.store.members('3', channel)).members).toEqual([]);
    expect([...seams.subscribed]).toEqual([`3/${ROOM}`]);
    expect(node.node.dueTimes.size).toBe(0);
    expect(node.failures).toEqual([]);
  });

  test('lets nobody in whose token took long to verify', async () => {
    const node = new TokenNode(RULES);
    const client = node.connect();
    const verified = delayVerification(node);
    const end = node.nowSeconds + 60;
    enter(client, 'private-x', node.token());
    node.clock.advance(60_000);
    await verified();
    expect(client.take()).toEqual(refused('private-x', 401, expiredText('private-x', end)));
    expect(node.node.channels.size).toBe(0);
  });

  test('leaves nothing behind of a client that is gone before it is verified', async () => {
    const node = new TokenNode(RULES);
    const client = node.connect();
    const verified = delayVerification(node);
    enter(client, ROOM, node.token({ sub: '7' }));
    client.vanish();
    await verified();
    expect((await node.node.store.members('3', ROOM)).members).toEqual([]);
    expect(node.node.channels.size).toBe(0);
    expect(node.node.dueTimes.size).toBe(0);
  });

  test('keeps the order of what the client asked for meanwhile', async () => {
    const node = new TokenNode(RULES);
    const client = node.connect();
    const verified = delayVerification(node);
    enter(client, 'private-x', node.token());
    client.unsubscribe('private-x');
    client.subscribe('private-x');
    expect(client.ask({ event: 'pusher:ping' })).toHaveLength(1);
    await verified();
    expect(client.take()).toEqual([succeeded('private-x'), succeeded('private-x')]);
    expect(client.connected.subscriptions.get('private-x')?.grant).toBeUndefined();
    expect(node.node.dueTimes.size).toBe(0);
  });
});
