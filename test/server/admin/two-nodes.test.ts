import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { call } from '../../support/api-client.ts';
import { APP, FULL_APP } from '../../support/broker.ts';
import { RawClient } from '../../support/raw-client.ts';
import { RedisServer } from '../../support/redis-server.ts';
import { TcpProxy } from '../../support/tcp-proxy.ts';
import { until, untilEqual } from '../../support/until.ts';
import { type AdminBroker, startAdminBroker } from './admin-broker.ts';

let redis: RedisServer;
let folder: string;
let nodes: AdminBroker[] = [];
beforeAll(async () => {
  redis = await RedisServer.start();
  folder = mkdtempSync(join(tmpdir(), 'kulkul-admin-'));
});
afterEach(async () => {
  await Promise.all(nodes.map((node) => node.stop()));
  nodes = [];
});
afterAll(async () => {
  await redis.dispose();
  rmSync(folder, { recursive: true });
});

let runs = 0;

/** Two nodes on a Redis, with their apps in one database of which they would not hear by themselves. */
async function startNodes(redisPort = redis.port): Promise<readonly [AdminBroker, AdminBroker]> {
  runs += 1;
  const settings = {
    'adapter.driver': 'redis',
    'adapter.redis.prefix': `run-${runs}:`,
    'database.redis.port': redisPort,
    'appManager.driver': 'sqlite',
    'appManager.sqlite.path': join(folder, `apps-${runs}.sqlite`),
    'appManager.cache.ttl': -1,
  };
  const first = await startAdminBroker({ settings });
  nodes.push(first);
  const second = await startAdminBroker({ settings });
  nodes.push(second);
  await first.api('POST', '/apps', FULL_APP);
  return [first, second];
}

test('what is changed on one node takes effect on the connections of the other', async () => {
  const [here, there] = await startNodes();
  const client = await RawClient.connect(there.wsUrl);
  await here.api('POST', `/apps/${APP.id}/disable`);
  expect((await client.closed()).code).toBe(4003);
  await here.api('POST', `/apps/${APP.id}/enable`);
  const { key } = (await here.api('POST', `/apps/${APP.id}/keys`)).body;
  await until(async () => {
    const probe = new RawClient(`${there.wsUrl}/app/${key}?protocol=7`);
    const item = await probe.nextItem();
    probe.ws.close();
    return 'text' in item && item.text.includes('connection_established');
  });
  const [old, fresh] = [
    await RawClient.connect(there.wsUrl),
    await RawClient.connect(there.wsUrl, { key: String(key) }),
  ];
  await here.api('DELETE', `/apps/${APP.id}/keys/${APP.key}`);
  expect(await old.closed()).toMatchObject({ code: 4001, reason: expect.stringContaining('was retired') });
  await here.api('DELETE', `/apps/${APP.id}`);
  expect(await fresh.closed()).toMatchObject({ code: 4001, reason: 'Application does not exist any more' });
  expect((await there.api('GET', '/apps')).body.apps).toEqual([]);
});

test('an app that one node made is there on the other, though it was just looked for in vain', async () => {
  const [here, there] = await startNodes();
  const early = new RawClient(`${there.wsUrl}/app/new-key?protocol=7`);
  expect((await early.closed()).code).toBe(4001);
  await here.api('POST', '/apps', { id: 'new', key: 'new-key' });
  await until(async () => {
    const probe = new RawClient(`${there.wsUrl}/app/new-key?protocol=7`);
    const item = await probe.nextItem();
    probe.ws.close();
    return 'text' in item && item.text.includes('connection_established');
  });
});

test('usage, revoking and terminating reach over all nodes', async () => {
  const [here, there] = await startNodes();
  const clients = [await RawClient.connect(here.wsUrl), await RawClient.connect(there.wsUrl)];
  for (const [index, client] of clients.entries()) {
    await client.subscribed('presence-room', `{"user_id":"u${index}"}`);
  }
  const expected = { id: APP.id, connections: 2, channels: 1, subscriptions: 2, presenceUsers: 2 };
  await untilEqual(async () => (await here.api('GET', `/apps/${APP.id}/usage`)).body, expected);
  await untilEqual(async () => (await there.api('GET', `/apps/${APP.id}/usage`)).body, expected);
  for (const { url } of [here, there]) {
    expect((await call(url, 'GET', `/apps/${APP.id}/connections`)).text).toBe('{"connections":2}');
  }
  const [, far] = clients;
  far?.signIn('{"id":"far"}');
  await until(async () => (await far?.next())?.event === 'pusher:signin_success');
  await here.api('DELETE', `/apps/${APP.id}/channels/presence-room/users/u1`);
  await until(async () => (await far?.next())?.event === 'pusher:subscription_error');
  await here.api('POST', `/apps/${APP.id}/users/far/terminate`);
  expect((await far?.closed())?.code).toBe(4009);
  await untilEqual(async () => (await here.api('GET', `/apps/${APP.id}/usage`)).body, {
    ...expected,
    connections: 1,
    subscriptions: 1,
    presenceUsers: 1,
  });
});

test('while Redis is away a change is stored, takes effect on the node itself, and says that others were not told', async () => {
  const proxy = await TcpProxy.start(redis.port);
  const [here] = await startNodes(proxy.port);
  const client = await RawClient.connect(here.wsUrl);
  await proxy.close();
  await until(() => here.log.some(({ msg }) => String(msg).startsWith('Redis is away')));
  const { status, body } = await here.api('POST', `/apps/${APP.id}/disable`);
  expect([status, body.stored, body.enabled]).toEqual([200, 'database', false]);
  expect(body.warning).toMatch(
    /^It is stored, but the nodes could not be notified \(Redis .*\): they notice within appManager\.cache\.ttl seconds, or at once after POST \/apps\/12345\/purge$/,
  );
  expect((await client.closed()).code).toBe(4003);
  expect((await here.api('POST', '/purge')).status).toBe(503);
});

test('apps of the configuration can not be changed for all machines: reading works, writing says what would', async () => {
  const settings = { 'adapter.driver': 'redis', 'database.redis.port': redis.port, 'adapter.redis.prefix': 'listed:' };
  const node = await startAdminBroker({ settings });
  nodes.push(node);
  for (const [method, path] of [
    ['POST', '/apps'],
    ['PATCH', `/apps/${APP.id}`],
    ['POST', `/apps/${APP.id}/disable`],
    ['DELETE', `/apps/${APP.id}`],
    ['POST', `/apps/${APP.id}/keys`],
  ] as const) {
    const { status, body } = await node.api(method, path, method === 'PATCH' ? {} : undefined);
    expect([path, status, body.error]).toEqual([path, 409, 'apps-read-only']);
    expect(body.message).toContain('appManager.driver mysql or postgres');
  }
  expect((await node.api('GET', `/apps/${APP.id}`)).body).toMatchObject({ id: APP.id, stored: 'file' });
  expect((await node.api('GET', `/apps/${APP.id}/usage`)).body.connections).toBe(0);
});
