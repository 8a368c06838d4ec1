import { describe, expect, it } from 'vitest';
import { failure, load, onlyApp } from './load.ts';

const pusher = { PUSHER_APP_ID: 'p', PUSHER_APP_KEY: 'pk', PUSHER_APP_SECRET: '0123' };
const reverb = { REVERB_APP_ID: 'r', REVERB_APP_KEY: 'rk', REVERB_APP_SECRET: 'rs' };
const file = {
  'appManager.array.apps': [
    { id: 'f', key: 'fk', secret: 'fs' },
    { id: 'p', key: 'other', secret: 'x' },
  ],
};

describe('PUSHER_APP_ and REVERB_APP_ variables', () => {
  it('describe the app where none is configured', () => {
    expect(onlyApp({ env: pusher })).toMatchObject({ id: 'p', keys: [{ key: 'pk', secret: '0123' }] });
    expect(onlyApp({ dotenv: 'REVERB_APP_ID=1\nREVERB_APP_KEY="k"\nREVERB_APP_SECRET=s' })).toMatchObject({ id: '1' });
    const more = { REVERB_APP_MAX_CONNECTIONS: '9', REVERB_APP_ACCEPT_CLIENT_EVENTS_FROM: 'members' };
    expect(onlyApp({ env: { ...reverb, ...more } })).toMatchObject({
      enableClientMessages: true,
      limits: { maxConnections: 9 },
    });
    expect(onlyApp({ env: { ...reverb, REVERB_APP_ACCEPT_CLIENT_EVENTS_FROM: 'none' } }).enableClientMessages).toBe(
      false,
    );
  });

  it('describe the first app of the file when they name it', () => {
    const { apps, warnings } = load({ file, env: { ...pusher, PUSHER_APP_ID: 'f' } });
    expect(apps.map(({ id, keys }) => [id, keys[0]?.key])).toEqual([
      ['f', 'pk'],
      ['p', 'other'],
    ]);
    expect(warnings).toEqual([]);
  });

  it('leave the apps of the file alone otherwise, and a warning says so', () => {
    const { apps, warnings } = load({ file, env: pusher });
    expect(apps.map(({ keys }) => keys[0]?.key)).toEqual(['fk', 'other']);
    expect(warnings).toEqual([
      'PUSHER_APP_ID, PUSHER_APP_KEY, PUSHER_APP_SECRET: passed over, because the configuration names its apps itself.',
    ]);
    expect(load({ file, env: { PUSHER_APP_KEY: 'pk' } }).warnings).toHaveLength(1);
  });

  it('do no harm by wrong values when they are passed over', () => {
    const { apps, warnings } = load({ file, env: { ...reverb, REVERB_APP_ACCEPT_CLIENT_EVENTS_FROM: 'some' } });
    expect(apps.map(({ id }) => id)).toEqual(['f', 'p']);
    expect(warnings).toHaveLength(1);
  });

  it('need no warning when they say what the configuration says', () => {
    const env = { PUSHER_APP_ID: 'p', PUSHER_APP_KEY: 'other', PUSHER_APP_SECRET: 'x' };
    expect(load({ file, env }).warnings).toEqual([]);
  });

  it("are weaker than Soketi's and our own", () => {
    const soketi = { SOKETI_DEFAULT_APP_ID: 's', SOKETI_DEFAULT_APP_KEY: 'sk', SOKETI_DEFAULT_APP_SECRET: 'ss' };
    const other = load({ env: { ...pusher, ...soketi } });
    expect(other.apps).toMatchObject([{ id: 's', keys: [{ key: 'sk', secret: 'ss' }] }]);
    expect(other.warnings).toHaveLength(1);
    const same = load({ env: { ...pusher, KULKUL_DEFAULT_APP_ID: 'p', KULKUL_DEFAULT_APP_KEY: 'own' } });
    expect(same.apps).toMatchObject([{ id: 'p', keys: [{ key: 'own', secret: '0123' }] }]);
    expect(same.warnings).toEqual([]);
  });

  it('do not mix: Pusher comes first, unless only Reverb is complete', () => {
    const both = load({ env: { ...pusher, ...reverb } });
    expect(both.apps.map(({ id }) => id)).toEqual(['p']);
    expect(both.warnings).toEqual([
      'REVERB_APP_ID, REVERB_APP_KEY, REVERB_APP_SECRET: passed over, because PUSHER_APP_ID comes first.',
    ]);
    const half = load({ env: { PUSHER_APP_KEY: 'pk', ...reverb } });
    expect(half.apps).toMatchObject([{ id: 'r', keys: [{ key: 'rk', secret: 'rs' }] }]);
    expect(half.warnings).toHaveLength(1);
  });

  it('are refused when they are incomplete or wrong', () => {
    expect(failure({ env: { PUSHER_APP_KEY: 'pk' } })).toContain('appManager.array.apps[0].id: missing.');
    expect(failure({ env: { ...reverb, REVERB_APP_MAX_CONNECTIONS: 'many' } })).toContain(
      'REVERB_APP_MAX_CONNECTIONS  ',
    );
    expect(failure({ env: { ...reverb, REVERB_APP_ACCEPT_CLIENT_EVENTS_FROM: 'some' } })).toContain(
      'expected true or false, got "some"',
    );
  });
});

describe('variables of the server of Reverb', () => {
  it('set what they mean here', () => {
    const { settings } = load({
      env: {
        REVERB_SERVER_HOST: '127.0.0.1',
        REVERB_SERVER_PORT: '8080',
        REVERB_SERVER_PATH: 'ws',
        REVERB_MAX_REQUEST_SIZE: '1048576',
        REVERB_APP_MAX_MESSAGE_SIZE: '10000',
        REVERB_APP_ACTIVITY_TIMEOUT: '30',
        REVERB_SCALING_ENABLED: 'false',
      },
    });
    expect(settings).toMatchObject({
      host: '127.0.0.1',
      port: 8080,
      pathPrefix: '/ws',
      maxFrameBytes: 10_000,
      activityTimeoutSeconds: 30,
      httpApi: { requestLimitInMb: 1 },
    });
  });

  it('set the adapter when they ask for scaling, unless a stronger one says local', () => {
    expect(load({ env: { REVERB_SCALING_ENABLED: 'true' } }).settings.adapter.driver).toBe('redis');
    expect(load({ env: { REVERB_SCALING_ENABLED: 'false' } }).settings.adapter.driver).toBe('local');
    expect(
      load({ env: { REVERB_SCALING_ENABLED: 'true', SOKETI_ADAPTER_DRIVER: 'local' } }).settings.adapter.driver,
    ).toBe('local');
  });

  it("name Laravel's Redis, which is the application's own affair where there is no scaling", () => {
    const env = { REDIS_HOST: 'r', REDIS_PORT: '6380', REDIS_DB: '2', REDIS_USERNAME: 'u', REDIS_PASSWORD: 'null' };
    const { settings } = load({ env: { ...env, REVERB_SCALING_ENABLED: 'true' } });
    expect(settings.database.redis).toMatchObject({ host: 'r', port: 6380, db: 2, username: 'u' });
    expect(settings.database.redis.password).toBeUndefined();
    expect(load({ env: { ...env, REDIS_PORT: 'x' } })).toMatchObject({
      settings: { database: { redis: { host: '127.0.0.1', db: 0 } } },
      warnings: [],
    });
  });

  it('are ignored when they are for clients', () => {
    const env = { PUSHER_HOST: 'a', PUSHER_PORT: '443', PUSHER_SCHEME: 'https', REVERB_HOST: 'b', REVERB_PORT: '443' };
    expect(load({ env })).toMatchObject({ settings: { host: '0.0.0.0', port: 6001 }, warnings: [] });
  });
});
