import { once } from 'node:events';
import { get } from 'node:http';
import pino from 'pino';
import { SeamUnavailable } from '../../../channels/broker.ts';
import { AdminServer } from '../../../server/admin/admin-server.ts';
import { nodeFleet } from '../../../server/admin/fleet.ts';
import { EventStream } from '../../../server/admin/other-answers.ts';
import type { AdminRoute } from '../../../server/admin/route.ts';
import { createConsoleFileRoutes } from '../../../server/console/console-files.ts';
import { APP } from '../../support/broker.ts';
import { type AdminAnswer, type AdminBroker, callAdmin, startAdminBroker } from '../admin/admin-broker.ts';
import type { Row } from './errors-broker.ts';

type Send = (broker: AdminBroker) => Promise<AdminAnswer>;

/** What every refused request of the admin API gets: JSON with the id and a text of some use. */
function row(id: string, send: Send, settings: Record<string, unknown> = {}): Row {
  return {
    kind: 'AdminError',
    id,
    raise: async () => {
      const broker = await startAdminBroker({ settings });
      try {
        const { status, body, text } = await send(broker);
        if (String(body.message).length < 20) throw new Error(`no useful text: ${text}`);
        return { id: String(body.error), code: String(status) };
      } finally {
        await broker.stop();
      }
    },
  };
}

const app = `/apps/${APP.id}`;

/** Asks for the usage while the store fails with this. */
const failing =
  (error: Error): Send =>
  async (broker) => {
    broker.server.node.store.connectionCount = () => Promise.reject(error);
    return broker.api('GET', `${app}/usage`);
  };

const BOARD = {
  'admin.tokens': [
    { name: 'board', token: 'token-of-the-board' },
    { name: 'team', token: 'token-of-the-team', access: 'all', apps: [APP.id] },
  ],
};
const AS_BOARD = { Authorization: 'Bearer token-of-the-board' };
const AS_TEAM = { Authorization: 'Bearer token-of-the-team' };

/** Asks a server that has these routes, too. */
async function withRoutes(
  { listed, server: node }: AdminBroker,
  routes: readonly AdminRoute[],
  ask: (url: string) => Promise<AdminAnswer>,
): Promise<AdminAnswer> {
  const parts = { registry: listed, fleet: nodeFleet(node), token: '', isExposed: false, version: '1', routes };
  const server = new AdminServer({ ...parts, log: pino({ level: 'silent' }) });
  const answer = await ask(`http://127.0.0.1:${await server.listen('127.0.0.1', 0)}`);
  await server.stop();
  return answer;
}

const STREAM: AdminRoute = {
  method: 'GET',
  path: '/stream',
  summary: 'never ends',
  run: async () => new EventStream(() => () => {}),
};

export const ADMIN_ERRORS: readonly Row[] = [
  row('invalid-app', ({ api }) => api('POST', '/apps', { maxConnections: 'many' })),
  row('invalid-json', ({ api }) => api('POST', '/apps', '{')),
  row('invalid-request', ({ api }) => api('GET', '/apps?limit=0')),
  row('unauthorized', ({ api }) => api('GET', '/apps'), { 'admin.token': '0123456789abcdef' }),
  row('foreign-host', ({ api }) => api('GET', '/apps', undefined, { Host: 'evil.example' })),
  row('foreign-origin', ({ api }) => api('GET', '/apps', undefined, { Origin: 'https://evil.example' })),
  row('header-missing', async ({ adminUrl }) => {
    const answer = await fetch(`${adminUrl}/purge`, { method: 'POST' });
    const text = await answer.text();
    return { status: answer.status, headers: {}, text, body: JSON.parse(text) };
  }),
  row('read-only', ({ api }) => api('POST', '/purge', undefined, AS_BOARD), BOARD),
  row('other-apps', ({ api }) => api('POST', '/apps', undefined, AS_TEAM), BOARD),
  row(
    'too-many-attempts',
    async ({ api }) => {
      const guess = (): Promise<AdminAnswer> => api('POST', '/console/session', { token: 'wrong' });
      for (let attempt = 0; attempt < 10; attempt += 1) await guess();
      return guess();
    },
    BOARD,
  ),
  row('not-found', ({ api }) => api('GET', '/nothing')),
  row('unknown-app', ({ api }) => api('GET', '/apps/nobody')),
  row('unknown-key', ({ api }) => api('DELETE', `${app}/keys/nobody`)),
  row('unknown-webhook', ({ api }) => api('GET', `${app}/dead-letters/nothing`)),
  row('unknown-dead-letter', async ({ api }) => {
    await api('PATCH', app, { webhooks: [{ url: 'http://127.0.0.1:1/', event_types: ['cache_miss'] }] });
    const { body } = await api('GET', `${app}/webhooks`);
    const [{ id }] = body.webhooks as [{ id: string }];
    return api('GET', `${app}/dead-letters/${id}/nothing`);
  }),
  row('unknown-file', ({ api }) => api('GET', '/console/assets/none.js')),
  row('console-not-built', (broker) => {
    const routes = createConsoleFileRoutes(new URL('none/', import.meta.url));
    return withRoutes(
      broker,
      routes.map((route) => ({ ...route, path: `/other${route.path}` })),
      (url) => callAdmin(url, 'GET', '/other/console'),
    );
  }),
  row('too-many-streams', (broker) =>
    withRoutes(broker, [STREAM], async (url) => {
      const open = (): Promise<unknown> => once(get(`${url}/stream`, { agent: false }), 'response');
      await Promise.all(Array.from({ length: 32 }, open));
      return callAdmin(url, 'GET', '/stream');
    }),
  ),
  row('unknown-socket', ({ api }) => api('GET', `${app}/connections/1.2`)),
  row('not-in-channel', ({ api }) => api('POST', `${app}/connections/1.2/unsubscribe`, { channel: 'news' })),
  row('method-not-allowed', ({ api }) => api('PUT', '/apps')),
  row('app-conflict', ({ api }) => api('POST', '/apps', { id: APP.id })),
  row('apps-read-only', async ({ api, listed, config: { settings } }) => {
    // As with Redis, which this test does without.
    await listed.replaceListed({ ...settings, adapter: { ...settings.adapter, driver: 'redis' } });
    return api('DELETE', app);
  }),
  row('webhook-removed', async ({ api, server }) => {
    const event = { name: 'cache_miss', channel: 'a' } as const;
    const letter = { id: '1', appId: APP.id, webhookId: 'former', url: '', event, timeMs: 0, attempts: 1, error: '' };
    await server.node.outbox.bury([{ ...letter, buriedMs: Date.now() }], { max: 1, maxAgeMs: 60_000 });
    return api('POST', `${app}/dead-letters/former`);
  }),
  row('last-key', ({ api }) => api('DELETE', `${app}/keys/${APP.key}`)),
  row('body-too-large', ({ api }) => api('POST', '/apps', ' '.repeat(1_048_577))),
  row('unsupported-content-type', ({ api }) => api('POST', '/apps', 'id=1', { 'Content-Type': 'text/plain' })),
  row('internal-error', failing(new Error('a bug'))),
  row('unavailable', failing(new SeamUnavailable('Redis is away'))),
];
