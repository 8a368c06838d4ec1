import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, test } from 'vitest';
import { type AdminBroker, startAdminBroker } from './admin-broker.ts';

const TOKEN = 'a-token-that-nobody-guesses';

let broker: AdminBroker | undefined;
afterEach(() => broker?.stop());

async function start(settings: Record<string, unknown> = {}): Promise<AdminBroker> {
  broker = await startAdminBroker({ settings });
  return broker;
}

describe('with a token', () => {
  test('every path answers 401 to a request without it, and tells nothing', async () => {
    const { api } = await start({ 'admin.token': TOKEN });
    for (const path of ['/', '/apps', '/apps/12345', '/openapi.json', '/nothing', '/%ff']) {
      const answer = await api('GET', path);
      expect(answer.status).toBe(401);
      expect(answer.headers['www-authenticate']).toBe('Bearer realm="kulkul admin"');
      expect(answer.body).toEqual({
        error: 'unauthorized',
        message: 'Send the token of admin.token as: Authorization: Bearer …',
      });
    }
    expect((await api('POST', '/apps', { id: 'x' })).status).toBe(401);
    const given = { Authorization: `Bearer ${TOKEN}` };
    expect((await api('GET', '/apps/x', undefined, given)).status).toBe(404);
  });

  test.for([
    `Bearer ${TOKEN}x`,
    `Bearer ${TOKEN.slice(0, -1)}`,
    'Bearer',
    'Bearer  ',
    TOKEN,
    `Basic ${TOKEN}`,
    `Bearer ${TOKEN} ${TOKEN}`,
    'Bearer 0',
  ])('"%s" is refused', async (authorization) => {
    const { api } = await start({ 'admin.token': TOKEN });
    const answer = await api('GET', '/apps', undefined, { Authorization: authorization });
    expect(answer.status).toBe(401);
    expect(answer.text).not.toContain(TOKEN);
  });

  test('it is enough for changes', async () => {
    const { api } = await start({ 'admin.token': TOKEN });
    const headers = { Authorization: `Bearer ${TOKEN}`, 'X-Kulkul-Admin': '' };
    expect((await api('POST', '/purge', undefined, headers)).status).toBe(200);
  });

  test('it opens the API under any name, as a proxy or another machine calls it', async () => {
    const { api } = await start({ 'admin.token': TOKEN });
    const headers = { Authorization: `bearer ${TOKEN}`, Host: 'broker.internal' };
    expect((await api('GET', '/apps', undefined, headers)).status).toBe(200);
  });

  test('it is in no log line', async () => {
    const { api, log } = await start({ 'admin.token': TOKEN });
    await api('GET', '/apps', undefined, { Authorization: `Bearer ${TOKEN}` });
    expect(log).toContainEqual(expect.objectContaining({ msg: 'admin API', token: 'required' }));
    expect(JSON.stringify(log)).not.toContain(TOKEN);
  });
});

describe('without a token', () => {
  test('programs on this machine are answered', async () => {
    const { api, adminUrl } = await start();
    const { port } = new URL(adminUrl);
    for (const Host of [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`, 'localhost']) {
      expect((await api('GET', '/apps', undefined, { Host })).status).toBe(200);
    }
  });

  test.for(['evil.example', 'evil.example:9601', '127.0.0.1.evil.example', 'localhost.evil.example:1', '10.0.0.1'])(
    'a name that a page had resolve to this machine is refused: "%s"',
    async (Host) => {
      const { api } = await start();
      const answer = await api('POST', '/apps', { id: 'x' }, { Host });
      expect(answer.status).toBe(403);
      expect(answer.body.error).toBe('foreign-host');
      expect(answer.body.message).toMatch(/^Without admin\.token this API answers to 127\.0\.0\.1, /);
      expect((await api('GET', '/apps/x')).status).toBe(404);
    },
  );

  test.for([
    { Origin: 'https://evil.example' },
    { Origin: 'null' },
    { Origin: 'http://127.0.0.1:3000' },
    { 'Sec-Fetch-Site': 'cross-site' },
    { 'Sec-Fetch-Site': 'same-site' },
  ])('what a browser sends for a page of elsewhere is refused: %o', async (headers) => {
    const { api } = await start();
    for (const [method, body] of [
      ['POST', { id: 'x' }],
      ['GET', undefined],
    ] as const) {
      const answer = await api(method, '/apps', body, headers);
      expect([answer.status, answer.body.error]).toEqual([403, 'foreign-origin']);
      expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    }
    expect((await api('OPTIONS', '/apps', undefined, headers)).status).toBe(403);
    expect((await api('GET', '/apps/x')).status).toBe(404);
  });

  // A page of the API's own origin, or one that hides its origin, could make changes.
  test('a change needs a header that no page can send, whoever makes it', async () => {
    const { api, adminUrl } = await start();
    const changes = [
      ['POST', '/apps', { id: 'x' }],
      ['POST', '/apps', undefined],
      ['PATCH', '/apps/12345', { name: 'x' }],
      ['DELETE', '/apps/12345', undefined],
      ['POST', '/apps/12345/disable', undefined],
      ['POST', '/apps/12345/keys', undefined],
      ['DELETE', '/apps/12345/channels/news/subscriptions', undefined],
      ['POST', '/purge', undefined],
      ['PUT', '/nothing', undefined],
    ] as const;
    for (const headers of [{}, { Origin: adminUrl, 'Sec-Fetch-Site': 'same-origin' }, { 'Sec-Fetch-Site': 'none' }]) {
      for (const [method, path, body] of changes) {
        const { status, body: answer } = await api(method, path, body, { ...headers, 'X-Kulkul-Admin': '' });
        expect([method, path, status, answer.error]).toEqual([method, path, 403, 'header-missing']);
      }
    }
    expect((await api('GET', '/apps', undefined, { 'X-Kulkul-Admin': '' })).body.apps).toMatchObject([
      { id: '12345', enabled: true },
    ]);
    for (const value of ['1', 'yes']) {
      expect((await api('POST', '/purge', undefined, { 'x-kulkul-admin': value })).status).toBe(200);
    }
    const asked = { 'Access-Control-Request-Headers': 'x-kulkul-admin', 'Access-Control-Request-Method': 'POST' };
    const preflight = await api('OPTIONS', '/apps', undefined, asked);
    expect(preflight.headers['access-control-allow-headers']).toBeUndefined();
  });

  test('what a person types into a browser, and pages of the API itself, are answered', async () => {
    const { api, adminUrl } = await start();
    expect((await api('GET', '/', undefined, { 'Sec-Fetch-Site': 'none' })).status).toBe(200);
    const own = { Origin: adminUrl, 'Sec-Fetch-Site': 'same-origin' };
    expect((await api('POST', '/purge', undefined, own)).status).toBe(200);
  });

  test('a request without a host is refused', async () => {
    const { adminUrl } = await start();
    const socket = connect(Number(new URL(adminUrl).port), '127.0.0.1');
    socket.write('GET /apps HTTP/1.0\r\n\r\n');
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 403 /);
  });
});
