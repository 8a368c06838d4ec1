import { describe, expect, test } from 'vitest';
import { SeamUnavailable } from '../../channels/broker.ts';
import type { Connection, Transport } from '../../channels/connection.ts';
import type { Feed, Reader } from '../../channels/feed.ts';
import type { Node } from '../../channels/node.ts';
import { openFeed } from '../../channels/open-feed.ts';
import { revoke } from '../../channels/revoke.ts';
import { Session } from '../../channels/session.ts';
import { PROOF_EVERY } from '../../channels/uptake.ts';
import { ApiError, Disconnect, SubscriptionError } from '../../protocol/errors.ts';
import { createSlow } from './slow-node.ts';
import { type createApp, TestNode, VISITOR } from './test-node.ts';

const GONE = { code: 1006, reason: '', cause: undefined };

const PACE = { silenceSeconds: 30, answersPings: true };

/** A transport without a network, which drives a session as the interface asks for. */
class FakeTransport implements Transport, Reader {
  readonly feed: Feed;
  readonly pace = PACE;
  isOpen = true;
  readonly bufferedBytes = 0;
  readonly sent: string[] = [];
  readonly pings: (string | undefined)[] = [];
  closedWith: { readonly code: number; readonly reason: string } | undefined;
  readonly opened: Connection[] = [];
  readonly refusals: { readonly reason: Disconnect; readonly error: unknown }[] = [];
  readonly session: Session;

  constructor(node: Node, echo = false) {
    this.session = new Session(node);
    this.feed = { path: '/news', channel: 'news', format: 'data', last: false, echo };
  }

  /** @param enter - how the client is let in */
  open(enter: (session: Session) => ReturnType<Session['connect']> | Promise<void> | void): this {
    this.session.open({
      visitor: VISITOR,
      transport: this,
      enter: (session) => {
        const entered = enter(session);
        return entered instanceof Promise ? entered.then(() => {}) : undefined;
      },
      opened: (connection) => this.opened.push(connection),
      refuse: (reason, error) => this.refusals.push({ reason, error }),
    });
    return this;
  }

  /** As a client of the protocol, with the key of an app. */
  openClient(app: ReturnType<typeof createApp> | undefined): this {
    const request = { appKey: 'key', app, protocol: '7', version: undefined, origin: undefined, isTls: false };
    return this.open((session) => session.connect(request, this));
  }

  say(frame: unknown): void {
    this.session.receive(Buffer.from(typeof frame === 'string' ? frame : JSON.stringify(frame)));
  }

  send(frame: string): void {
    this.sent.push(frame);
  }

  greet(): void {}

  echo(text: string): void {
    this.sent.push(text);
  }

  close(code: number, reason: string): void {
    this.closedWith ??= { code, reason };
    this.vanish();
  }

  cutOff(): void {
    this.vanish();
  }

  vanish(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.session.gone(GONE);
  }

  ping(payload?: string): void {
    this.pings.push(payload);
  }

  subscribe(): void {}
  unsubscribe(): void {}
}

const eventsOf = ({ sent }: FakeTransport): string[] =>
  sent.map((frame) => (JSON.parse(frame) as { event: string }).event);

const subscription = (channel: string): object => ({ event: 'pusher:subscribe', data: { channel } });

/** A client whose admission waits for the store, as the app has a quota. */
async function arriving() {
  const slow = createSlow({ limits: { maxConnections: 1 } });
  slow.seams.isSlow = true;
  const client = new FakeTransport(slow.node).openClient(slow.test.app);
  const isRoomLeft = async (): Promise<boolean> => {
    slow.seams.isSlow = false;
    return (await slow.seams.store.addConnection(slow.test.app.id, 1)) === true;
  };
  return { ...slow, client, isRoomLeft };
}

describe('while it is not decided whether a client is let in', () => {
  test('what it says waits, and is heard in order once it is in', async () => {
    const { client, seams } = await arriving();
    client.say(subscription('b'));
    client.say({ event: 'pusher:ping' });
    client.say(subscription('a'));
    expect(client.sent).toEqual([]);
    await seams.answerAll();
    expect(client.opened).toEqual([client.session.connection]);
    expect(eventsOf(client)).toEqual([
      'pusher:connection_established',
      'pusher:pong',
      'pusher_internal:subscription_succeeded',
      'pusher_internal:subscription_succeeded',
    ]);
    expect(client.session.connection?.subscriptions.values().map(({ channel }) => channel.name)).toEqual(['b', 'a']);
  });

  // A transport may use the memory of one message for the next one.
  test('what it says is copied', async () => {
    const { client, seams } = await arriving();
    const memory = Buffer.from('{"event":"pusher:ping"}');
    client.session.receive(memory);
    memory.fill(0);
    await seams.answerAll();
    expect(eventsOf(client)).toEqual(['pusher:connection_established', 'pusher:pong']);
  });

  test('it is closed with 4100 when it says more than clients have to say, and its place is free again', async () => {
    const { client, seams, isRoomLeft } = await arriving();
    for (let count = 0; count < 16; count += 1) client.say({ event: 'pusher:ping' });
    expect(client.closedWith).toBeUndefined();
    client.say({ event: 'pusher:ping' });
    expect(client.closedWith).toEqual({
      code: 4100,
      reason: 'Too many messages before the connection was established',
    });
    await seams.answerAll();
    expect(client.sent).toEqual([]);
    expect(await isRoomLeft()).toBe(true);
  });

  test('it may leave: nothing of it stays, and it is told nothing', async () => {
    const { client, seams, node, isRoomLeft } = await arriving();
    client.say(subscription('a'));
    client.vanish();
    await seams.answerAll();
    expect(client).toMatchObject({ sent: [], opened: [], refusals: [] });
    expect(node.connections.size).toBe(0);
    expect(node.channels.size).toBe(0);
    expect(seams.calls.filter((call) => call === 'store.removeConnection')).toHaveLength(1);
    expect(await isRoomLeft()).toBe(true);
  });

  test('the node may begin to drain: it is sent away with 4100, and its place is free again', async () => {
    const { client, seams, node, isRoomLeft } = await arriving();
    client.say(subscription('a'));
    node.isDraining = true;
    await seams.answerAll();
    expect(client.refusals.map(({ reason }) => reason)).toEqual([
      expect.objectContaining({ id: 'stopping', code: 4100 }),
    ]);
    expect(client.opened).toEqual([]);
    expect(node.connections.size).toBe(0);
    expect(await isRoomLeft()).toBe(true);
  });

  test('a failure of the store sends it away with 4100', async () => {
    const { client, seams } = await arriving();
    const error = new SeamUnavailable('the store can not be reached');
    await seams.answer({ error });
    expect(client.refusals).toEqual([
      { error, reason: expect.objectContaining({ id: 'temporarily-unavailable', code: 4100 }) },
    ]);
    expect(client.refusals[0]?.reason.message).toContain('the store can not be reached');
  });
});

describe('a client is refused', () => {
  const refusal = (error: unknown): Disconnect | undefined => {
    const client = new FakeTransport(new TestNode().node).open(() => {
      throw error;
    });
    expect(client.session.connection).toBeUndefined();
    return client.refusals[0]?.reason;
  };

  test('with the reason of the use case', () => {
    const server = new TestNode();
    const client = new FakeTransport(server.node).openClient(undefined);
    expect(client.refusals.map(({ reason }) => [reason.id, reason.code])).toEqual([['unknown-app', 4001]]);
    expect(client.sent).toEqual([]);
  });

  test('when the app has all the connections that it may have', () => {
    const server = new TestNode({ app: { limits: { maxConnections: 1 } } });
    const first = new FakeTransport(server.node).openClient(server.app);
    const second = new FakeTransport(server.node).openClient(server.app);
    expect(second.refusals.map(({ reason }) => reason.code)).toEqual([4004]);
    first.vanish();
    first.vanish();
    first.session.gone(GONE);
    const places = [1, 2].map(() => new FakeTransport(server.node).openClient(server.app).opened.length);
    expect(places).toEqual([1, 0]);
  });

  test.for([
    [403, 4009],
    [503, 4100],
  ] as const)('by status %i of its only channel with code %i', ([status, code]) => {
    const error = new SubscriptionError('not-allowed', 'news', 'AuthError', status, 'no');
    expect(refusal(error)).toMatchObject({ id: 'not-allowed', code, message: 'no' });
  });

  test('with 4100 by a bug, of which it is not told what it was', () => {
    expect(refusal(new TypeError('secret'))).toMatchObject({ code: 4100, message: 'Internal error' });
  });

  // What failed for a client that had left was told to nobody.
  test.for([
    [new TypeError('late'), [{ error: new TypeError('late'), during: 'connecting' }]],
    [new SeamUnavailable('away'), []],
    [new ApiError('not-found', 404, 'Not found'), []],
  ] as const)('without a word when it is gone already: observers hear of bugs only (%s)', ([error, failures]) => {
    const server = new TestNode();
    const client = new FakeTransport(server.node);
    client.open(() => {
      client.vanish();
      throw error;
    });
    expect(client.refusals).toEqual([]);
    expect(server.failures).toEqual(failures);
  });
});

describe('a client that is in', () => {
  test('is heard until it is gone', () => {
    const server = new TestNode();
    const client = new FakeTransport(server.node).openClient(server.app);
    client.say({ event: 'pusher:ping' });
    client.vanish();
    client.say({ event: 'pusher:ping' });
    client.session.receiveSignOfLife();
    expect(eventsOf(client)).toEqual(['pusher:connection_established', 'pusher:pong']);
    expect(server.node.connections.size).toBe(0);
  });

  // Observers were told of messages that came after the end of the connection, as of those that wait behind the one that ends it.
  test('is not heard any more once the node has ended it, nor are observers told what it says', () => {
    const told: string[] = [];
    const server = new TestNode({
      observers: [
        { received: ({ frame }) => told.push(String(frame)), disconnected: ({ cause }) => told.push(`end: ${cause}`) },
      ],
    });
    const client = new FakeTransport(server.node).openClient(server.app);
    client.say('one');
    const { connection } = client.session;
    if (!connection) throw new Error('not connected');
    server.node.end(connection, new Disconnect('restarting', 4200, 'Server is restarting'));
    client.say('two');
    expect(told).toEqual(['one', 'end: restarting']);
  });

  test('is told of a message that is too large, and stays', () => {
    const server = new TestNode({ options: { maxFrameBytes: 100 } });
    const client = new FakeTransport(server.node).openClient(server.app);
    client.say(' '.repeat(101));
    expect(client.sent.at(-1)).toContain('Message of 101 bytes is too large: limit 100 bytes (maxFrameBytes)');
    expect(client.isOpen).toBe(true);
  });

  test('pays for signs of life out of its frame budget', () => {
    const server = new TestNode();
    const client = new FakeTransport(server.node).openClient(server.app);
    for (let count = 0; client.isOpen && count < 100_000; count += 1) client.session.receiveSignOfLife();
    expect(client.closedWith?.code).toBe(4100);
  });

  test('is asked whether it reads when it was sent much, and stays when it answers', () => {
    const server = new TestNode();
    const [answers, silent] = [1, 2].map(() => new FakeTransport(server.node).openClient(server.app));
    for (const client of [answers, silent]) client?.session.sent(' '.repeat(PROOF_EVERY));
    answers?.session.receivePong(String(answers.pings[0]));
    silent?.session.receivePong(`not ${silent.pings[0]}`);
    server.clock.advance(61_000);
    expect(answers?.isOpen).toBe(true);
    expect(silent?.isOpen).toBe(false);
  });

  test('is told to connect elsewhere when the node ends it, and its session is over', () => {
    const server = new TestNode();
    const client = new FakeTransport(server.node).openClient(server.app);
    const { connection } = client.session;
    if (!connection) throw new Error('not connected');
    server.node.end(connection, new Disconnect('restarting', 4200, 'Server is restarting'));
    expect(client.closedWith).toEqual({ code: 4200, reason: 'Server is restarting' });
    expect(server.node.connections.size).toBe(0);
  });
});

describe('the reader of a feed', () => {
  async function reading(echo: boolean) {
    const feed = new FakeTransport(new TestNode().node, echo).feed;
    const slow = createSlow({ feeds: [feed], limits: { maxConnections: 5 } });
    slow.seams.isSlow = true;
    const reader = new FakeTransport(slow.node, echo);
    const request = { app: slow.test.app, token: undefined, origin: undefined, isTls: false };
    reader.open((session) => openFeed(slow.node, session, request, reader));
    return { ...slow, reader };
  }

  test('is in when its channel is open, and what it says before gets its echo then', async () => {
    const { reader, seams } = await reading(true);
    reader.say('one');
    await seams.answer();
    reader.say('two');
    expect(reader.opened).toEqual([]);
    reader.sent.length = 0;
    await seams.answerAll();
    expect(reader.opened).toHaveLength(1);
    reader.session.receive(Buffer.from([0xff]));
    reader.say('three');
    const echoes = reader.sent.filter((text) => text.includes('Echo'));
    expect(echoes.map((text) => (JSON.parse(text) as { message: string }).message)).toEqual([
      'Echo: one',
      'Echo: two',
      'Echo: three',
    ]);
  });

  test('is not heard without echo, however much it says before it is in', async () => {
    const { reader, seams } = await reading(false);
    for (let count = 0; count < 100; count += 1) reader.say('x');
    await seams.answerAll();
    reader.say('x');
    expect(reader.opened).toHaveLength(1);
    expect(reader.closedWith).toBeUndefined();
    expect(reader.sent.filter((text) => text.includes('Echo'))).toEqual([]);
  });

  // Observers were told of an end without a cause: closing the transport came first.
  test('is ended with the reason of the revocation when its channel is revoked', () => {
    const { feed } = new FakeTransport(new TestNode().node);
    const server = new TestNode({ app: { feeds: [feed] } });
    const reader = new FakeTransport(server.node);
    const request = { app: server.app, token: undefined, origin: undefined, isTls: false };
    reader.open((session) => openFeed(server.node, session, request, reader));
    void revoke(server.node, { appId: server.app.id, channel: 'news', target: { kind: 'everyone' } });
    expect(reader.closedWith?.code).toBe(4009);
    expect(server.ended).toEqual([expect.objectContaining({ id: 'access-revoked', code: 4009 })]);
  });

  test('is refused and taken out again when its channel can not be opened', async () => {
    const { reader, seams, node } = await reading(false);
    await seams.answer();
    await seams.answer({ error: new SeamUnavailable('away') });
    expect(reader.refusals.map(({ reason }) => reason.code)).toEqual([4100]);
    await seams.answerAll();
    expect(node.connections.size).toBe(0);
    expect(node.channels.size).toBe(0);
  });
});
