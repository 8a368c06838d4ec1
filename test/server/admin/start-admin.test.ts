import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import pino from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AdminServer } from '../../../server/admin/admin-server.ts';
import { DatabaseRegistry } from '../../../server/admin/app-registry.ts';
import type { Fleet } from '../../../server/admin/fleet.ts';
import { ListedRegistry } from '../../../server/admin/listed-registry.ts';
import { type Admin, startAdmin } from '../../../server/admin/start-admin.ts';
import { type AppStore, AppStoreUnavailable } from '../../../server/apps/app-store.ts';
import type { LoadedConfig } from '../../../server/config/index.ts';
import { callAdmin, loadAdminConfig } from './admin-broker.ts';

const fleet: Fleet = {
  announceApps: () => {},
  revoke: () => {},
  userConnections: () => 0,
  terminateUser: () => {},
  reconnectUser: () => {},
  readiness: () => ({ isReady: true, reason: 'OK' }),
  usage: () => ({ connections: 0, channels: 0, subscriptions: 0, presenceUsers: 0 }),
  metrics: () => [],
  webhooks: () => [],
  deadLetters: () => ({ total: 0, letters: [] }),
  deadLetter: () => null,
  replayDeadLetters: () => 0,
  discardDeadLetters: () => 0,
  testWebhook: () => null,
  nodes: () => [],
  look: () => ({ facts: [], skipped: 0, reports: [] }),
  stopLooking: () => {},
  noteChange: () => {},
  channelPage: () => ({ channels: [], total: 0, next: null }),
  channelDetail: () => null,
  connectionPage: () => ({ connections: [], total: 0, next: null, silent: [] }),
  connectionDetail: () => null,
  publishEvent: () => null,
  disconnectSocket: () => false,
  unsubscribeSocket: () => false,
};

let log: Record<string, unknown>[];
let taken: Server;
let port: number;
beforeEach(async () => {
  log = [];
  taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  port = (taken.address() as AddressInfo).port;
});
afterEach(() => taken.close());

const logger = () => pino({}, { write: (line) => log.push(JSON.parse(line)) });

function start({ settings, origins }: Pick<LoadedConfig, 'settings' | 'origins'>): Promise<Admin | undefined> {
  const listed = new ListedRegistry({ settings, replaceApps: () => {}, log: logger() });
  return startAdmin({ config: { settings, origins }, listed, fleet, clientsPort: 6001, version: '1', log: logger() });
}

test('a default port that another program has is gone without, with a warning', async () => {
  const { settings } = loadAdminConfig({ 'admin.port': port });
  // As if that had been the default.
  expect(await start({ settings, origins: new Map() })).toBeUndefined();
  expect(log).toEqual([
    expect.objectContaining({
      level: 40,
      port,
      msg: 'no admin API: another program has its port. Choose another with admin.port',
    }),
  ]);
});

test('a port that was asked for and is taken fails the start, in words', async () => {
  await expect(start(loadAdminConfig({ 'admin.port': port }))).rejects.toMatchObject({
    name: 'ListenError',
    message: `Can't listen on 127.0.0.1:${port} for the admin API: another program has port ${port}: stop it, or choose another port with admin.port. To go without: admin.enabled false`,
  });
});

test('an address that this machine does not have fails the start, whatever the port', async () => {
  const { settings } = loadAdminConfig({ 'admin.host': '192.0.2.1', 'admin.token': '0123456789abcdef' });
  await expect(start({ settings, origins: new Map() })).rejects.toMatchObject({
    message: expect.stringContaining('192.0.2.1 is not an address of this machine: correct admin.host'),
  });
});

test('nothing is served where it is switched off', async () => {
  expect(await start(loadAdminConfig({ 'admin.enabled': false }))).toBeUndefined();
  expect(log).toEqual([]);
});

test('it can be had on IPv6', async () => {
  const admin = await start(loadAdminConfig({ 'admin.host': '::1' }));
  expect(admin?.url).toMatch(/^http:\/\/\[::1\]:\d+$/);
  expect((await callAdmin(String(admin?.url), 'GET', '/apps')).status).toBe(200);
  await admin?.stop();
});

test('while the database is away everything that needs it is answered 503', async () => {
  const away = () =>
    Promise.reject(new AppStoreUnavailable('the database of the apps (MySQL at 10.0.0.5:3306) is away: timeout'));
  const store: AppStore = {
    description: 'none',
    find: away,
    findByKey: away,
    findAll: away,
    list: away,
    listWithFeeds: away,
    insert: away,
    update: away,
    delete: away,
    close: async () => {},
  };
  const registry = new DatabaseRegistry(store, fleet);
  const server = new AdminServer({ registry, fleet, token: '', isExposed: false, version: '1', log: logger() });
  const url = `http://127.0.0.1:${await server.listen('127.0.0.1', 0)}`;
  for (const [method, path] of [
    ['GET', '/apps'],
    ['POST', '/apps'],
    ['GET', '/apps/1'],
    ['POST', '/apps/1/disable'],
    ['DELETE', '/apps/1'],
  ] as const) {
    const { status, headers, body } = await callAdmin(url, method, path);
    expect([status, headers['retry-after'], body.error]).toEqual([503, '1', 'unavailable']);
    expect(body.message).toBe(
      'Not possible right now: the database of the apps (MySQL at 10.0.0.5:3306) is away: timeout. Try again',
    );
  }
  expect((await callAdmin(url, 'POST', '/purge')).status).toBe(200);
  await server.stop();
});
