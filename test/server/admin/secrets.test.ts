import { afterEach, expect, test } from 'vitest';
import { APP } from '../../support/broker.ts';
import { type AdminBroker, startAdminBroker } from './admin-broker.ts';

let broker: AdminBroker;
afterEach(() => broker.stop());

const PLACEHOLDERS = ['app-secret', `\${SECRET}`, '{{ secret }}', 'development-secret-do-not-deploy'];

test('secrets of tokens below the minimum are refused in whatever way they come', async () => {
  broker = await startAdminBroker();
  for (const secret of ['x', 'h'.repeat(31)]) {
    const auth = { jwt: { keys: [{ secret: 'h'.repeat(32) }, { secret }] } };
    for (const answer of [
      await broker.api('POST', '/apps', { id: 'new', auth }),
      await broker.api('PATCH', `/apps/${APP.id}`, { auth }),
    ]) {
      expect(answer).toMatchObject({ status: 400, body: { error: 'invalid-app' } });
      expect(answer.body.problems).toEqual([
        { path: '/auth/jwt/keys/1/secret', message: expect.stringContaining('has fewer than 32 characters') },
      ]);
    }
  }
});

test('secrets that everybody knows are refused where others reach the broker', async () => {
  broker = await startAdminBroker({ settings: { host: '0.0.0.0' } });
  for (const secret of PLACEHOLDERS) {
    const problem = { message: expect.stringContaining('openssl rand') };
    for (const [answer, path] of [
      [await broker.api('POST', '/apps', { id: 'new', secret }), '/secret'],
      [
        await broker.api('POST', '/apps', {
          keys: [
            { key: 'k', secret: 'good' },
            { key: 'l', secret },
          ],
        }),
        '/keys/1/secret',
      ],
      [await broker.api('PATCH', `/apps/${APP.id}`, { secret }), '/secret'],
      [await broker.api('POST', `/apps/${APP.id}/keys`, { secret }), '/secret'],
    ] as const) {
      expect([answer.status, answer.body.problems]).toEqual([400, [{ path, ...problem }]]);
    }
  }
  expect((await broker.api('POST', '/apps', { id: 'new', secret: 'made by somebody' })).status).toBe(201);
});

test('secrets that everybody knows are for development on loopback', async () => {
  broker = await startAdminBroker();
  for (const secret of PLACEHOLDERS) {
    expect((await broker.api('POST', '/apps', { secret })).status).toBe(201);
    expect((await broker.api('POST', `/apps/${APP.id}/keys`, { secret })).status).toBe(201);
  }
});

test('what is secret in the URL of keys for tokens is not shown', async () => {
  broker = await startAdminBroker();
  const jwksUrl = 'https://user:hush@issuer.example/keys?p=hush&token=hush#hush';
  expect((await broker.api('POST', '/apps', { id: 'new', auth: { jwt: { jwksUrl } } })).status).toBe(201);
  for (const path of ['/apps', '/apps/new']) {
    const { text } = await broker.api('GET', path);
    expect(text).toContain('https://issuer.example/keys?p=•••&token=•••');
    expect(text).not.toContain('hush');
  }
});
