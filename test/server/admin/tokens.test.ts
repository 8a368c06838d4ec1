import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { APP, FULL_APP } from '../../support/broker.ts';
import { type AdminAnswer, type AdminBroker, startAdminBroker } from './admin-broker.ts';

const OTHER = {
  ...FULL_APP,
  id: 'other',
  key: 'other-key',
  secret: 'other-secret',
  feeds: [{ path: '/other', channel: 'news' }],
};
const TOKENS = {
  everything: { name: 'Ada', token: 'token-of-ada-0123456789', access: 'all' },
  looker: { name: 'grafana', token: 'token-of-grafana-012345' },
  ofOneApp: { name: 'shop team', token: 'token-of-the-shop-team', access: 'all', apps: [APP.id] },
  lookerOfOneApp: { name: 'shop board', token: 'token-of-the-shop-board', access: 'read', apps: [APP.id] },
} as const;

let broker: AdminBroker;
beforeAll(async () => {
  broker = await startAdminBroker({
    settings: { 'admin.token': 'token-of-the-administrator', 'admin.tokens': Object.values(TOKENS) },
    apps: [FULL_APP, OTHER],
  });
});
afterAll(() => broker.stop());

function as(who: keyof typeof TOKENS, method: string, path: string, body?: unknown): Promise<AdminAnswer> {
  return broker.api(method, path, body, { Authorization: `Bearer ${TOKENS[who].token}` });
}

describe('of several tokens', () => {
  test('each may do what the settings say, and admin.token everything', async () => {
    expect((await as('everything', 'POST', '/purge')).status).toBe(200);
    expect((await as('looker', 'GET', '/apps')).status).toBe(200);
    const administrator = { Authorization: 'Bearer token-of-the-administrator' };
    expect((await broker.api('POST', '/purge', undefined, administrator)).status).toBe(200);
    const wrong = await broker.api('GET', '/apps', undefined, { Authorization: 'Bearer token-of-nobody-at-all' });
    expect(wrong.body).toEqual({
      error: 'unauthorized',
      message: 'Wrong token: it must be that of admin.token, or one of admin.tokens',
    });
  });

  test('one that may look changes nothing', async () => {
    const document = (await as('looker', 'GET', '/openapi.json')).body;
    const paths = document.paths as Record<string, Record<string, unknown>>;
    const changes = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).flatMap((method) =>
        method === 'get' || path === '/console/session' ? [] : [[method, path]],
      ),
    );
    expect(changes.length).toBeGreaterThan(12);
    for (const [method = '', path = ''] of changes) {
      const answer = await as('looker', method.toUpperCase(), path.replace('{id}', APP.id).replace(/\{\w+\}/g, 'x'));
      expect([method, path, answer.status, answer.body.error]).toEqual([method, path, 403, 'read-only']);
    }
    expect((await as('looker', 'GET', `/apps/${APP.id}`)).body).toMatchObject({ enabled: true });
  });

  test('one that is for an app sees that one, and no trace of others', async () => {
    const { body } = await as('lookerOfOneApp', 'GET', '/apps');
    expect((body.apps as { id: string }[]).map(({ id }) => id)).toEqual([APP.id]);
    expect((await as('lookerOfOneApp', 'GET', `/apps/${APP.id}/usage`)).status).toBe(200);
    const hidden = await as('lookerOfOneApp', 'GET', '/apps/other');
    const missing = await as('lookerOfOneApp', 'GET', '/apps/othex');
    expect([hidden.status, hidden.body.error]).toEqual([404, 'unknown-app']);
    expect(hidden.text.replaceAll('other', 'othex')).toBe(missing.text);
    expect((await as('ofOneApp', 'DELETE', '/apps/other')).status).toBe(404);
    expect((await as('ofOneApp', 'POST', `/apps/${APP.id}/purge`)).status).toBe(200);
  });

  // A key or a path of a feed that another app has was refused with that app's id.
  test('one that is for an app is not told which other app has what it wants', async () => {
    const key = { key: OTHER.key, secret: 'a-secret-of-its-own' };
    const add = (who: keyof typeof TOKENS) => as(who, 'POST', `/apps/${APP.id}/keys`, key);
    expect((await add('everything')).body.message).toBe('The key other-key is taken by the app other.');
    const hidden = await add('ofOneApp');
    expect([hidden.status, hidden.body.error]).toEqual([409, 'app-conflict']);
    expect(hidden.body.message).toBe('The key other-key is taken by another app.');
    const feeds = [{ path: '/other', channel: 'news' }];
    const path = await as('ofOneApp', 'PATCH', `/apps/${APP.id}`, { feeds });
    expect([path.status, path.body.message]).toEqual([409, 'The path /other is taken by a feed of another app.']);
  });

  test('one that is for an app does nothing that concerns others', async () => {
    for (const [method, path] of [
      ['POST', '/apps'],
      ['POST', '/purge'],
    ] as const) {
      const answer = await as('ofOneApp', method, path);
      expect([path, answer.status, answer.body.error]).toEqual([path, 403, 'other-apps']);
    }
  });

  test('each change is one line of the log, with who made it; what was refused is none', async () => {
    const before = broker.log.length;
    await as('ofOneApp', 'PATCH', `/apps/${APP.id}`, { name: 'shop' });
    await as('looker', 'PATCH', `/apps/${APP.id}`, { name: 'shop' });
    await as('ofOneApp', 'PATCH', `/apps/${APP.id}`, { nam: 'shop' });
    await as('ofOneApp', 'GET', `/apps/${APP.id}`);
    const lines = broker.log.slice(before).flatMap(({ audit }) => (audit ? [audit] : []));
    expect(lines).toEqual([{ who: 'shop team', what: `PATCH /apps/${APP.id}`, app: APP.id, from: '127.0.0.1' }]);
  });

  test('no page of elsewhere makes a change with one', async () => {
    const Authorization = `Bearer ${TOKENS.everything.token}`;
    for (const headers of [{ Origin: 'https://evil.example' }, { Origin: 'null' }, { 'Sec-Fetch-Site': 'same-site' }]) {
      const answer = await broker.api('POST', '/purge', undefined, { Authorization, ...headers });
      expect([answer.status, answer.body.error]).toEqual([403, 'foreign-origin']);
    }
  });
});
