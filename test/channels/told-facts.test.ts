import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Connection } from '../../channels/connection.ts';
import type { Node } from '../../channels/node.ts';
import type { Observer } from '../../channels/observer.ts';
import { publish } from '../../channels/publish.ts';
import { revoke } from '../../channels/revoke.ts';
import { Session } from '../../channels/session.ts';
import { terminateUser } from '../../channels/user-connections.ts';
import type { ChannelKind } from '../../protocol/channel-name.ts';
import { CLOSE_CODES, Disconnect } from '../../protocol/errors.ts';
import { atLength } from '../support/at-length.ts';
import { DelayedSeams } from '../support/delayed-seams.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { type TestClient, TestNode, VISITOR } from './test-node.ts';

/** Writes down what it is told, one short text for each fact. */
class Recorder implements Observer {
  readonly told: string[] = [];

  connected: Observer['connected'] = ({ connection }) => this.#note('connected', connection);
  refused: Observer['refused'] = ({ visitor, reason }) => this.told.push(`refused ${visitor.ip} ${reason.id}`);
  disconnected: Observer['disconnected'] = ({ connection, cause }) => this.#note('disconnected', connection, cause);
  messageRefused: Observer['messageRefused'] = ({ connection, error }) =>
    this.#note('message refused', connection, error.id);
  subscribed: Observer['subscribed'] = ({ connection, channel, member }) =>
    this.#note('subscribed', connection, channel.name, member?.userId);
  subscriptionRefused: Observer['subscriptionRefused'] = ({ connection, error }) =>
    this.#note('subscription refused', connection, error.channel, error.id);
  unsubscribed: Observer['unsubscribed'] = ({ connection, channel, member, reason }) =>
    this.#note('unsubscribed', connection, channel.name, member?.userId, reason?.id);
  signedIn: Observer['signedIn'] = ({ connection, user }) => this.#note('signed in', connection, user.id);
  signedOut: Observer['signedOut'] = ({ connection, user }) => this.#note('signed out', connection, user.id);
  published: Observer['published'] = ({ app, event, bytes, channels }) => {
    const each = channels.map(({ name, kind, receiversHere }) => `${name} (${kind.prefix}) ${receiversHere}`);
    this.told.push(`published ${app.id} ${event} ${bytes} ${each.join(', ')}`);
  };
  clientEvent: Observer['clientEvent'] = ({ connection, channel, event, data, userId, receiversHere }) =>
    this.#note('client event', connection, channel.name, event, data, userId, String(receiversHere));
  delivered: Observer['delivered'] = ({ channel, frame, receivers }) =>
    this.told.push(`delivered ${channel.name} ${JSON.parse(frame).event} ${receivers}`);
  cacheMissed: Observer['cacheMissed'] = ({ connection, channel }) =>
    this.#note('cache missed', connection, channel.name);
  edge: Observer['edge'] = ({ kind, appId: _appId, ...rest }) =>
    this.told.push(`edge ${kind} ${Object.values(rest).join(' ')}`);
  failed: Observer['failed'] = ({ during }) => this.told.push(`failed ${during}`);

  /** What was told since the last call. */
  take(): string[] {
    return this.told.splice(0);
  }

  #note(what: string, { socketId }: Connection, ...facts: (string | undefined)[]): void {
    this.told.push([what, socketId, ...facts.filter((fact) => fact !== undefined)].join(' '));
  }
}

/** Two observers, to be told the same. */
function observedNode(parts: Partial<ConstructorParameters<typeof TestNode>[0]> = {}) {
  const [first, second] = [new Recorder(), new Recorder()];
  const node = new TestNode({ ...parts, observers: [first, second] });
  const take = (): string[] => {
    const told = first.take();
    expect(second.take()).toEqual(told);
    return told;
  };
  return { node, take };
}

const event = (name: string, channels: readonly string[], socketId?: string) => ({
  name,
  data: '{"n":"é"}',
  channels,
  socketId,
  info: new Set<never>(),
});

describe('told once, to each of several observers:', () => {
  test('a subscription and its end', () => {
    const { node, take } = observedNode();
    const client = node.connect();
    client.subscribe('news');
    expect(take()).toEqual(['connected 1.1', 'edge channel_occupied news', 'subscribed 1.1 news']);
    client.subscribe('news');
    expect(take()).toEqual(['message refused 1.1 already-subscribed']);
    client.unsubscribe('news');
    client.unsubscribe('news');
    expect(take()).toEqual(['edge channel_vacated news', 'unsubscribed 1.1 news']);
  });

  test('members of a presence channel, before and after those who are told of them', () => {
    const { node, take } = observedNode();
    const [one, other] = [node.connect(), node.connect()];
    one.subscribe('presence-room', '{"user_id":"ann"}');
    expect(take()).toEqual([
      'connected 1.1',
      'connected 1.2',
      'delivered presence-room pusher_internal:member_added 0',
      'edge channel_occupied presence-room',
      'edge member_added presence-room ann',
      'subscribed 1.1 presence-room ann',
    ]);
    other.subscribe('presence-room', '{"user_id":"ann"}');
    expect(take()).toEqual(['subscribed 1.2 presence-room ann']);
    one.vanish();
    expect(take()).toEqual(['unsubscribed 1.1 presence-room ann', 'disconnected 1.1']);
    other.unsubscribe('presence-room');
    expect(take()).toEqual([
      'unsubscribed 1.2 presence-room ann',
      'edge member_removed presence-room ann',
      'edge channel_vacated presence-room',
    ]);
  });

  test('a subscription that was refused, and one that the server ends', () => {
    const { node, take } = observedNode();
    const client = node.connect();
    client.send({ event: 'pusher:subscribe', data: { channel: 'private-x', auth: 'key:wrong' } });
    expect(take()).toEqual(['connected 1.1', 'subscription refused 1.1 private-x auth-signature']);
    client.subscribe('private-x');
    take();
    void revoke(node.node, { appId: '3', channel: 'private-x', target: { kind: 'everyone' } });
    expect(take()).toEqual(['edge channel_vacated private-x', 'unsubscribed 1.1 private-x access-revoked']);
  });

  test('a published event, with what it was for, and its delivery', () => {
    const { node, take } = observedNode();
    const [one, other] = [node.connect(), node.connect()];
    one.subscribe('private-x');
    other.subscribe('private-x');
    take();
    void publish(node.node, node.app, event('moved', ['private-x', 'empty'], one.socketId));
    expect(take()).toEqual(['delivered private-x moved 1', 'published 3 moved 10 private-x (private-) 1, empty () 0']);
  });

  test('frames that waited for others, when they are handed on', () => {
    const { node, take } = observedNode({
      app: { coalescing: [{ pattern: { matches: () => true } as never, milliseconds: 10 }] },
    });
    const client = node.connect();
    client.subscribe('news');
    take();
    void publish(node.node, node.app, event('moved', ['news']));
    expect(take()).toEqual(['published 3 moved 10 news () 1']);
    node.clock.advance(10);
    expect(take()).toEqual(['delivered news moved 1']);
  });

  test('a client event, but not one that was refused', () => {
    const { node, take } = observedNode();
    const [one, other] = [node.connect(), node.connect()];
    one.subscribe('presence-room', '{"user_id":"ann"}');
    other.subscribe('presence-room', '{"user_id":"bob"}');
    take();
    one.send({ event: 'client-hi', channel: 'presence-room', data: { a: 1 } });
    expect(take()).toEqual([
      'delivered presence-room client-hi 1',
      'client event 1.1 presence-room client-hi {"a":1} ann 1',
    ]);
    one.send({ event: 'client-hi', channel: 'private-x', data: {} });
    expect(take()).toEqual(['message refused 1.1 client-event-not-subscribed']);
  });

  test('a user, once however often it signs in again', () => {
    const { node, take } = observedNode();
    const client = node.connect();
    client.signIn('{"id":"ann"}');
    expect(take()).toEqual(['connected 1.1', 'edge user_online ann', 'signed in 1.1 ann']);
    client.signIn('{"id":"ann","user_info":{}}');
    expect(take()).toEqual([]);
    void terminateUser(node.node, '3', 'ann');
    expect(take()).toEqual(['signed out 1.1 ann', 'edge user_offline ann', 'disconnected 1.1 terminated']);
  });

  test('a cache channel without an event', () => {
    const { node, take } = observedNode();
    const client = node.connect();
    client.subscribe('cache-x');
    expect(take()).toEqual([
      'connected 1.1',
      'edge channel_occupied cache-x',
      'subscribed 1.1 cache-x',
      'cache missed 1.1 cache-x',
    ]);
    void publish(node.node, node.app, event('moved', ['cache-x']));
    take();
    const late = node.connect();
    late.subscribe('cache-x');
    expect(take()).toEqual(['connected 1.2', 'subscribed 1.2 cache-x']);
  });
});

test('who is not let in is told with where it comes from', () => {
  const { node, take } = observedNode();
  const session = new Session(node.node);
  const refused: string[] = [];
  session.open({
    visitor: VISITOR,
    transport: { isOpen: true, close: () => {} },
    enter: () => {
      throw new Disconnect('over-capacity', CLOSE_CODES.overCapacity, 'Full');
    },
    refuse: ({ id }) => refused.push(id),
  });
  expect(refused).toEqual(['over-capacity']);
  expect(take()).toEqual([`refused ${VISITOR.ip} over-capacity`]);
});

test('each message is told before what comes of it, and each frame for one client', () => {
  const told: string[] = [];
  const node = new TestNode({
    observers: [
      {
        received: ({ connection, frame }) => told.push(`${connection.socketId} said ${frame}`),
        sent: ({ connection, frame }) => told.push(`${connection?.socketId} got ${JSON.parse(frame).event}`),
        subscribed: ({ channel }) => told.push(`subscribed ${channel.name}`),
      },
    ],
  });
  const session = new Session(node.node);
  const frames: string[] = [];
  const transport = {
    isOpen: true,
    bufferedBytes: 0,
    send: (frame: string) => {
      frames.push(frame);
      session.sent(frame);
    },
    close: () => {},
    cutOff: () => {},
    ping: () => {},
    subscribe: () => {},
    unsubscribe: () => {},
    publishToOthers: () => false,
  };
  const request = { appKey: 'key', app: node.app, protocol: '7', version: undefined, origin: undefined, isTls: false };
  session.open({
    visitor: VISITOR,
    transport,
    enter: () => void session.connect(request, transport),
    refuse: () => {},
  });
  const text = '{"event":"pusher:subscribe","data":{"channel":"news"}}';
  session.receive(Buffer.from(text));
  expect(told).toEqual([
    'undefined got pusher:connection_established',
    `1.1 said ${text}`,
    '1.1 got pusher_internal:subscription_succeeded',
    'subscribed news',
  ]);
  expect(frames).toHaveLength(2);
});

test('an event that could not be published is not told', async () => {
  const clock = new FakeClock();
  const seams = new DelayedSeams(clock);
  const { node, take } = observedNode({ clock, seams });
  seams.isSlow = true;
  const refused = expect(publish(node.node, node.app, event('moved', ['news']))).rejects.toThrow('far away');
  await seams.answer({ error: new Error('far away') });
  await refused;
  expect(take()).toEqual([]);
  const published = publish(node.node, node.app, event('moved', ['news']));
  expect(take()).toEqual([]);
  await seams.answer();
  await published;
  expect(take()).toEqual(['published 3 moved 10 news () 0']);
});

const CHANNELS = ['news', 'private-x', 'presence-room', 'cache-x'];
const USERS = ['ann', 'bob'];
const CLIENTS = 3;
const client = fc.nat(CLIENTS - 1);
const step = fc.oneof(
  fc.record({
    do: fc.constant('subscribe' as const),
    client,
    channel: fc.constantFrom(...CHANNELS),
    user: fc.constantFrom(...USERS),
  }),
  fc.record({ do: fc.constant('unsubscribe' as const), client, channel: fc.constantFrom(...CHANNELS) }),
  fc.record({ do: fc.constant('sign in' as const), client, user: fc.constantFrom(...USERS) }),
  fc.record({ do: fc.constant('vanish' as const), client }),
  fc.record({ do: fc.constant('revoke' as const), channel: fc.constantFrom(...CHANNELS) }),
  fc.record({ do: fc.constant('answer' as const) }),
  fc.record({ do: fc.constant('fail' as const) }),
);

/** Keeps what began and did not end. */
class Ledger implements Observer {
  readonly open = new Set<string>();
  readonly #wrong: string[];

  constructor(wrong: string[]) {
    this.#wrong = wrong;
  }

  connected: Observer['connected'] = ({ connection }) => this.#begin(connection, 'connected');
  disconnected: Observer['disconnected'] = ({ connection }) => {
    this.#end(connection, 'connected');
    const rest = [...this.open].filter((key) => key.startsWith(`${connection.socketId} `));
    if (rest.length > 0) this.#wrong.push(`${rest} did not end before`);
  };
  subscribed: Observer['subscribed'] = ({ connection, channel }) => this.#begin(connection, channel.name);
  unsubscribed: Observer['unsubscribed'] = ({ connection, channel }) => this.#end(connection, channel.name);
  signedIn: Observer['signedIn'] = ({ connection, user }) => this.#begin(connection, `user ${user.id}`);
  signedOut: Observer['signedOut'] = ({ connection, user }) => this.#end(connection, `user ${user.id}`);

  #begin({ socketId }: Connection, what: string): void {
    const key = `${socketId} ${what}`;
    if (this.open.has(key)) this.#wrong.push(`${key} began twice`);
    this.open.add(key);
  }

  #end({ socketId }: Connection, what: string): void {
    const key = `${socketId} ${what}`;
    if (!this.open.delete(key)) this.#wrong.push(`${key} ended without a beginning`);
  }
}

/** What is there, found by looking at every connection. */
function actual({ connections }: Node): Set<string> {
  const all = [...connections.values()].flatMap(({ socketId, subscriptions, user }) => [
    `${socketId} connected`,
    ...subscriptions.values().map(({ channel }) => `${socketId} ${channel.name}`),
    ...(user ? [`${socketId} user ${user.id}`] : []),
  ]);
  return new Set(all);
}

/** The numbers of the only app, found by walking. */
function countedByWalking({ connections, channels }: Node) {
  const byKind = new Map<ChannelKind, { channels: number; subscriptions: number }>();
  for (const channel of channels.values()) {
    const subscriptions = channel.connections.size;
    if (channel.role !== 'application' || subscriptions === 0) continue;
    const numbers = byKind.get(channel.kind) ?? { channels: 0, subscriptions: 0 };
    byKind.set(channel.kind, {
      channels: numbers.channels + 1,
      subscriptions: numbers.subscriptions + subscriptions,
    });
  }
  return { connections: connections.size, byKind };
}

describe('whatever comes between', () => {
  test('beginnings and ends match, what has begun is there, and the numbers are those that walking finds', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const wrong: string[] = [];
        const ledger = new Ledger(wrong);
        const clock = new FakeClock();
        const seams = new DelayedSeams(clock);
        const test = new TestNode({ clock, seams, observers: [ledger] });
        const { node } = test;
        const connect = (): TestClient => {
          seams.isSlow = false;
          const connected = test.connect();
          seams.isSlow = true;
          return connected;
        };
        const clients = Array.from({ length: CLIENTS }, connect);
        for (const each of steps) {
          const who = 'client' in each ? clients[each.client] : undefined;
          switch (each.do) {
            case 'subscribe':
              who?.subscribe(each.channel, each.channel === 'presence-room' ? `{"user_id":"${each.user}"}` : undefined);
              break;
            case 'unsubscribe':
              who?.unsubscribe(each.channel);
              break;
            case 'sign in':
              who?.signIn(`{"id":"${each.user}"}`);
              break;
            case 'vanish':
              who?.vanish();
              clients[each.client] = connect();
              break;
            case 'revoke':
              seams.isSlow = false;
              await revoke(node, { appId: '3', channel: each.channel, target: { kind: 'everyone' } });
              seams.isSlow = true;
              break;
            case 'answer':
              await seams.answer();
              break;
            case 'fail':
              await seams.answer({ error: new Error('far away') });
          }
          expect(wrong).toEqual([]);
          expect(ledger.open).toEqual(actual(node));
          expect(node.numbers.apps.get('3')).toEqual(countedByWalking(node));
        }
        for (const each of clients) each.vanish();
        await seams.answerAll();
        expect(wrong).toEqual([]);
        expect(ledger.open).toEqual(new Set());
        expect(node.numbers.apps.size).toBe(0);
      }),
      { numRuns: atLength(150, 2000) },
    );
  });
});
