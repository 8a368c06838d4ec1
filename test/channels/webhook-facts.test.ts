import { describe, expect, test } from 'vitest';
import type { OutboxEntry } from '../../channels/outbox.ts';
import { encodeCacheMiss, encodeClientEvent } from '../../protocol/server-message.ts';
import type { Webhook, WebhookEventType } from '../../protocol/webhook.ts';
import { DelayedSeams } from '../support/delayed-seams.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { TestNode } from './test-node.ts';

const ANN = '{"user_id":"ann"}';

function webhook(...eventTypes: WebhookEventType[]): Webhook {
  return { id: 'w', url: 'http://localhost/', headers: {}, eventTypes, startsWith: [], endsWith: ['news', 'room'] };
}

function told({ outbox }: TestNode): OutboxEntry['event'][] {
  return outbox.read(0, '', 100).map(({ event }) => event);
}

describe('client_event', () => {
  const send = (server: TestNode): string => {
    const client = server.connect();
    client.subscribe('private-news');
    client.subscribe('private-other');
    client.subscribe('presence-room', ANN);
    client.send({ event: 'client-moved', channel: 'private-news', data: { x: 1 } });
    client.send({ event: 'client-moved', channel: 'private-other', data: '1' });
    client.send({ event: 'client-said', channel: 'presence-room', data: 'hello' });
    return client.socketId;
  };

  test('is told with its data as text, and with its sender on presence channels', () => {
    const server = new TestNode({ app: { webhooks: [webhook('client_event')] } });
    const socket_id = send(server);
    const [name, event] = ['client_event', 'client-moved'];
    expect(told(server)).toEqual([
      { name, event, channel: 'private-news', data: '{"x":1}', socket_id },
      { name, event: 'client-said', channel: 'presence-room', data: 'hello', socket_id, user_id: 'ann' },
    ]);
  });

  test('goes out as it is where no webhook wants it, and is not told when it was refused', () => {
    for (const app of [{}, { webhooks: [webhook('cache_miss')] }]) {
      const server = new TestNode({ app });
      const published: object[] = [];
      const { broker } = server.node;
      const publish = broker.publish.bind(broker);
      broker.publish = (message) => {
        if (message.frame.includes('client-')) published.push(message);
        return publish(message);
      };
      send(server);
      expect(told(server)).toEqual([]);
      expect(published).toHaveLength(3);
      for (const message of published) expect(message).toMatchObject({ webhookEvent: undefined });
    }
    const server = new TestNode({ app: { webhooks: [webhook('client_event')], enableClientMessages: false } });
    send(server);
    expect(told(server)).toEqual([]);
  });

  test('is taken off the message that subscribers receive', () => {
    const server = new TestNode({ app: { webhooks: [webhook('client_event')] } });
    const reader = server.connect();
    reader.subscribe('private-news');
    reader.take();
    send(server);
    expect(reader.take()).toEqual([encodeClientEvent('client-moved', 'private-news', '{"x":1}', undefined)]);
  });
});

describe('cache_miss', () => {
  test('is told once for many who find a channel empty, and not for one that has an event', () => {
    const server = new TestNode({ app: { webhooks: [webhook('cache_miss')] } });
    for (let count = 0; count < 3; count += 1) {
      const client = server.connect();
      client.subscribe('cache-news');
      expect(client.take()).toContain(encodeCacheMiss('cache-news'));
    }
    void server.node.broker.publish({ appId: '3', channel: 'cache-room', frame: '{}', keepSeconds: 10 });
    server.connect().subscribe('cache-room');
    server.connect().subscribe('cache-other');
    expect(told(server)).toEqual([{ name: 'cache_miss', channel: 'cache-news' }]);
  });
});

test('channels of users and what no webhook names are not told', () => {
  const server = new TestNode({ app: { webhooks: [webhook('channel_occupied'), webhook('member_added')] } });
  const client = server.connect();
  client.signIn('{"id":"news"}');
  client.subscribe('#server-to-user-news');
  client.subscribe('private-other');
  client.subscribe('presence-room', ANN);
  expect(told(server)).toEqual([
    { name: 'channel_occupied', channel: 'presence-room' },
    { name: 'member_added', channel: 'presence-room', user_id: 'ann' },
  ]);
});

describe('the first subscriber of a channel on a node', () => {
  const SUCCEEDED = '{"event":"pusher_internal:subscription_succeeded","channel":"private-news","data":"{}"}';

  function create(webhooks: readonly Webhook[]) {
    const seams = new DelayedSeams(new FakeClock());
    const server = new TestNode({ app: { webhooks }, seams });
    const clients = [server.connect(), server.connect()] as const;
    const asked = (): string[] => seams.calls.filter((call) => call.startsWith('store.occupy'));
    return { seams, server, clients, asked };
  }

  test('is answered once the channel is known to be occupied, and others at once', async () => {
    const { seams, clients, asked } = create([webhook('channel_vacated')]);
    const [first, second] = clients;
    seams.isSlow = true;
    first.subscribe('private-news');
    await seams.answer();
    expect(seams.pending.map(({ name }) => name)).toEqual(['store.occupy private-news']);
    expect(first.take()).toEqual([]);
    await seams.answer();
    expect(first.take()).toEqual([SUCCEEDED]);
    second.subscribe('private-news');
    expect(second.take()).toEqual([SUCCEEDED]);
    expect(asked()).toHaveLength(1);
  });

  test('is answered at once where no webhook wants to know, and in presence channels, whose members are the fact', () => {
    const { clients, asked } = create([webhook('member_added', 'cache_miss')]);
    clients[0].subscribe('private-news');
    expect(clients[0].take()).toEqual([SUCCEEDED]);
    const other = create([webhook('channel_occupied')]);
    other.clients[0].subscribe('presence-room', ANN);
    other.clients[0].subscribe('private-other');
    expect([...asked(), ...other.asked()]).toEqual([]);
  });

  test('who is gone before the answer leaves the channel empty', async () => {
    const { seams, server, clients } = create([webhook('channel_occupied')]);
    const counts: number[] = [];
    server.node.store.setSubscriptionCount = (_appId, _channel, count) => counts.push(count);
    seams.isSlow = true;
    clients[0].subscribe('private-news');
    await seams.answer();
    clients[0].vanish();
    await seams.answerAll();
    expect(counts).toEqual([0]);
    expect(server.node.channels.size).toBe(0);
  });

  test('who is refused by a store that can not be reached hears so, and the next one is asked for again', async () => {
    const { seams, clients, asked } = create([webhook('channel_occupied')]);
    seams.isSlow = true;
    clients[0].subscribe('private-news');
    await seams.answer();
    await seams.answer({ error: new Error('away') });
    expect(clients[0].take().join()).not.toContain('succeeded');
    seams.isSlow = false;
    clients[1].subscribe('private-news');
    expect(clients[1].take()).toEqual([SUCCEEDED]);
    expect(asked()).toHaveLength(2);
  });
});
