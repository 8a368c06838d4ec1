import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { failure, load, oneApp, onlyApp } from './load.ts';

/** What `php artisan reverb:install` writes, below what stands in a new application's `.env`. */
const REVERB = `APP_NAME=Laravel
BROADCAST_CONNECTION=reverb
REDIS_HOST=127.0.0.1
REDIS_PASSWORD=null
REDIS_PORT=6379
VITE_APP_NAME="\${APP_NAME}"

REVERB_APP_ID=409128
REVERB_APP_KEY=p4fmxmjqhzrkmflfdkwd
REVERB_APP_SECRET=jqobqjbpvkaeqvffmyvy
REVERB_HOST="localhost"
REVERB_PORT=8080
REVERB_SCHEME=http

VITE_REVERB_APP_KEY="\${REVERB_APP_KEY}"
VITE_REVERB_HOST="\${REVERB_HOST}"
VITE_REVERB_PORT="\${REVERB_PORT}"
VITE_REVERB_SCHEME="\${REVERB_SCHEME}"
`;
const app = { REVERB_APP_ID: 'r', REVERB_APP_KEY: 'rk', REVERB_APP_SECRET: 'rs' };
const pusher = { PUSHER_APP_ID: 'p', PUSHER_APP_KEY: 'pk', PUSHER_APP_SECRET: 'ps' };

describe('the folder of a Laravel application with Reverb', () => {
  it('is enough: the broker listens where the application looks, and members may whisper', () => {
    const { settings, apps, warnings, origins } = load({ dotenv: REVERB });
    expect(settings).toMatchObject({ port: 8080, host: '0.0.0.0', adapter: { driver: 'local' } });
    expect(apps).toMatchObject([{ id: '409128', enableClientMessages: true, keys: [{ key: 'p4fmxmjqhzrkmflfdkwd' }] }]);
    expect(warnings).toEqual([]);
    expect(origins.get('port')).toMatchObject({ name: 'REVERB_PORT', dotenv: true });
  });

  it.each<[string, Record<string, string>, number]>([
    ['REVERB_SERVER_PORT', { REVERB_SERVER_PORT: '9000', REVERB_PORT: '8081', REVERB_SCHEME: 'http' }, 9000],
    ['REVERB_PORT without TLS here', { REVERB_HOST: '127.0.0.1', REVERB_PORT: '8081', REVERB_SCHEME: 'http' }, 8081],
    ['REVERB_PORT of this name', { REVERB_HOST: hostname(), REVERB_PORT: '8081', REVERB_SCHEME: 'http' }, 8081],
    ['8080 with TLS', { REVERB_HOST: 'localhost', REVERB_PORT: '443', REVERB_SCHEME: 'https' }, 8080],
    ['8080 elsewhere', { REVERB_HOST: 'ws.example.com', REVERB_PORT: '80', REVERB_SCHEME: 'http' }, 8080],
    ['8080 without a scheme', { REVERB_HOST: 'localhost', REVERB_PORT: '443' }, 8080],
    ['8080', {}, 8080],
    ['our own', { KULKUL_PORT: '7000', REVERB_HOST: 'localhost', REVERB_PORT: '8081', REVERB_SCHEME: 'http' }, 7000],
  ])('the port is %s', (_, env, port) => {
    expect(load({ env: { ...app, ...env } }).settings.port).toBe(port);
  });

  it('the port is that of the flag or of the file, where there is one', () => {
    expect(load({ env: app, flags: { port: 1 } }).settings.port).toBe(1);
    expect(load({ env: app, file: { port: 2 } }).settings.port).toBe(2);
    expect(load({ env: pusher }).settings.port).toBe(6001);
    expect(load({ env: app, file: oneApp }).settings.port).toBe(6001);
  });

  it('whispers and the size of members are as Reverb has them, unless told otherwise', () => {
    expect(onlyApp({ env: app })).toMatchObject({
      enableClientMessages: true,
      limits: { maxPresenceMemberBytes: 10_000 },
    });
    const env = { ...app, REVERB_APP_ACCEPT_CLIENT_EVENTS_FROM: 'none', REVERB_APP_MAX_MESSAGE_SIZE: '20000' };
    expect(onlyApp({ env })).toMatchObject({ enableClientMessages: false, limits: { maxPresenceMemberBytes: 20_000 } });
    const own = {
      KULKUL_DEFAULT_APP_ENABLE_CLIENT_MESSAGES: '0',
      KULKUL_DEFAULT_APP_MAX_PRESENCE_MEMBER_SIZE_IN_KB: '1',
    };
    expect(onlyApp({ env: { ...app, ...own } })).toMatchObject({
      enableClientMessages: false,
      limits: { maxPresenceMemberBytes: 1024 },
    });
    expect(onlyApp({ env: pusher })).toMatchObject({
      enableClientMessages: false,
      limits: { maxPresenceMemberBytes: 2048 },
    });
  });

  it('the app is that of the connection in use, where both are there', () => {
    const idOf = (env: object) => onlyApp({ env: { ...pusher, ...app, ...env } }).id;
    expect(idOf({})).toBe('p');
    expect(idOf({ BROADCAST_CONNECTION: 'reverb' })).toBe('r');
    expect(idOf({ BROADCAST_DRIVER: 'reverb' })).toBe('r');
    expect(idOf({ BROADCAST_CONNECTION: 'pusher', BROADCAST_DRIVER: 'reverb' })).toBe('p');
    expect(idOf({ BROADCAST_CONNECTION: 'log' })).toBe('p');
    expect(load({ env: { ...pusher, ...app, BROADCAST_CONNECTION: 'reverb' } }).warnings).toEqual([
      'PUSHER_APP_ID, PUSHER_APP_KEY, PUSHER_APP_SECRET: passed over, because BROADCAST_CONNECTION is reverb.',
    ]);
    expect(failure({ env: { ...pusher, REVERB_APP_KEY: 'rk', BROADCAST_CONNECTION: 'reverb' } })).toContain(
      'id: missing',
    );
  });
});

describe('URLs', () => {
  const scaling = { ...app, REVERB_SCALING_ENABLED: 'true' };
  const redisOf = (env: Record<string, string>) => load({ env: { ...scaling, ...env } }).settings.database.redis;

  it('REDIS_URL is taken apart, and counts more than the variables of its parts', () => {
    const parts = { REDIS_HOST: 'other', REDIS_PORT: '1', REDIS_PASSWORD: 'other' };
    expect(redisOf({ ...parts, REDIS_URL: 'rediss://u:p%40ss@r.example:6380/3' })).toMatchObject({
      host: 'r.example',
      port: 6380,
      db: 3,
      username: 'u',
      password: 'p@ss',
      tls: true,
    });
    expect(redisOf({ ...parts, REDIS_URL: 'redis://r.example' })).toMatchObject({
      host: 'r.example',
      port: 1,
      tls: false,
    });
    expect(
      redisOf({ REDIS_URL: 'redis://a:1', SOKETI_DB_REDIS_HOST: 'b', KULKUL_DATABASE_REDIS_PORT: '2' }),
    ).toMatchObject({
      host: 'b',
      port: 2,
    });
    expect(load({ env: { ...app, REDIS_URL: 'redis://a' } }).settings.database.redis.host).toBe('127.0.0.1');
  });

  it('a URL as the host of Redis is taken apart in a file and in each variable', () => {
    const url = 'redis://:0123@r.example:6380/3';
    const expected = { host: 'r.example', port: 6380, db: 3, password: '0123' };
    const file = { ...oneApp, 'adapter.driver': 'redis' };
    for (const redis of [{ host: url }, { port: 7, host: url }, { host: url, port: 7 }]) {
      const { settings, warnings } = load({ file: { ...file, database: { redis } } });
      expect(settings.database.redis).toMatchObject({ ...expected, ...('port' in redis && { port: 7 }) });
      expect(warnings).toEqual([]);
    }
    for (const name of ['SOKETI_DB_REDIS_HOST', 'KULKUL_DATABASE_REDIS_HOST', 'REDIS_HOST']) {
      expect(redisOf({ [name]: url })).toMatchObject(expected);
    }
  });

  it.each([
    ['host', { host: 'http://0.0.0.0:6001' }],
    ['admin.host', { 'admin.host': 'http://127.0.0.1' }],
    ['database.mysql.host', { 'appManager.driver': 'mysql', 'database.mysql.host': 'mysql://root:hush@db/main' }],
    ['database.redis.host', { 'adapter.driver': 'redis', 'database.redis.host': 'unix://hush@x/redis.sock' }],
  ])('as %s it is refused with a hint, and without its password', (name, settings) => {
    const message = failure({ file: { ...oneApp, ...settings } });
    expect(message).toContain(
      `${name}: must be a host name or an address, not a URL: the other parts of a URL go into settings of their own, got "`,
    );
    expect(message).not.toContain('hush');
  });
});

/** Cause: values that Docker and Kubernetes put into `REDIS_PORT` were read. Symptom: "expected a whole number, got tcp://…", although .env named the port. */
it('addresses of linked containers count as not set, and .env wins', () => {
  const links = {
    REDIS_PORT: 'tcp://172.17.0.2:6379',
    REVERB_SERVER_PORT: 'tcp://10.0.0.9:80',
    SOKETI_DB_REDIS_PORT: 'tcp://172.17.0.2:6379',
    KULKUL_ADMIN_PORT: 'udp://172.17.0.2:1',
    REVERB_SERVER_PORT_80_TCP: 'tcp://10.0.0.9:80',
    REVERB_SERVER_SERVICE_HOST: '10.0.0.9',
  };
  const dotenv = 'REDIS_PORT=6380\nREVERB_SERVER_PORT=9000\nREVERB_SCALING_ENABLED=true\n';
  const { settings, warnings } = load({ env: { ...app, ...links }, dotenv });
  expect(settings).toMatchObject({ port: 9000, admin: { port: 9601 }, database: { redis: { port: 6380 } } });
  expect(warnings).toEqual([]);
});

describe('did you mean', () => {
  it.each([
    ['SOKETI_DEFAULT_APP_MAX_CONNECTIONS', 'SOKETI_DEFAULT_APP_MAX_CONNS'],
    ['SOKETI_DEFAULT_APP_ENABLE_USER_AUTHENTICATION', 'SOKETI_DEFAULT_APP_USER_AUTHENTICATION'],
    ['SOKETI_ADAPTER_REDIS_HOST', 'SOKETI_DB_REDIS_HOST'],
    ['SOKETI_ADAPTER_REDIS_PORT', 'SOKETI_DB_REDIS_PORT'],
    ['SOKETI_MAX_FRAME_BYTES', 'KULKUL_MAX_FRAME_BYTES'],
    ['SOKETI_PROT', 'SOKETI_PORT'],
  ])('%s: %s', (name, meant) => {
    expect(load({ env: { [name]: '1' } }).warnings).toEqual([
      `Without effect in this version: ${name} (unknown; did you mean ${meant}?).`,
    ]);
  });

  it.each([
    ['KULKUL_DEFAULT_APP_MAX_CONNS', 'KULKUL_DEFAULT_APP_MAX_CONNECTIONS'],
    ['KULKUL_DB_REDIS_HOST', 'KULKUL_DATABASE_REDIS_HOST'],
    ['KULKUL_EVENT_MAX_SIZE_IN_KB', 'KULKUL_EVENT_LIMITS_MAX_PAYLOAD_IN_KB'],
  ])('%s: %s', (name, meant) => {
    expect(failure({ env: { [name]: '1' } })).toBe(`${name}  unknown variable. Did you mean ${meant}?`);
  });

  it('names of Reverb that look like slips are pointed out, and no others', () => {
    const known = {
      REVERB_APP_PING_INTERVAL: '60',
      REVERB_SCALING_CHANNEL: 'c',
      REVERB_APP_RATE_LIMITING_ENABLED: '1',
    };
    const env = { ...known, REVERB_DASHBOARD_COLOUR: 'red', REVERB_SERVER_PROT: '1', REVERB_APP_SECERT: 'hush' };
    expect(load({ env }).warnings).toEqual([
      'The variable REVERB_SERVER_PROT is not read: did you mean REVERB_SERVER_PORT?',
      'The variable REVERB_APP_SECERT is not read: did you mean REVERB_APP_SECRET?',
    ]);
  });
});
