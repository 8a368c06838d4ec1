import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../../server/clock.ts';
import type { LiveBatch, LiveFact, LiveFigures, LiveType } from '../../../server/console/contract.ts';
import { WorkerHost } from '../../../server/workers/host.ts';
import { call, trigger } from '../../support/api-client.ts';
import { APP, FULL_APP } from '../../support/broker.ts';
import { RawClient } from '../../support/raw-client.ts';
import { StreamReader } from '../../support/stream-reader.ts';
import { until } from '../../support/until.ts';
import { type AdminBroker, startAdminBroker } from '../admin/admin-broker.ts';
import { JoinedWorker } from '../workers/join-workers.ts';

const OTHER = { ...FULL_APP, id: 'other', key: 'other-key', secret: 'other-secret' };
const BOARD = { name: 'board', token: 'token-of-the-board-0123', apps: [APP.id] };

let here: AdminBroker;
let there: AdminBroker;
const streams: StreamReader[] = [];
beforeAll(async () => {
  const host = new WorkerHost(systemClock);
  const start = (settings: Record<string, unknown> = {}): Promise<AdminBroker> =>
    startAdminBroker({
      settings,
      apps: [FULL_APP, OTHER],
      server: async () => ({ createSeams: () => new JoinedWorker(host).seams }),
    });
  here = await start();
  there = await start({ 'admin.tokens': [BOARD] });
});
afterEach(async () => {
  for (const { response } of streams.splice(0)) response.destroy();
  await until(() => !isWatched(here) && !isWatched(there));
});
afterAll(() => Promise.all([here.stop(), there.stop()]));

function isWatched({ server }: AdminBroker): boolean {
  return server.node.observer.delivered !== undefined;
}

class LiveReader {
  readonly #reader: StreamReader;
  readonly facts: LiveFact[] = [];
  skipped = 0;

  constructor(reader: StreamReader) {
    this.#reader = reader;
  }

  /** Opens a stream, and waits until both nodes tell it. */
  static async open(query = '', broker = here, headers = {}): Promise<LiveReader> {
    const stream = await StreamReader.ask(`${broker.adminUrl}/live${query}`, headers);
    streams.push(stream);
    const reader = new LiveReader(stream);
    await reader.figures(({ nodes }) => nodes.length === 2);
    return reader;
  }

  async figures(fits: (figures: LiveFigures) => boolean): Promise<LiveFigures> {
    for (;;) {
      const { event, data = '' } = await this.#reader.nextEvent();
      this.#note(event, data);
      const figures = event === 'figures' ? (JSON.parse(data) as LiveFigures) : undefined;
      if (figures && fits(figures)) return figures;
    }
  }

  async fact(type: LiveType): Promise<LiveFact> {
    for (;;) {
      const at = this.facts.findIndex((fact) => fact.type === type);
      const [found] = at < 0 ? [] : this.facts.splice(at, 1);
      if (found) return found;
      const { event, data = '' } = await this.#reader.nextEvent();
      this.#note(event, data);
    }
  }

  async untilSkipped(): Promise<number> {
    while (this.skipped === 0) {
      const { event, data = '' } = await this.#reader.nextEvent();
      this.#note(event, data);
    }
    return this.skipped;
  }

  #note(event: string | undefined, data: string): void {
    if (event === 'happened') this.facts.push(...(JSON.parse(data) as LiveBatch).facts);
    if (event === 'skipped') this.skipped += JSON.parse(data).count;
  }
}

describe('the live log', () => {
  test('shows what happens on every node, whichever is asked', async () => {
    const log = await LiveReader.open();
    const client = await RawClient.connect(there.wsUrl);
    const connected = await log.fact('connected');
    expect(connected).toMatchObject({ app: APP.id, ip: '127.0.0.1', node: there.server.node.questions.nodeId });
    await client.subscribed('news');
    expect(await log.fact('subscribed')).toMatchObject({ socket: connected.socket, channel: 'news', receivers: 1 });
    await trigger(here.url, { name: 'sold', channel: 'news', data: '{"price":1}' });
    expect(await log.fact('published')).toMatchObject({
      node: here.server.node.questions.nodeId,
      channel: 'news',
      event: 'sold',
      data: '{"price":1}',
      bytes: 11,
    });
    client.send({ event: 'pusher:subscribe', data: { channel: 'private-x', auth: 'none' } });
    expect(await log.fact('subscription-refused')).toMatchObject({ channel: 'private-x', cause: 'auth-format' });
    client.ws.close();
    expect(await log.fact('unsubscribed')).toMatchObject({ channel: 'news', socket: connected.socket });
    expect(await log.fact('disconnected')).toMatchObject({ socket: connected.socket, code: 1005 });
    await trigger(here.url, { name: 'x'.repeat(300), channel: 'news', data: '' });
    expect(await log.fact('publish-refused')).toMatchObject({ app: APP.id, code: 400, cause: 'invalid-event-name' });
    await new RawClient(`${there.wsUrl}/app/nobody?protocol=7`).closed();
    expect(await log.fact('refused')).toMatchObject({ cause: 'unknown-app', code: 4001 });
  });

  test('shows who changed something', async () => {
    const log = await LiveReader.open('?type=audit');
    await here.api('POST', `/apps/${APP.id}/purge`);
    expect(await log.fact('audit')).toMatchObject({
      app: APP.id,
      who: 'this machine',
      what: `POST /apps/${APP.id}/purge`,
      ip: '127.0.0.1',
    });
  });

  test('shows what meets all of a filter', async () => {
    const log = await LiveReader.open('?app=12345&type=published&channel=news-*&event=sold&text=WANTED');
    const data = 'this is wanted';
    for (const [url, body, app] of [
      [here.url, { name: 'sold', channel: 'news-1', data: 'other' }, APP],
      [here.url, { name: 'bought', channel: 'news-1', data }, APP],
      [here.url, { name: 'sold', channel: 'olds-1', data }, APP],
      [here.url, { name: 'sold', channel: 'news-1', data }, OTHER],
      [there.url, { name: 'sold', channels: ['olds-1', 'news-2'], data }, APP],
    ] as const) {
      await trigger(url, body, { app });
    }
    expect(await log.fact('published')).toMatchObject({ channels: ['olds-1', 'news-2'], app: APP.id });
    expect(log.facts).toEqual([]);
  });

  test('of a token for some apps shows nothing of others', async () => {
    const headers = { Authorization: `Bearer ${BOARD.token}` };
    const log = await LiveReader.open('', there, headers);
    await trigger(here.url, { name: 'sold', channel: 'a', data: '' }, { app: OTHER });
    await here.api('POST', '/purge');
    await trigger(here.url, { name: 'sold', channel: 'b', data: '' });
    expect(await log.fact('published')).toMatchObject({ app: APP.id, channel: 'b' });
    expect(log.facts).toEqual([]);
    const refused = await there.api('GET', '/live?app=other', undefined, headers);
    expect([refused.status, refused.body.error]).toEqual([404, 'unknown-app']);
    const nodes = await there.api('GET', '/nodes', undefined, headers);
    expect((nodes.body.nodes as unknown[]).length).toBe(2);
  });

  test('counts what is too much, and goes on', async () => {
    const log = await LiveReader.open('?type=published');
    const body = { batch: Array.from({ length: 10 }, () => ({ name: 'flood', channel: 'flood', data: '' })) };
    await Promise.all(
      Array.from({ length: 60 }, () => call(here.url, 'POST', `/apps/${APP.id}/batch_events`, { body })),
    );
    expect(await log.untilSkipped()).toBeGreaterThan(0);
    await trigger(there.url, { name: 'after', channel: 'flood', data: '' });
    let fact: LiveFact;
    do fact = await log.fact('published');
    while (fact.event !== 'after');
  });

  test('has figures of each node', async () => {
    const client = await RawClient.connect(there.wsUrl);
    await client.subscribed('news');
    const log = await LiveReader.open();
    const node = there.server.node.questions.nodeId;
    const { nodes } = await log.figures((figures) => figures.nodes.some(({ figures: own }) => own?.perSecond));
    expect(nodes.find(({ id }) => id === node)).toMatchObject({
      state: 'ready',
      pid: process.pid,
      figures: { connections: 1, channels: 1, subscriptions: 1, redis: null, certificateExpires: null },
    });
    client.ws.close();
  });

  // Cause: an observer that is always there has facts built for it. Symptom: each event costs more, though nobody looks.
  test('has no observer as long as nobody looks', async () => {
    const { node } = there.server;
    const before = node.observer;
    expect(node.observer.published).toBeUndefined();
    expect(node.observer.delivered).toBeUndefined();
    const log = await LiveReader.open('?type=subscribed');
    expect(node.observer.delivered).toBeDefined();
    expect(node.observer.clientEvent).toBeDefined();
    expect(node.observer.cacheMissed).toBeUndefined();
    for (const { response } of streams) response.destroy();
    await until(() => node.observer === before);
    expect(log.facts).toEqual([]);
  });

  test.for(['?type=nothing', '?channel={x', '?app=', '?unknown=1', '?type=published&type=audit'])(
    'refuses a filter that is none: %s',
    async (query) => {
      expect((await here.api('GET', `/live${query}`)).body.error).toBe('invalid-request');
    },
  );
});

test('the list of nodes has each of them', async () => {
  const { body } = await here.api('GET', '/nodes');
  const ids = (body.nodes as { id: string }[]).map(({ id }) => id);
  expect(ids.sort()).toEqual([here, there].map(({ server }) => server.node.questions.nodeId).sort());
});
