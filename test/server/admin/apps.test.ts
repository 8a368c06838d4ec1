import { createSecretKey } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { trigger } from '../../support/api-client.ts';
import { APP, FULL_APP } from '../../support/broker.ts';
import { RawClient } from '../../support/raw-client.ts';
import { ecPair, sign } from '../../support/tokens.ts';
import { until } from '../../support/until.ts';
import { type AdminAnswer, type AdminBroker, startAdminBroker } from './admin-broker.ts';

const SECRET = 'a secret that no answer may show, ever';

let folder: string;
let broker: AdminBroker;
let api: AdminBroker['api'];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kulkul-admin-'));
});
afterEach(async () => {
  await broker.stop();
  rmSync(folder, { recursive: true });
});

/** With one app, whichever way. */
const STARTS: Readonly<Record<string, () => Promise<AdminBroker>>> = {
  array: () => startAdminBroker(),
  sqlite: async () => {
    const started = await startAdminBroker({
      settings: { 'appManager.driver': 'sqlite', 'appManager.sqlite.path': join(folder, 'apps.sqlite') },
    });
    expect((await started.api('POST', '/apps', FULL_APP)).status).toBe(201);
    return started;
  },
};

const keysOf = ({ body }: AdminAnswer) => body.keys as { key: string; secret?: string }[];
const problemsOf = ({ body }: AdminAnswer) => body.problems as { path: string; message: string; suggestion?: string }[];

describe.for(Object.entries(STARTS))('apps of the driver %s', ([driver, start]) => {
  const stored = driver === 'array' ? 'memory' : 'database';
  beforeEach(async () => {
    broker = await start();
    api = broker.api;
  });

  /** What the node does with a change in a database comes a moment later. */
  async function untilApp(id: string, isSo: (enabled: boolean | undefined) => boolean): Promise<void> {
    await until(async () => isSo((await trigger(broker.url, {}, { app: { ...APP, id } })).status !== 403));
  }

  test('are made with credentials of their own, which are shown once, and serve clients at once', async () => {
    const made = await api('POST', '/apps');
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({ id: expect.stringMatching(/^\d{6}$/), enabled: true, stored });
    const [pair] = keysOf(made);
    expect(pair).toEqual({ key: expect.stringMatching(/^\w{20}$/), secret: expect.stringMatching(/^\w{32}$/) });
    const client = await RawClient.connect(broker.wsUrl, { key: String(pair?.key) });
    await client.subscribed('news');
    const event = { name: 'e', channel: 'news', data: '{}' };
    const app = { id: String(made.body.id), key: String(pair?.key), secret: String(pair?.secret) };
    expect((await trigger(broker.url, event, { app })).status).toBe(200);
    await client.next('e');
    const read = await api('GET', `/apps/${made.body.id}`);
    expect(read.body).toEqual({ ...made.body, keys: [{ key: pair?.key }] });
    expect(read.text).not.toContain(String(pair?.secret));
  });

  test('are made as they are described', async () => {
    const given = {
      id: 'shop',
      key: 'shop-key',
      secret: 'shop-secret',
      name: 'Shop',
      maxConnections: 5,
      enableClientMessages: true,
    };
    const made = await api('POST', '/apps', given);
    expect(made.body).toMatchObject({
      id: 'shop',
      name: 'Shop',
      keys: [{ key: 'shop-key', secret: 'shop-secret' }],
      maxConnections: 5,
      enableClientMessages: true,
    });
    const several = await api('POST', '/apps', {
      id: 'two',
      keys: [
        { key: 'a', secret: 'b' },
        { key: 'c', secret: 'd' },
      ],
    });
    expect(several.status).toBe(201);
    expect(keysOf(several)).toEqual([
      { key: 'a', secret: 'b' },
      { key: 'c', secret: 'd' },
    ]);
    const half = await api('POST', '/apps', { id: 'half', key: 'only-key', secret: null });
    expect(keysOf(half)).toEqual([{ key: 'only-key', secret: expect.stringMatching(/^\w{32}$/) }]);
    const listed = await api('GET', '/apps');
    expect((listed.body.apps as { id: string }[]).map(({ id }) => id)).toEqual([APP.id, 'half', 'shop', 'two']);
    expect(listed.body.more).toBe(false);
    const some = await api('GET', '/apps?limit=2');
    expect(some.body).toMatchObject({ apps: [{ id: APP.id }, { id: 'half' }], more: true });
  });

  test('show no secret when they are read', async () => {
    const { publicKey } = ecPair();
    const given = {
      id: 'full',
      key: 'full-key',
      secret: SECRET,
      keys: [{ key: 'more', secret: SECRET }],
      auth: {
        jwt: {
          keys: [
            { kid: 'hmac', secret: SECRET },
            { kid: 'ec', publicKey: publicKey.export({ type: 'spki', format: 'pem' }) },
          ],
          jwksUrl: 'https://user:hidden@issuer.example/keys',
          issuer: 'me',
        },
        encryptionMasterKey: Buffer.alloc(32, 'k').toString('base64'),
      },
      channels: [{ name: 'private-admin', subscribe: { roles: ['admin'] } }],
      webhooks: [{ url: 'https://hook.example', event_types: ['cache_miss'], headers: { authorization: SECRET } }],
    };
    expect((await api('POST', '/apps', given)).status).toBe(201);
    const answers = [
      await api('GET', '/apps'),
      await api('GET', '/apps/full'),
      await api('PATCH', '/apps/full', { name: 'x' }),
      await api('POST', '/apps/full/disable'),
    ];
    for (const { status, text } of answers) {
      expect(status).toBe(200);
      expect(text).toContain('"kid": "hmac"');
      expect(text).toContain('BEGIN PUBLIC KEY');
      expect(text).toContain('https://issuer.example/keys');
      expect(text).not.toMatch(/hidden|encryptionMasterKey|hook\.example|"secret"/);
      expect(text).not.toContain(SECRET);
      expect(text).not.toContain(given.auth.encryptionMasterKey);
    }
    expect(JSON.stringify(broker.log)).not.toContain(SECRET);
  });

  test('are changed in part, merged as JSON Merge Patch does, and set back by null', async () => {
    const first = await api('PATCH', `/apps/${APP.id}`, { maxConnections: 7, maxClientEventsPerSecond: 3, name: 'A' });
    expect(first.body).toMatchObject({
      maxConnections: 7,
      maxClientEventsPerSecond: 3,
      name: 'A',
      stored,
      enableClientMessages: true,
    });
    const jwt = { keys: [{ secret: SECRET }], issuer: 'me' };
    await api('PATCH', `/apps/${APP.id}`, { auth: { jwt } });
    const merged = await api('PATCH', `/apps/${APP.id}`, {
      auth: { jwt: { issuer: null, audience: ['you'] } },
      name: null,
      maxClientEventsPerSecond: null,
      maxConnections: null,
    });
    expect(merged.body).toMatchObject({
      maxConnections: -1,
      auth: { jwt: { issuer: [], audience: ['you'], keys: [{}] } },
    });
    expect(Object.keys(merged.body)).not.toContain('name');
    expect(Object.keys(merged.body)).not.toContain('maxClientEventsPerSecond');
    const { keys, ...rest } = merged.body;
    expect((await api('GET', `/apps/${APP.id}`)).body).toEqual({ keys, ...rest });
    expect(keys).toEqual([{ key: APP.key }]);
  });

  test('refuse what they can not be, with every problem in words', async () => {
    const refused = await api('POST', '/apps', {
      id: 'a/b',
      maxConnection: 1,
      maxConnections: 'many',
      enabled: 'yes',
      allowedOrigins: 5,
      maxEventPayloadInKb: 0,
      secret: 7,
      channels: [{ name: 'private-x', subscribe: ['anyon'] }, { nam: 'y' }],
      auth: { jwt: { keys: [{ secret: { a: SECRET } }, { publicKey: 'none' }] } },
    });
    expect(refused.status).toBe(400);
    expect(refused.body.error).toBe('invalid-app');
    expect(problemsOf(refused)).toEqual([
      { path: '/id', message: 'must not contain spaces or any of / ? # % { }: it is part of a URL, got "a/b"' },
      { path: '/secret', message: 'expected a text, got •••' },
      { path: '/enabled', message: 'expected true or false, got "yes"' },
      { path: '/allowedOrigins', message: 'expected a list of texts, got 5' },
      { path: '/maxConnections', message: 'expected a whole number of at least 0, or -1 for no limit, got "many"' },
      { path: '/maxEventPayloadInKb', message: 'expected a number from 0.001 to 1048576, got 0' },
      { path: '/auth/jwt/keys/0/secret', message: 'expected a text, got an object' },
      {
        path: '/auth/jwt/keys/1/publicKey',
        message: 'is not a public key in PEM (-----BEGIN PUBLIC KEY-----)',
      },
      {
        path: '/channels/0/subscribe/0',
        message: 'expected anyone, application, token, own or { "roles": [...] }, got "anyon"',
        suggestion: 'anyone',
      },
      { path: '/channels/1/name', message: 'missing' },
      { path: '/channels/1/nam', message: 'unknown field', suggestion: 'name' },
      { path: '/maxConnection', message: 'unknown field', suggestion: 'maxConnections' },
    ]);
    expect(refused.body.message).toContain('/maxConnection: unknown field (did you mean maxConnections?)');
    const patched = await api('PATCH', `/apps/${APP.id}`, { maxConnection: null, id: APP.id });
    expect(problemsOf(patched)).toEqual([
      { path: '/maxConnection', message: 'unknown field', suggestion: 'maxConnections' },
    ]);
  });

  test.for([
    [{ id: 'other' }, '/id', "can't be changed: make a new app, and delete 12345"],
    [{ key: null }, '/key', 'missing: secret is there without it'],
    [{ secret: null }, '/secret', 'missing: key is there without it'],
    [{ key: null, secret: null }, '/keys', 'an app needs at least one key'],
    [
      { keys: [1, 2].map((number) => ({ key: 'next', secret: `secret-${number}` })) },
      '/keys',
      'holds the key next twice',
    ],
    [
      { auth: { jwt: { keys: [{ publicKeyFile: '/etc/passwd' }] } } },
      '/auth/jwt/keys/0/publicKeyFile',
      'not possible here, as the API reads no files of the server: put the PEM text into publicKey',
    ],
    [[], '', 'expected an object with options of an app, such as { "name": "shop", "maxConnections": 100 }'],
  ] as const)('refuse the change %o', async ([change, path, message]) => {
    const before = await api('GET', `/apps/${APP.id}`);
    const refused = await api('PATCH', `/apps/${APP.id}`, change);
    expect(refused.status).toBe(400);
    expect(problemsOf(refused)).toEqual([{ path, message }]);
    expect((await api('GET', `/apps/${APP.id}`)).body).toEqual(before.body);
  });

  test('refuse an id or a key that another has', async () => {
    await api('POST', '/apps', { id: 'other', key: 'other-key' });
    const conflicts = [
      [await api('POST', '/apps', { id: APP.id }), 'The id 12345 is taken by another app.'],
      [await api('POST', '/apps', { key: APP.key }), 'The key test-key is taken by the app 12345.'],
      [await api('PATCH', '/apps/other', { key: APP.key }), 'The key test-key is taken by the app 12345.'],
      [await api('POST', '/apps/other/keys', { key: APP.key }), 'The key test-key is taken by the app 12345.'],
      [
        await api('POST', `/apps/${APP.id}/keys`, { key: APP.key }),
        'The key test-key is one of the app 12345 already.',
      ],
    ] as const;
    for (const [{ status, body }, message] of conflicts) {
      expect([status, body.error, body.message]).toEqual([409, 'app-conflict', message]);
    }
    expect((await api('GET', '/apps')).body.apps).toHaveLength(2);
  });

  // The first pair stands by itself in tables and files, and stayed valid.
  test('have just the keys that a list of them names, whichever was the first', async () => {
    const list = [{ key: 'next', secret: 'next-secret' }];
    const changed = await api('PATCH', `/apps/${APP.id}`, { keys: list });
    expect(changed.status).toBe(200);
    expect(keysOf(await api('GET', `/apps/${APP.id}`))).toEqual([{ key: 'next' }]);
    const refused = await api('PATCH', `/apps/${APP.id}`, { keys: null });
    expect(refused.body).toMatchObject({ problems: [{ path: '/keys', message: 'an app needs at least one key' }] });
    const more = await api('PATCH', `/apps/${APP.id}`, { keys: [{ key: APP.key, secret: APP.secret }, ...list] });
    expect(keysOf(more)).toEqual([{ key: APP.key }, { key: 'next' }]);
  });

  test('have several keys at once, of which all but the last can be retired', async () => {
    const made = await api('POST', `/apps/${APP.id}/keys`);
    expect(made.status).toBe(201);
    expect(made.body).toEqual({ key: expect.any(String), secret: expect.any(String), stored });
    const { key, secret } = made.body as { key: string; secret: string };
    const app = { id: APP.id, key, secret };
    const event = { name: 'e', channel: 'news', data: '{}' };
    await until(async () => (await trigger(broker.url, event, { app })).status === 200);
    const [old, fresh] = [await RawClient.connect(broker.wsUrl), await RawClient.connect(broker.wsUrl, { key })];
    const unknown = await api('DELETE', `/apps/${APP.id}/keys/nobody`);
    expect([unknown.status, unknown.body.error]).toEqual([404, 'unknown-key']);
    const retired = await api('DELETE', `/apps/${APP.id}/keys/${APP.key}`);
    expect(keysOf(retired)).toEqual([{ key }]);
    expect(await old.closed()).toMatchObject({ code: 4001, reason: expect.stringContaining('was retired') });
    expect((await trigger(broker.url, event)).status).toBe(401);
    expect(await fresh.flush()).toEqual([]);
    const last = await api('DELETE', `/apps/${APP.id}/keys/${key}`);
    expect([last.status, last.body.error]).toEqual([409, 'last-key']);
    expect(last.body.message).toBe(
      `${key} is the only key of the app 12345, which nobody could use without one. Add another first (POST /apps/12345/keys), or delete the app`,
    );
    expect(await fresh.flush()).toEqual([]);
    const wrong = await api('POST', `/apps/${APP.id}/keys`, { kye: 'x' });
    expect(problemsOf(wrong)).toEqual([{ path: '/kye', message: 'unknown field', suggestion: 'key' }]);
  });

  test('are disabled and enabled: connections end with 4003, requests get 403', async () => {
    const client = await RawClient.connect(broker.wsUrl);
    const disabled = await api('POST', `/apps/${APP.id}/disable`);
    expect(disabled.body).toMatchObject({ id: APP.id, enabled: false, stored });
    expect(await client.closed()).toMatchObject({ code: 4003 });
    await untilApp(APP.id, (isEnabled) => isEnabled === false);
    expect((await api('POST', `/apps/${APP.id}/enable`)).body.enabled).toBe(true);
    await untilApp(APP.id, (isEnabled) => isEnabled === true);
    await (await RawClient.connect(broker.wsUrl)).close();
  });

  test('are deleted: connections end with 4001, and nobody knows them any more', async () => {
    const client = await RawClient.connect(broker.wsUrl);
    expect((await api('DELETE', `/apps/${APP.id}`)).body).toEqual({ deleted: true, stored });
    expect(await client.closed()).toMatchObject({ code: 4001, reason: 'Application does not exist any more' });
    const unknown = await api('GET', `/apps/${APP.id}`);
    expect([unknown.status, unknown.body.error]).toEqual([404, 'unknown-app']);
    expect((await api('DELETE', `/apps/${APP.id}`)).status).toBe(404);
    expect((await api('GET', '/apps')).body.apps).toEqual([]);
    expect((await api('POST', '/apps', FULL_APP)).status).toBe(201);
    await (await RawClient.connect(broker.wsUrl)).close();
  });

  test('change the limits of connections that are there', async () => {
    const client = await RawClient.connect(broker.wsUrl);
    await client.subscribed('private-room');
    const whisper = () => client.send({ event: 'client-x', channel: 'private-room', data: '{}' });
    whisper();
    expect((await client.flush()).join()).not.toContain('pusher:error');
    await api('PATCH', `/apps/${APP.id}`, { enableClientMessages: false });
    await until(async () => {
      whisper();
      return (await client.flush()).some((frame) => frame.includes('enable this feature'));
    });
    await api('PATCH', `/apps/${APP.id}`, { maxConnections: 1 });
    await until(async () => {
      const other = new RawClient(`${broker.wsUrl}/app/${APP.key}?protocol=7`);
      const item = await other.nextItem();
      other.ws.close();
      return 'text' in item && item.text.includes('4004');
    });
  });

  test('change who may be in a channel: a subscription by token ends with 403', async () => {
    const rule = { name: 'private-staff', subscribe: { roles: ['admin', 'viewer'] } };
    await api('POST', '/apps', {
      id: 'roles',
      key: 'roles-key',
      auth: { jwt: { keys: [{ secret: SECRET }] } },
      channels: [rule],
    });
    const exp = Math.floor(Date.now() / 1000) + 60;
    const key = createSecretKey(Buffer.from(SECRET));
    const enter = async (role: string) => {
      const client = await RawClient.connect(broker.wsUrl, { key: 'roles-key' });
      const auth = sign({ sub: role, roles: [role], exp }, { key });
      client.send({ event: 'pusher:subscribe', data: { channel: 'private-staff', auth } });
      await client.next('pusher_internal:subscription_succeeded');
      return client;
    };
    const [admin, viewer] = [await enter('admin'), await enter('viewer')];
    await api('PATCH', '/apps/roles', { channels: [{ ...rule, subscribe: { roles: ['admin'] } }] });
    const { data } = await viewer.next('pusher:subscription_error');
    expect(JSON.parse(String(data))).toMatchObject({ type: 'AuthError', status: 403 });
    expect(await admin.flush()).toEqual([]);
    await enter('admin');
  });

  test('that nobody has are 404, with a guess', async () => {
    const guess = await api('GET', '/apps/1234');
    expect(guess.body).toEqual({
      error: 'unknown-app',
      message: 'There is no app with the id "1234". Did you mean 12345?',
    });
    for (const [method, path] of [
      ['PATCH', ''],
      ['POST', '/enable'],
      ['POST', '/disable'],
      ['DELETE', ''],
      ['POST', '/keys'],
      ['DELETE', '/keys/k'],
      ['GET', '/usage'],
      ['DELETE', '/channels/news/users/1'],
      ['DELETE', '/channels/news/sockets/1.1'],
      ['DELETE', '/channels/news/subscriptions'],
      ['GET', '/users/1'],
      ['POST', '/users/1/force_reconnect'],
      ['POST', '/users/1/terminate'],
    ] as const) {
      const { status, body } = await api(method, `/apps/nobody${path}`);
      expect([path, status, body.error]).toEqual([path, 404, 'unknown-app']);
    }
  });
});
