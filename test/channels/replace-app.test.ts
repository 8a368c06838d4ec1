import { describe, expect, test } from 'vitest';
import { publish } from '../../channels/publish.ts';
import { DelayedSeams } from '../support/delayed-seams.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { errorFrame } from './test-node.ts';
import {
  ended,
  enter,
  eventsOf,
  holder,
  OWN,
  refused,
  rule,
  signInWith,
  succeeded,
  TOKEN,
  TokenNode,
} from './token-node.ts';

const HELLO = { event: 'client-hello', channel: 'private-chat', data: '1' };

function slowNode(...parts: ConstructorParameters<typeof TokenNode>) {
  const clock = new FakeClock();
  const seams = new DelayedSeams(clock);
  return { clock, seams, node: new TokenNode(parts[0], { ...parts[1], clock, seams }) };
}

describe('an app whose rules change', () => {
  test('keeps what the application signed, and ends what tokens open no more', () => {
    const node = new TokenNode([rule('private-*', [TOKEN])]);
    const client = node.connect();
    enter(client, 'private-a', node.token({ role: 'viewer' }));
    enter(client, 'private-b', node.token({ role: 'admin' }));
    client.subscribe('private-signed');
    client.take();
    node.replace({ channelRules: [rule('private-*', [holder('admin')])] });
    const text = 'Not allowed to subscribe to private-a: it takes the role admin; the token has the role viewer';
    expect(client.take()).toEqual([ended('private-a', 403, text)]);
    node.replace({ channelRules: [] });
    expect(eventsOf(client.take())).toEqual(['subscription_error']);
    expect(client.connected.subscriptions.values().map(({ channel }) => channel.name)).toEqual(['private-signed']);
    expect(node.node.dueTimes.size).toBe(0);
  });

  test('closes a public channel to those who have no right to it', () => {
    const node = new TokenNode();
    const [stranger, signed, admin] = [node.connect(), node.connect(), node.connect()];
    signInWith(admin, node.token({ sub: '7', role: 'admin' }));
    for (const client of [stranger, admin]) enter(client, 'staff');
    enter(signed, 'staff');
    for (const client of [stranger, signed, admin]) client.take();
    node.replace({ channelRules: [rule('staff', [holder('admin')])] });
    const text = 'staff is not open to everyone (app option channels): sign in with a token first, or send one as auth';
    expect([stranger.take(), signed.take(), admin.take()]).toEqual([
      [ended('staff', 401, text)],
      [ended('staff', 401, text)],
      [],
    ]);
    expect(enter(signed, 'staff', signed.signature('staff'))).toEqual([succeeded('staff')]);
    node.replace({});
    expect(signed.take()).toEqual([]);
    // From now on it is there by the sign-in.
    node.clock.advance(60_000);
    expect(eventsOf(admin.take())).toEqual(['error', 'subscription_error']);
    expect(signed.connected.subscriptions.values().map(({ channel }) => channel.name)).toEqual(['staff']);
  });

  test('ends what needs a claim that was not kept', () => {
    const node = new TokenNode([rule('private-user.{sub}', [OWN])]);
    const client = node.connect();
    enter(client, 'private-user.7', node.token({ sub: '7', tenant: '7' }));
    node.replace({ channelRules: [rule('private-user.{tenant}', [OWN])] });
    const text = 'The rules for private-user.7 have changed: subscribe again with your token';
    expect(client.take()).toEqual([ended('private-user.7', 401, text)]);
    expect(enter(client, 'private-user.7', node.token({ sub: '7', tenant: '7' }))).toEqual([
      succeeded('private-user.7'),
    ]);
    node.replace({ channelRules: [rule('private-user.{tenant}', [holder('admin')])] });
    expect(eventsOf(client.take())).toEqual(['subscription_error']);
    expect(node.refused).toEqual(['rules-changed', 'not-allowed']);
  });

  test('keeps whoever is still admitted, until the token ends', () => {
    const node = new TokenNode([rule('private-a', [TOKEN])]);
    const client = node.connect();
    enter(client, 'private-a', node.token());
    node.replace({ channelRules: [rule('*', [TOKEN])] });
    expect(client.take()).toEqual([]);
    node.clock.advance(60_000);
    expect(eventsOf(client.take())).toEqual(['subscription_error']);
  });

  test('lets nobody in who is under way', async () => {
    const { seams, node } = slowNode([rule('presence-x', [TOKEN])]);
    const client = node.connect();
    seams.isSlow = true;
    enter(client, 'presence-x', node.token({ sub: '7' }));
    await seams.answer();
    node.replace({ channelRules: [] });
    await seams.answerAll();
    seams.isSlow = false;
    const text =
      "Not allowed to subscribe to presence-x: no rule of the app opens presence-x to tokens (app option channels); only the application's signature does";
    expect(client.take()).toEqual(refused('presence-x', 403, text));
    expect((await seams.store.members('3', 'presence-x')).members).toEqual([]);
    expect(node.node.channels.size).toBe(0);
  });
});

describe('an app whose limits change', () => {
  test('has them at once, for connections and channels that are there', () => {
    const node = new TokenNode();
    const client = node.connect();
    client.subscribe('private-chat');
    client.subscribe('presence-x', '{"user_id":"7"}');
    client.take();
    for (let count = 0; count < 10; count += 1) client.send(HELLO);
    expect(client.take()).toEqual([]);
    client.send(HELLO);
    expect(node.refused).toEqual(['client-event-rate']);
    node.replace({ limits: { maxClientEventsPerSecond: 20, maxPresenceMembersPerChannel: 1 } });
    for (let count = 0; count < 20; count += 1) client.send(HELLO);
    client.send(HELLO);
    const other = node.connect({ app: node.app });
    other.subscribe('presence-x', '{"user_id":"8"}');
    node.replace({ enableClientMessages: false });
    client.send(HELLO);
    expect(node.refused.slice(1)).toEqual(['client-event-rate', 'channel-full', 'client-events-disabled']);
  });

  test('goes on with what is left of limits that stay', () => {
    const limits = { maxAppClientEventsPerSecond: 2, maxClientEventsPerSecond: -1, maxBackendEventsPerSecond: 1 };
    const node = new TokenNode([], { app: { limits } });
    const client = node.connect();
    client.subscribe('private-chat');
    client.take();
    client.send(HELLO);
    const app = node.replace({ limits: { ...limits, maxBackendEventsPerSecond: 5 } });
    client.send(HELLO);
    client.send(HELLO);
    expect(node.refused).toEqual(['client-event-rate']);
    expect(node.node.rateLimits.of(app).backendEvents.perSecond).toBe(5);
  });

  test('announces counts from then on', () => {
    const node = new TokenNode();
    const client = node.connect();
    client.subscribe('news');
    client.take();
    const app = node.replace({ enableSubscriptionCountEvents: true });
    node.connect({ app }).subscribe('news');
    expect(eventsOf(client.take())).toEqual(['subscription_count']);
  });
});

describe('an app that stops', () => {
  test.for([
    ['is removed', (node: TokenNode) => node.remove(), 4001, 'Application does not exist any more'],
    ['is disabled', (node: TokenNode) => node.replace({ enabled: false }), 4003, 'Application disabled'],
    [
      'retires its key',
      (node: TokenNode) => node.replace({ keys: [{ key: 'next', secret: 'secret' }] }),
      4001,
      'The app key of this connection was retired: connect with another key of the app',
    ],
  ] as const)('and %s ends its connections with the reason', ([, act, code, reason]) => {
    const node = new TokenNode([rule('*', [TOKEN])]);
    const client = node.connect();
    const other = node.connect({ app: { ...node.app, id: '4' } });
    enter(client, 'private-a', node.token());
    client.take();
    act(node);
    expect(client.take()).toEqual([errorFrame(reason, code)]);
    expect(client.closedWith).toEqual({ code, reason });
    expect(other.closedWith).toBeUndefined();
    expect(node.node.dueTimes.size).toBe(0);
    void publish(node.node, node.app, {
      name: 'e',
      data: '',
      channels: ['private-a'],
      socketId: undefined,
      info: new Set(),
    });
    expect(client.take()).toEqual([]);
  });

  test('keeps connections by keys that stay', () => {
    const node = new TokenNode([], {
      app: {
        keys: [
          { key: 'old', secret: 's' },
          { key: 'key', secret: 'secret' },
        ],
      },
    });
    const [old, kept] = [node.connect({ appKey: 'old' }), node.connect()];
    node.replace({ keys: [{ key: 'key', secret: 'secret' }] });
    expect([old.closedWith?.code, kept.closedWith]).toEqual([4001, undefined]);
  });

  test('lets nobody in who is under way', async () => {
    const { seams, node } = slowNode([rule('presence-x', [TOKEN])]);
    const client = node.connect();
    seams.isSlow = true;
    enter(client, 'presence-x', node.token({ sub: '7' }));
    await seams.answer();
    node.remove();
    await seams.answerAll();
    seams.isSlow = false;
    expect(client.take()).toHaveLength(1);
    expect(client.closedWith?.code).toBe(4001);
    expect((await seams.store.members('3', 'presence-x')).members).toEqual([]);
    expect(node.node.channels.size).toBe(0);
  });

  test('refuses a client that is just being counted', async () => {
    // It came in after the app was gone, and stayed.
    for (const stop of [
      (node: TokenNode) => node.remove(),
      (node: TokenNode) => void node.replace({ enabled: false }),
    ]) {
      const { seams, node } = slowNode([], { app: { limits: { maxConnections: 1 } } });
      seams.isSlow = true;
      const client = node.open();
      stop(node);
      const refusal = expect(client.connecting).rejects.toThrow(/Application (does not exist any more|disabled)/);
      await seams.answerAll();
      await refusal;
      seams.isSlow = false;
      expect([node.node.connections.size, node.node.arriving.size]).toEqual([0, 0]);
      expect(await seams.store.addConnection('3', 1)).toBe(true);
    }
  });

  test('gives a client that is just being counted the app as it is then', async () => {
    const { seams, node } = slowNode([], { app: { limits: { maxConnections: 1 } } });
    seams.isSlow = true;
    const client = node.open();
    const next = node.replace({ enableClientMessages: false });
    await seams.answerAll();
    await client.connecting;
    expect(client.connected.app).toBe(next);
    expect(node.node.arriving.size).toBe(0);
  });
});

describe('an app that begins, or ceases, to ask for authorization', () => {
  test('counts each connection once', async () => {
    const limits = { maxConnections: 2 };
    const node = new TokenNode([], { app: { limits } });
    const client = node.connect();
    node.replace({ enableUserAuthentication: true });
    client.subscribe('private-a');
    const app = node.replace({ enableUserAuthentication: false });
    expect(node.connect({ app }).closedWith).toBeUndefined();
    expect(() => node.connect({ app })).toThrow('over connection quota');
    client.vanish();
    expect(await node.node.store.addConnection('3', 2)).toBe(true);
    expect(await node.node.store.addConnection('3', 2)).toBe(false);
  });

  test('ends nobody for what it does not ask for any more', () => {
    const node = new TokenNode([], { app: { enableUserAuthentication: true } });
    const client = node.connect();
    node.replace({ enableUserAuthentication: false });
    node.clock.advance(30_000);
    expect(client.closedWith).toBeUndefined();
    client.subscribe('private-a');
    expect(client.connected.isCounted).toBe(true);
  });
});
