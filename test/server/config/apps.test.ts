import { describe, expect, it } from 'vitest';
import { failure, fileName, load, onlyApp } from './load.ts';

const app = { id: '1', key: 'k', secret: 's' };
const list = (...apps: unknown[]) => ({ 'appManager.array.apps': apps });
const at = 'appManager.array.apps[0]';

describe('apps in the file', () => {
  // Cause: for each app all options of all apps were gone through. Symptom: with 4000 apps the start, and a running broker that read its file again,
  // stood still for minutes.
  it('may be thousands', () => {
    const many = Array.from({ length: 3000 }, (_, index) => ({
      ...app,
      id: `i${index}`,
      key: `k${index}`,
      enabled: true,
    }));
    const { apps, origins } = load({ file: JSON.stringify(list(...many), null, 2) });
    expect(apps.map(({ id }) => id)).toEqual(many.map(({ id }) => id));
    expect(origins.get('appManager.array.apps.2999.key')).toMatchObject({ kind: 'file', line: 17_999, column: 14 });
  });

  it('have the defaults of Soketi and the limits of all apps', () => {
    expect(onlyApp({ file: list(app) })).toEqual({
      id: '1',
      keys: [{ key: 'k', secret: 's' }],
      enabled: true,
      forceTls: false,
      allowedOrigins: [],
      allowMissingOrigin: true,
      enableClientMessages: false,
      enableUserAuthentication: false,
      enableSubscriptionCountEvents: false,
      enableWatchlistEvents: false,
      feeds: [],
      coalescing: [],
      channelRules: [],
      webhooks: [],
      allowsPrivateTargets: true,
      limits: {
        maxConnections: -1,
        maxBackendEventsPerSecond: -1,
        maxClientEventsPerSecond: 10,
        maxAppClientEventsPerSecond: -1,
        maxReadRequestsPerSecond: -1,
        maxPresenceMembersPerChannel: 100,
        maxPresenceMemberBytes: 2048,
        maxChannelNameLength: 200,
        maxEventChannelsAtOnce: 100,
        maxEventNameLength: 200,
        maxEventPayloadBytes: 102_400,
        maxEventBatchSize: 10,
        cacheTtlSeconds: 3600,
      },
    });
  });

  it('fall back to the settings of all apps, and override them', () => {
    const global = {
      presence: { maxMembersPerChannel: 1, maxMemberSizeInKb: 0.5 },
      channelLimits: { maxNameLength: 2, cacheTtl: 3 },
      eventLimits: { maxChannelsAtOnce: 4, maxNameLength: 5, maxPayloadInKb: 6, maxBatchSize: 7 },
      clientEvents: { maxPerSecondPerConnection: 8 },
    };
    const own = {
      maxPresenceMembersPerChannel: 11,
      maxPresenceMemberSizeInKb: 12,
      maxChannelNameLength: 13,
      cacheTtl: 14,
      maxEventChannelsAtOnce: 15,
      maxEventNameLength: 16,
      maxEventPayloadInKb: 17,
      maxEventBatchSize: 18,
      maxClientEventsPerSecond: -1,
    };
    const { apps } = load({ file: { ...global, ...list(app, { id: '2', key: 'k2', secret: 's', ...own }) } });
    const shared = {
      maxConnections: -1,
      maxBackendEventsPerSecond: -1,
      maxAppClientEventsPerSecond: -1,
      maxReadRequestsPerSecond: -1,
    };
    expect(apps.map(({ limits }) => limits)).toEqual([
      {
        ...shared,
        maxPresenceMembersPerChannel: 1,
        maxPresenceMemberBytes: 512,
        maxChannelNameLength: 2,
        cacheTtlSeconds: 3,
        maxEventChannelsAtOnce: 4,
        maxEventNameLength: 5,
        maxEventPayloadBytes: 6144,
        maxEventBatchSize: 7,
        maxClientEventsPerSecond: 8,
      },
      {
        ...shared,
        maxPresenceMembersPerChannel: 11,
        maxPresenceMemberBytes: 12 * 1024,
        maxChannelNameLength: 13,
        cacheTtlSeconds: 14,
        maxEventChannelsAtOnce: 15,
        maxEventNameLength: 16,
        maxEventPayloadBytes: 17 * 1024,
        maxEventBatchSize: 18,
        maxClientEventsPerSecond: -1,
      },
    ]);
  });

  it.each([
    ['maxConnections', 'MaxConnections', 'max_connections'],
    ['maxBackendEventsPerSecond', 'MaxBackendEventsPerSecond', 'max_backend_events_per_sec'],
    ['maxClientEventsPerSecond', 'MaxClientEventsPerSecond', 'max_client_events_per_sec'],
    ['maxReadRequestsPerSecond', 'MaxReadRequestsPerSecond', 'max_read_req_per_sec'],
    ['maxPresenceMembersPerChannel', 'MaxPresenceMembersPerChannel', 'max_presence_members_per_channel'],
    ['maxChannelNameLength', 'MaxChannelNameLength', 'max_channel_name_length'],
    ['maxEventChannelsAtOnce', 'MaxEventChannelsAtOnce', 'max_event_channels_at_once'],
    ['maxEventNameLength', 'MaxEventNameLength', 'max_event_name_length'],
    ['maxEventBatchSize', 'MaxEventBatchSize', 'max_event_batch_size'],
  ] as const)('take %s in all three spellings', (...spellings) => {
    for (const spelling of spellings) {
      expect(onlyApp({ file: list({ ...app, [spelling]: 33 }) }).limits[spellings[0]]).toBe(33);
    }
  });

  it('take rows of a database: null, 0 and 1, capitals', () => {
    const file = list({
      Id: 1,
      Key: 'k',
      Secret: 's',
      Enabled: 1,
      enable_client_messages: '1',
      max_event_batch_size: null,
    });
    expect(onlyApp({ file })).toMatchObject({
      id: '1',
      enabled: true,
      enableClientMessages: true,
      limits: { maxEventBatchSize: 10 },
    });
  });

  it('keep ids, keys and secrets exactly as they are written, numbers too', () => {
    const file = '{"appManager.array.apps": [{"id": 12345678901234567890, "key": 1e5, "secret": 1.50}]}';
    expect(onlyApp({ file })).toMatchObject({ id: '12345678901234567890', keys: [{ key: '1e5', secret: '1.50' }] });
  });

  it('may have several pairs, the top-level one first', () => {
    const keys = [
      { key: 'a', secret: 'x' },
      { key: 'b', secret: 2 },
    ];
    expect(onlyApp({ file: list({ id: '1', keys }) }).keys).toEqual([
      { key: 'a', secret: 'x' },
      { key: 'b', secret: '2' },
    ]);
    expect(onlyApp({ file: list({ ...app, keys }) }).keys.map(({ key }) => key)).toEqual(['k', 'a', 'b']);
    expect(onlyApp({ file: list({ ...app, keys: [{ key: 'k', secret: 's' }] }) }).keys).toHaveLength(1);
  });

  it('may be given by dotted number, also beside the list', () => {
    expect(
      onlyApp({
        file: {
          'appManager.array.apps.0.id': '1',
          'appManager.array.apps.0.key': 'k',
          appManager: { 'array.apps.0': { secret: 's' } },
        },
      }).id,
    ).toBe('1');
    expect(onlyApp({ file: { ...list(app), 'appManager.array.apps.0.maxConnections': 5 } }).limits.maxConnections).toBe(
      5,
    );
    expect(onlyApp({ file: { 'appManager.array.apps.0.maxConnections': 5, ...list(app) } }).limits.maxConnections).toBe(
      5,
    );
    expect(onlyApp({ file: { appManager: { array: { apps: { 0: app } } } } }).id).toBe('1');
  });

  it('may be a single flat one, which comes before a list', () => {
    const flat = { appId: 7, appKey: 'fk', appSecret: 'fs', appName: 'flat' };
    const file = {
      ...flat,
      host: '127.0.0.1',
      port: 6002,
      database: { redis: { host: 'r', tls: {} } },
      cors: { origin: '*' },
    };
    expect(onlyApp({ file })).toMatchObject({ id: '7', keys: [{ key: 'fk', secret: 'fs' }] });
    expect(load({ file: { ...list(app), ...flat } }).apps.map(({ id }) => id)).toEqual(['7', '1']);
    expect(failure({ file: { ...flat, appId: '1', ...list(app) } })).toContain(
      `${at}.id: the id "1" is taken by another app`,
    );
    expect(failure({ file: { appId: '1', appKey: 'k' } })).toBe(
      `${fileName}:1:2  appSecret: missing. An app needs id, key and secret.`,
    );
  });
});

describe('refused apps in the file', () => {
  it.each([
    [list({ ...app, maxConnection: 1 }), `${at}.maxConnection: unknown setting. Did you mean maxConnections?`],
    [list({ ...app, 'keys.0.key': 1 }), `${at}.keys.0.key: unknown setting.`],
    [list({ key: 'k', secret: 's' }), `${at}.id: missing. An app needs id, key and secret.`],
    [list({ id: '1', key: 'k' }), `${at}.secret: missing.`],
    [list({ id: '1', secret: 's', keys: [{ key: 'a', secret: 'b' }] }), `${at}.key: missing.`],
    [list({ id: '1', keys: [] }), `${at}.key: missing.`],
    [list({}), `${at}.id: missing.`],
    [list({ ...app, id: '' }), `${at}.id: missing.`],
    [list({ ...app, id: true }), `${at}.id: expected a text, got true.`],
    [
      list({ ...app, id: 'a/b' }),
      `${at}.id: must not contain spaces or any of / ? # % { }: it is part of a URL, got "a/b".`,
    ],
    [
      list({ ...app, key: 'a:b' }),
      `${at}.key: must not contain spaces or any of / ? # % :: it is part of a URL, got •••.`,
    ],
    [list({ ...app, keys: 'x' }), `${at}.keys: expected a list of { "key", "secret" }.`],
    [list({ ...app, keys: ['x'] }), `${at}.keys[0]: expected an object with key and secret.`],
    [list({ ...app, keys: [{ key: 'x' }] }), `${at}.keys[0].secret: missing.`],
    [list({ ...app, keys: [{ key: 'x', secret: '' }] }), `${at}.keys[0].secret: must not be empty.`],
    [list({ ...app, keys: [{ key: 'x', secret: 'y', id: 1 }] }), `${at}.keys[0].id: unknown setting.`],
    [list({ ...app, keys: [{ key: 'k', secret: 'other' }] }), `${at}.keys: holds the same key twice`],
    [
      list({ ...app, maxConnections: -2 }),
      `${at}.maxConnections: expected a whole number of at least 0, or -1 for no limit, got -2.`,
    ],
    [list(app, { ...app, key: 'k2' }), 'apps[1].id: the id "1" is taken by another app (soketi.config.json:1:27).'],
    [list(app, { ...app, id: '2' }), 'apps[1].key: the key is taken by another app (soketi.config.json:1:27).'],
    [list(app, { id: '2', keys: [{ key: 'k', secret: 'x' }] }), 'apps[1].keys: the key is taken by another app'],
    [list('x'), `${at}: expected an object with id, key and secret.`],
    [{ 'appManager.array.apps': 'x' }, 'appManager.array.apps: expected a list of apps.'],
    [{ 'appManager.array.apps.x.id': '1' }, 'appManager.array.apps.x: expected the number of an app, counted from 0.'],
    [{ 'appManager.array.apps.99999999.id': '1' }, 'expected the number of an app'],
    [{ 'appManager.array.apps.1': app }, 'apps[1]: the apps before it are missing; they count from 0.'],
    [
      { ...list(app), appManager: { array: { apps: [app] } } },
      'appManager.array.apps: listed a second time; the first list is at soketi.config.json:1:26.',
    ],
  ])('are named: %j', (file, message) => {
    expect(failure({ file })).toContain(message);
  });

  it('never show a key or secret', () => {
    const message = failure({ file: list({ id: 'i', key: 'very:private', secret: { a: 'hidden' } }) });
    expect(message).not.toMatch(/private|hidden/);
  });
});

describe('no app at all', () => {
  it('makes one with random credentials', () => {
    const first = load({ file: {} });
    const second = load({});
    expect(first.generatedApp).toBe(true);
    expect(first.origins.get('appManager.array.apps.0.secret')).toEqual({ kind: 'generated' });
    expect(first.apps[0]?.id).toMatch(/^\d{6}$/);
    expect(first.apps[0]?.keys[0]?.key).toMatch(/^[0-9a-f]{20}$/);
    expect(first.apps[0]?.keys).not.toEqual(second.apps[0]?.keys);
  });

  it('gives it the options that variables name', () => {
    const loaded = load({ env: { SOKETI_DEFAULT_APP_ENABLE_CLIENT_MESSAGES: '1' } });
    expect(loaded.generatedApp).toBe(true);
    expect(loaded.apps[0]).toMatchObject({ enableClientMessages: true });
  });

  it('makes none beside a configured one, nor out of an incomplete one', () => {
    expect(load({ file: list(app) }).generatedApp).toBe(false);
    expect(failure({ env: { SOKETI_DEFAULT_APP_KEY: 'k', SOKETI_DEFAULT_APP_SECRET: 's' } })).toBe(
      `SOKETI_DEFAULT_APP_KEY  ${at}.id: missing. An app needs id, key and secret.`,
    );
    expect(failure({ env: { KULKUL_APP_MANAGER_ARRAY_APPS: '[{}]' } })).toContain(`${at}.id: missing.`);
  });
});
