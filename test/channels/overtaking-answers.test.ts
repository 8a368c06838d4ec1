import { setImmediate } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import type { BrokerMessage, MemberChange } from '../../channels/broker.ts';
import type { Connection } from '../../channels/connection.ts';
import { MemoryBroker } from '../../channels/memory-broker.ts';
import { MemoryChannelStore } from '../../channels/memory-channel-store.ts';
import { subscribe } from '../../channels/subscribe.ts';
import { encodeMemberAdded, encodeMemberRemoved, type WireMember } from '../../protocol/server-message.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { TestNode } from './test-node.ts';

const ROOM = 'presence-room';
const member = (userId: string): WireMember => ({ userId, userIdJson: `"${userId}"`, userInfoJson: undefined });

/** A node whose questions and messages travel on different ways, so that either may be first. */
function createServer() {
  const clock = new FakeClock();
  const broker = new MemoryBroker(clock);
  Object.defineProperty(broker, 'answersMayOvertake', { value: true });
  const store = new MemoryChannelStore(clock, () => {});
  const server = new TestNode({ clock, seams: { broker, store } });
  return { server, broker, store };
}

function message(frame: string, position: number, more: Partial<BrokerMessage> = {}): BrokerMessage {
  return { appId: '3', channel: ROOM, frame, position, ...more };
}

function changed(change: MemberChange['change'], userId: string, position: number): BrokerMessage {
  const encode = change === 'added' ? encodeMemberAdded : encodeMemberRemoved;
  return message(encode(ROOM, member(userId)), position, { member: { change, member: member(userId) } });
}

function idsIn(frame = '{}'): unknown {
  return JSON.parse(JSON.parse(frame).data ?? '{}').presence?.ids;
}

describe('an answer that overtakes messages', () => {
  test('makes a join wait for them, so that no member is missed or told twice', async () => {
    const { server, store } = createServer();
    const client = server.connect();
    vi.spyOn(store, 'join').mockResolvedValueOnce({
      outcome: 'joined',
      members: [member('ann'), member('bob')],
      position: 5,
    });
    client.subscribe(ROOM, '{"user_id":"bob"}');
    await setImmediate();
    expect(client.take()).toEqual([]);
    server.node.deliver(changed('added', 'ann', 4));
    await setImmediate();
    expect(client.take()).toEqual([]);
    server.node.deliver(changed('added', 'bob', 5));
    server.node.deliver(changed('added', 'cid', 6));
    await setImmediate();
    expect(client.take().map(idsIn)).toEqual([['ann', 'bob', 'cid']]);
    server.node.deliver(changed('removed', 'ann', 7));
    expect(client.take()).toEqual([encodeMemberRemoved(ROOM, member('ann'))]);
  });

  test('is completed by messages that overtook it', async () => {
    const { server, store } = createServer();
    const client = server.connect();
    let answer: (join: Awaited<ReturnType<typeof store.join>>) => void = () => {};
    vi.spyOn(store, 'join').mockReturnValueOnce(
      new Promise((resolve) => {
        answer = resolve;
      }) as never,
    );
    client.subscribe(ROOM, '{"user_id":"bob"}');
    server.node.deliver(changed('added', 'bob', 5));
    server.node.deliver(changed('removed', 'ann', 6));
    answer({ outcome: 'joined', members: [member('ann'), member('bob')], position: 5 });
    await setImmediate();
    expect(client.take().map(idsIn)).toEqual([['bob']]);
  });

  test.for([
    ['the event that came meanwhile', 3, 4, 'newer'],
    ['the answer, when it knows the later event', 4, 3, 'answered'],
  ] as const)('begins a cache channel with %s', async ([, answered, delivered, expected]) => {
    const { server, broker } = createServer();
    const client = server.connect();
    let answer: (last: { frame: string; remainingSeconds: number; position: number }) => void = () => {};
    vi.spyOn(broker, 'lastEvent').mockReturnValueOnce(
      new Promise((resolve) => {
        answer = resolve;
      }) as never,
    );
    client.subscribe('cache-x');
    server.node.deliver(message('newer', delivered, { channel: 'cache-x', keepSeconds: 60 }));
    answer({ frame: 'answered', remainingSeconds: 60, position: answered });
    await setImmediate();
    server.node.deliver(message('filler', 9, { channel: 'cache-x' }));
    await setImmediate();
    expect(client.take()[1]).toBe(expected);
  });
});

test('begins a reader that wants the last event of a name with the one that came meanwhile, not with another', async () => {
  const { server, broker } = createServer();
  const client = server.connect();
  let answer: (last: { frame: string; remainingSeconds: number; position: number }) => void = () => {};
  const asked = vi.spyOn(broker, 'lastEvent').mockReturnValueOnce(
    new Promise((resolve) => {
      answer = resolve;
    }) as never,
  );
  const request = { channel: 'news', auth: undefined, channelData: undefined, wantsLast: 'metrics' };
  const subscribed = subscribe(server.node, client.connection as Connection, request);
  await setImmediate();
  const kept = (name: string) => ({ keepNamed: { name, seconds: 60 }, channel: 'news' });
  server.node.deliver(message('newer', 4, kept('metrics')));
  server.node.deliver(message('other', 5, kept('alert')));
  answer({ frame: 'answered', remainingSeconds: 60, position: 3 });
  await subscribed;
  expect(asked).toHaveBeenCalledWith('3', 'news', 'metrics');
  expect(client.take()[1]).toBe('newer');
});

describe('messages that were missed', () => {
  test('end the connections of their channel with 4200, bit by bit, and no other', async () => {
    const { server } = createServer();
    const clients = Array.from({ length: 25 }, () => server.connect());
    const other = server.connect();
    for (const client of clients) client.subscribe('news');
    server.node.missed('3', 'news', 8);
    server.node.missed('3', 'elsewhere', 8);
    const ended = (): number => clients.filter(({ closedWith }) => closedWith?.code === 4200).length;
    expect(ended()).toBe(0);
    server.clock.advance(0);
    expect(ended()).toBe(10);
    server.clock.advance(100);
    expect(ended()).toBe(20);
    server.clock.advance(100);
    expect(ended()).toBe(25);
    expect(other.closedWith).toBe(undefined);
    await server.node.close();
    expect(server.clock.pending).toBe(0);
  });

  test('do not keep a join waiting', async () => {
    const { server, store } = createServer();
    const client = server.connect();
    vi.spyOn(store, 'join').mockResolvedValueOnce({ outcome: 'joined', members: [member('bob')], position: 5 });
    client.subscribe(ROOM, '{"user_id":"bob"}');
    await setImmediate();
    server.node.missed('3', ROOM, 5);
    await setImmediate();
    expect(client.take().map(idsIn)).toEqual([['bob']]);
  });

  // A member event that was lost in a cut kept all corrections and later joins of its channel waiting for it, for ever.
  test('do not keep a roster from being put right', async () => {
    const { server, store } = createServer();
    const client = server.connect();
    vi.spyOn(store, 'join').mockResolvedValueOnce({ outcome: 'joined', members: [member('bob')], position: 0 });
    client.subscribe(ROOM, '{"user_id":"bob"}');
    await setImmediate();
    client.take();
    vi.spyOn(store, 'members').mockResolvedValueOnce({ members: [member('bob'), member('cid')], position: 5 } as never);
    server.node.skipped('3', ROOM, 5);
    await setImmediate();
    expect(client.take()).toEqual([encodeMemberAdded(ROOM, member('cid'))]);
    expect(client.closedWith).toBe(undefined);
  });

  test('that told of members are made good from the store', async () => {
    const { server, store } = createServer();
    const client = server.connect();
    vi.spyOn(store, 'join').mockResolvedValueOnce({
      outcome: 'joined',
      members: [member('ann'), member('bob')],
      position: 0,
    });
    client.subscribe(ROOM, '{"user_id":"bob"}');
    await setImmediate();
    client.take();
    vi.spyOn(store, 'members').mockResolvedValueOnce({ members: [member('bob'), member('cid')], position: 0 } as never);
    server.node.correctRosters();
    await setImmediate();
    expect(client.take()).toEqual([encodeMemberRemoved(ROOM, member('ann')), encodeMemberAdded(ROOM, member('cid'))]);
    expect(server.failures).toEqual([]);
  });
});
