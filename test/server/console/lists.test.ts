import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../../server/clock.ts';
import type { ChannelPage, ConnectionDetail, ConnectionPage } from '../../../server/console/contract.ts';
import { WorkerHost } from '../../../server/workers/host.ts';
import { trigger } from '../../support/api-client.ts';
import { APP } from '../../support/broker.ts';
import { RawClient } from '../../support/raw-client.ts';
import { type AdminAnswer, type AdminBroker, startAdminBroker } from '../admin/admin-broker.ts';
import { JoinedWorker } from '../workers/join-workers.ts';

const OTHER = { id: 'other', key: 'other-key', secret: 'other-secret' };
const app = `/apps/${APP.id}`;

let here: AdminBroker;
let there: AdminBroker;
beforeAll(async () => {
  const host = new WorkerHost(systemClock);
  const start = (): Promise<AdminBroker> =>
    startAdminBroker({
      apps: [APP, OTHER],
      server: async () => ({ createSeams: () => new JoinedWorker(host).seams }),
    });
  here = await start();
  there = await start();
});
afterAll(() => Promise.all([here.stop(), there.stop()]));

async function connect(broker: AdminBroker, channels: readonly string[], origin?: string): Promise<RawClient> {
  const client = await RawClient.connect(broker.wsUrl, origin === undefined ? {} : { origin });
  for (const channel of channels) await client.subscribed(channel);
  return client;
}

async function get<T>(path: string): Promise<T> {
  const { status, body, text } = await here.api('GET', path);
  if (status !== 200) throw new Error(text);
  return body as T;
}

describe('channels', () => {
  test('are listed over all nodes by name, kind and page', async () => {
    const clients = [
      await connect(here, ['list-a', 'list-b', 'private-list']),
      await connect(there, ['list-a', 'list-c']),
    ];
    const all = await get<ChannelPage>(`${app}/channels?prefix=list-`);
    expect(all).toEqual({
      channels: [
        { name: 'list-a', kind: 'public', subscriptions: 2, users: null },
        { name: 'list-b', kind: 'public', subscriptions: 1, users: null },
        { name: 'list-c', kind: 'public', subscriptions: 1, users: null },
      ],
      total: 3,
      next: null,
    });
    const first = await get<ChannelPage>(`${app}/channels?prefix=list-&limit=2`);
    expect([first.channels.map(({ name }) => name), first.total, first.next]).toEqual([
      ['list-a', 'list-b'],
      3,
      'list-b',
    ]);
    const second = await get<ChannelPage>(`${app}/channels?prefix=list-&limit=2&after=list-b`);
    expect([second.channels.map(({ name }) => name), second.next]).toEqual([['list-c'], null]);
    const kinds = await get<ChannelPage>(`${app}/channels?kind=private`);
    expect(kinds.channels).toEqual([{ name: 'private-list', kind: 'private', subscriptions: 1, users: null }]);
    for (const { ws } of clients) ws.close();
  });

  test('of presence show their members page by page', async () => {
    const clients = [here, there, here].map(async (broker, index) => {
      const client = await connect(broker, []);
      await client.subscribed('presence-room', JSON.stringify({ user_id: `user-${index}`, user_info: { n: index } }));
      return client;
    });
    const open = await Promise.all(clients);
    expect(await get(`${app}/channels/presence-room?limit=2`)).toEqual({
      name: 'presence-room',
      kind: 'presence',
      subscriptions: 3,
      users: 3,
      members: {
        members: [
          { id: 'user-0', info: '{"n":0}' },
          { id: 'user-1', info: '{"n":1}' },
        ],
        total: 3,
        next: 'user-1',
      },
      lastEvent: null,
      keepsLastEvent: false,
    });
    expect(await get(`${app}/channels/presence-room?limit=2&after=user-1`)).toMatchObject({
      members: { members: [{ id: 'user-2', info: '{"n":2}' }], total: 3, next: null },
    });
    for (const { ws } of open) ws.close();
  });

  test('that keep their last event show it', async () => {
    await trigger(here.url, { name: 'price', channel: 'cache-prices', data: `{"text":"${'x'.repeat(5000)}"}` });
    const { lastEvent, keepsLastEvent, members } = await get<Record<string, unknown>>(`${app}/channels/cache-prices`);
    expect([keepsLastEvent, members]).toEqual([true, null]);
    expect(lastEvent).toMatchObject({ event: 'price', bytes: 5011, remainingSeconds: expect.any(Number) });
    expect((lastEvent as { data: string }).data).toHaveLength(4096);
  });
});

describe('events', () => {
  test('are published with the limits of the app, and tell who received them', async () => {
    const clients = [await connect(here, ['shop']), await connect(there, ['shop'])];
    const event = { name: 'sold', channels: ['shop', 'nobody'], data: { price: 1.0 }, info: 'receivers' };
    const sent = await here.api('POST', `${app}/events`, event);
    expect([sent.status, sent.body]).toEqual([
      200,
      {
        channels: {
          shop: { receivers: { connections: 2, nodes: 2 } },
          nobody: { receivers: { connections: 0, nodes: 0 } },
        },
      },
    ]);
    for (const client of clients) {
      expect(await client.next('sold')).toMatchObject({ channel: 'shop', data: '{"price":1}' });
      client.ws.close();
    }
    expect((await here.api('POST', `${app}/events`, { name: 'sold', channel: 'shop', data: '' })).body).toEqual({});
    for (const [body, error] of [
      [{ name: 'sold', channel: 'no spaces', data: '' }, 'invalid-channel'],
      [{ name: 'sold', channel: 'shop', data: 'x'.repeat(200_000) }, 'data-too-large'],
      [[], 'invalid-request'],
      [undefined, 'invalid-request'],
    ] as const) {
      expect((await here.api('POST', `${app}/events`, body)).body.error).toBe(error);
    }
    await here.api('POST', '/apps/other/disable');
    const disabled = await here.api('POST', '/apps/other/events', { name: 'sold', channel: 'shop', data: '' });
    expect([disabled.status, disabled.body.error]).toEqual([403, 'app-disabled']);
  });
});

describe('connections', () => {
  test('are listed over all nodes, by channel, user and socket id, page by page', async () => {
    const clients = [
      await connect(here, ['found', 'more'], 'https://page.example'),
      await connect(there, ['found']),
      await connect(there, []),
    ];
    const ids = clients.map(({ socketId }) => socketId).sort();
    const all = await get<ConnectionPage>(`${app}/connections`);
    expect(all.connections.map(({ socket }) => socket)).toEqual(ids);
    expect([all.total, all.next, all.silent]).toEqual([3, null, []]);
    expect(all.connections.find(({ socket }) => socket === clients[0]?.socketId)).toEqual({
      socket: clients[0]?.socketId,
      node: here.server.node.questions.nodeId,
      since: expect.stringMatching(/^20\d\d-.*Z$/),
      origin: 'https://page.example',
      user: null,
      subscriptions: 2,
      bufferedBytes: 0,
      readsFeed: false,
    });
    const inChannel = await get<ConnectionPage>(`${app}/connections?channel=found`);
    expect(inChannel.connections.map(({ socket }) => socket)).toEqual(
      [clients[0], clients[1]].map((client) => client?.socketId).sort(),
    );
    const pages: string[] = [];
    for (let after: string | null = ''; after !== null; ) {
      const page: ConnectionPage = await get(`${app}/connections?limit=1${after && `&after=${after}`}`);
      pages.push(...page.connections.map(({ socket }) => socket));
      after = page.next;
    }
    expect(pages).toEqual(ids);
    const one = await get<ConnectionPage>(`${app}/connections?socket=${ids[0]}`);
    expect([one.total, one.connections[0]?.socket]).toEqual([1, ids[0]]);
    expect((await get<ConnectionPage>(`${app}/connections?user=nobody`)).total).toBe(0);
    expect((await get<ConnectionPage>('/apps/other/connections')).total).toBe(0);
    for (const { ws } of clients) ws.close();
  });

  test('show their channels, who is signed in, and why they were last refused something', async () => {
    const client = await connect(there, ['news']);
    client.signIn('{"id":"ada"}');
    await client.next('pusher:signin_success');
    client.send({ event: 'pusher:subscribe', data: { channel: 'private-x', auth: 'none' } });
    await client.flush();
    const detail = await get<ConnectionDetail>(`${app}/connections/${client.socketId}`);
    expect(detail).toMatchObject({
      socket: client.socketId,
      user: 'ada',
      key: APP.key,
      channels: [{ name: 'news', kind: 'public', user: null }],
      lastRefusal: { cause: 'auth-format', channel: 'private-x' },
    });
    expect(JSON.stringify(detail)).not.toContain(APP.secret);
    client.ws.close();
  });

  test('are ended, and taken out of a channel, on whichever node they are', async () => {
    const client = await connect(there, ['news', 'olds']);
    const path = `${app}/connections/${client.socketId}`;
    const out = await here.api('POST', `${path}/unsubscribe`, { channel: 'news' });
    expect([out.status, out.body]).toEqual([200, { unsubscribed: true }]);
    expect(await client.next('pusher:subscription_error')).toMatchObject({ channel: 'news' });
    expect((await get<ConnectionDetail>(path)).channels.map(({ name }) => name)).toEqual(['olds']);
    expect((await here.api('POST', `${path}/unsubscribe`, { channel: 'news' })).body.error).toBe('not-in-channel');
    const ended = await here.api('POST', `${path}/disconnect`);
    expect([ended.status, ended.body]).toEqual([200, { disconnected: true }]);
    expect((await client.closed()).code).toBe(4009);
    for (const [method, what] of [
      ['GET', path],
      ['POST', `${path}/disconnect`],
      ['GET', `${app}/connections/__proto__`],
      ['GET', `${app}/connections/${'9'.repeat(1000)}`],
    ] as const) {
      expect((await here.api(method, what)).body.error).toBe('unknown-socket');
    }
  });

  test('of another app are none', async () => {
    const client = await connect(there, []);
    const answers: AdminAnswer[] = [
      await here.api('GET', `/apps/other/connections/${client.socketId}`),
      await here.api('POST', `/apps/other/connections/${client.socketId}/disconnect`),
    ];
    expect(answers.map(({ body }) => body.error)).toEqual(['unknown-socket', 'unknown-socket']);
    expect(await client.flush()).toEqual([]);
    client.ws.close();
  });

  test.for(['?limit=0', '?limit=501', '?socket=', '?channel[]=x', '?user=a&user=b', `?user=${'x'.repeat(301)}`])(
    'refuse a query that is none: %s',
    async (query) => {
      expect((await here.api('GET', `${app}/connections${query}`)).body.error).toBe('invalid-request');
    },
  );
});
