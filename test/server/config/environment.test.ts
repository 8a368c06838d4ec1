import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { appOptions, settings } from '../../../server/config/catalogue.ts';
import { createFolder, failure, load, oneApp, onlyApp } from './load.ts';

const first = 'appManager.array.apps.0';
const defaultApp = { SOKETI_DEFAULT_APP_ID: '1', SOKETI_DEFAULT_APP_KEY: 'k', SOKETI_DEFAULT_APP_SECRET: 's' };

describe('sources', () => {
  it('win in the order default, file, .env, environment, flag', () => {
    const file = { port: 1 };
    const dotenv = 'SOKETI_PORT=2';
    const env = { SOKETI_PORT: '3' };
    const flags = { port: '4' };
    const port = (sources: Parameters<typeof load>[0]) => load(sources).settings.port;
    expect(port({})).toBe(6001);
    expect(port({ file })).toBe(1);
    expect(port({ file, dotenv })).toBe(2);
    expect(port({ file, dotenv, env })).toBe(3);
    expect(port({ file, dotenv, env, flags })).toBe(4);
  });

  it('win among variables in the order alias, Soketi, ours, wherever they stand', () => {
    const alias = { REVERB_SERVER_PORT: '1' };
    const soketi = { SOKETI_PORT: '2' };
    const port = (env: Record<string, string>, dotenv = '') => load({ env, dotenv }).settings.port;
    expect(port(alias)).toBe(1);
    expect(port({ ...alias, ...soketi })).toBe(2);
    expect(port({ ...alias, ...soketi, KULKUL_PORT: '3' })).toBe(3);
    expect(port({ ...alias, ...soketi }, 'KULKUL_PORT=3')).toBe(3);
  });

  it('are told for every value', () => {
    const { origins } = load({
      file: oneApp,
      dotenv: 'SOKETI_DEBUG=1',
      env: { KULKUL_HOST: 'localhost', SOKETI_DEFAULT_APP_MAX_CONNS: '3' },
      flags: { port: 7000 },
    });
    expect(origins.get('debug')).toEqual({ kind: 'variable', name: 'SOKETI_DEBUG', dotenv: true });
    expect(origins.get('log.level')).toEqual({ kind: 'variable', name: 'SOKETI_DEBUG', dotenv: true });
    expect(origins.get('host')).toEqual({ kind: 'variable', name: 'KULKUL_HOST', dotenv: false });
    expect(origins.get('port')).toEqual({ kind: 'flag', name: '--port' });
    expect(origins.get(`${first}.maxConnections`)).toMatchObject({ name: 'SOKETI_DEFAULT_APP_MAX_CONNS' });
    expect(origins.get(`${first}.id`)).toMatchObject({ kind: 'file' });
  });

  it('may replace a driver that is not possible here', () => {
    const file = { 'adapter.driver': 'cluster' };
    expect(failure({ file })).toContain('soketi.config.json:1:19  adapter.driver: "cluster" is not possible');
    expect(failure({ file, env: { SOKETI_ADAPTER_DRIVER: 'nats' } })).toMatch(
      /^SOKETI_ADAPTER_DRIVER {2}adapter.driver: "nats"[^\n]*$/,
    );
    expect(load({ file, env: { KULKUL_ADAPTER_DRIVER: 'redis' } }).settings.adapter.driver).toBe('redis');
  });

  it('include flags of any type that the command line hands over', () => {
    expect(load({ flags: { port: 0, host: '::1', debug: true } }).settings).toMatchObject({
      port: 0,
      host: '::1',
      debug: true,
    });
    expect(failure({ flags: { host: '' } })).toBe('--host  host: must not be empty.');
  });
});

describe('variables', () => {
  it('that are empty count as not set, so that .env applies', () => {
    expect(load({ env: { SOKETI_PORT: '', SOKETI_HOST: ' ' }, dotenv: 'SOKETI_PORT=2' }).settings).toMatchObject({
      port: 2,
      host: '0.0.0.0',
    });
  });

  it.each([
    ['1', true],
    ['TRUE', true],
    ['Yes', true],
    ['on', true],
    ['"true"', true],
    ['0', false],
    ['False', false],
    ['no', false],
    ['OFF', false],
  ])('read %s as boolean %s', (text, value) => {
    expect(load({ env: { KULKUL_CORS_CREDENTIALS: text } }).settings.cors.credentials).toBe(value);
  });

  it('read lists as JSON or separated by commas', () => {
    const origin = (text: string) => load({ env: { KULKUL_CORS_ORIGIN: text } }).settings.cors.origin;
    expect(origin('["https://a.example", "https://b.example"]')).toEqual(['https://a.example', 'https://b.example']);
    expect(origin('https://a.example, https://b.example')).toEqual(['https://a.example', 'https://b.example']);
    expect(failure({ env: { KULKUL_CORS_ORIGIN: '[1' } })).toContain(
      'cors.origin: expected a list of texts, got "[1".',
    );
  });

  // Soketi parses every variable as JSON, so that a secret of digits loses its zeros and never verifies.
  it.each([['0123'], ['123456'], ['1e5'], ['12345678901234567890'], ['true'], ['null'], ['{"a":1}'], ['"'], ['-0']])(
    'keep the secret %s as it is',
    (secret) => {
      expect(onlyApp({ env: { ...defaultApp, SOKETI_DEFAULT_APP_SECRET: secret } }).keys).toEqual([
        { key: 'k', secret },
      ]);
    },
  );

  it('lose the quotes that a container runtime has left around them', () => {
    expect(onlyApp({ env: { ...defaultApp, SOKETI_DEFAULT_APP_ID: '"0123"' } }).id).toBe('0123');
    expect(load({ env: { SOKETI_PORT: '"7000"' } }).settings.port).toBe(7000);
  });

  it('exist for every setting, and for every option of the first app', () => {
    expect([...settings.values()].map(({ variable }) => variable)).toContain(
      'KULKUL_HTTP_API_ACCEPT_TRAFFIC_MEMORY_THRESHOLD',
    );
    expect([...appOptions.values()].map(({ variable }) => variable)).toContain(
      'KULKUL_DEFAULT_APP_MAX_PRESENCE_MEMBER_SIZE_IN_KB',
    );
    for (const { variable, kind, path: name } of settings.values()) {
      // 2048 is out of range for these only.
      const text = {
        'httpApi.acceptTraffic.memoryThreshold': '90',
        'drain.jitter': '1',
        'tracing.ratio': '0.5',
        activityTimeoutSeconds: '90',
        'feeds.pingIntervalSeconds': '90',
      };
      if (kind === 'number')
        expect(
          load({ env: { [variable]: text[name as keyof typeof text] ?? '2048' } }).origins.get(name),
        ).toMatchObject({ name: variable });
    }
    for (const { variable, kind, path: name } of appOptions.values()) {
      const text = { keys: '[]', structure: name === 'auth' ? '{}' : '[]' }[String(kind)] ?? '1';
      const { origins } = load({ env: { [variable]: text, ...ownApp(variable) } });
      expect(origins.get(`${first}.${name}`)).toMatchObject({ name: variable });
    }
  });

  it('give all apps as JSON, instead of those of the file', () => {
    const apps = '[{"id": 0.10, "key": "a", "secret": "b"}, {"id": "2", "key": "c", "secret": "d"}]';
    expect(load({ file: oneApp, env: { KULKUL_APP_MANAGER_ARRAY_APPS: apps } }).apps.map(({ id }) => id)).toEqual([
      '0.10',
      '2',
    ]);
    expect(failure({ env: { KULKUL_APP_MANAGER_ARRAY_APPS: '[{"x": 1' } })).toContain(
      'appManager.array.apps: syntax error',
    );
    expect(failure({ env: { KULKUL_APP_MANAGER_ARRAY_APPS: '{}' } })).toContain('expected a list of apps as JSON');
    expect(failure({ env: { KULKUL_APP_MANAGER_ARRAY_APPS: '[{"idd": 1}]' } })).toContain(
      '[0].idd: unknown setting. Did you mean id?',
    );
  });

  it('give further pairs of the first app', () => {
    const env = { ...defaultApp, KULKUL_DEFAULT_APP_KEYS: '[{"key": 1, "secret": 0}]' };
    expect(onlyApp({ env }).keys).toEqual([
      { key: 'k', secret: 's' },
      { key: '1', secret: '0' },
    ]);
    expect(failure({ env: { KULKUL_DEFAULT_APP_KEYS: 'x' } })).toContain('appManager.array.apps[0].keys: syntax error');
    expect(failure({ env: { KULKUL_DEFAULT_APP_KEYS: '5' } })).toContain(
      'keys: expected a list of { "key", "secret" }.',
    );
  });

  it('that are unknown and carry our name stop the start', () => {
    expect(failure({ env: { KULKUL_PROT: '1' } })).toBe('KULKUL_PROT  unknown variable. Did you mean KULKUL_PORT?');
    expect(failure({ dotenv: 'KULKUL_ZZZZZZZZ=1' })).toBe('.env: KULKUL_ZZZZZZZZ  unknown variable.');
  });

  it("that are unknown and carry Soketi's name are named in the warning", () => {
    expect(load({ env: { SOKETI_PROT: '1', SOKETI_ZZZZZZZZ: '1' } }).warnings).toEqual([
      'Without effect in this version: SOKETI_PROT (unknown; did you mean SOKETI_PORT?), SOKETI_ZZZZZZZZ (unknown).',
    ]);
  });

  it("without the prefix, as Soketi's documentation still prints them, are pointed out", () => {
    expect(load({ env: { DEFAULT_APP_ID: '1', PORT: '1', HOST: 'x', DEBUG: '*' } }).warnings).toEqual([
      'The variable DEFAULT_APP_ID is not read: did you mean SOKETI_DEFAULT_APP_ID?',
    ]);
  });

  // Kubernetes describes a service named kulkul in variables of every container, KULKUL_PORT=tcp://… among them.
  it('that Kubernetes sets for a service of the same name are ignored', () => {
    const links = (name: string) => ({
      [`${name}_PORT`]: 'tcp://10.0.0.1:6001',
      [`${name}_SERVICE_HOST`]: '10.0.0.1',
      [`${name}_SERVICE_PORT`]: '6001',
      [`${name}_SERVICE_PORT_HTTP`]: '6001',
      [`${name}_PORT_6001_TCP`]: 'tcp://10.0.0.1:6001',
      [`${name}_PORT_6001_TCP_PROTO`]: 'tcp',
      [`${name}_PORT_6001_TCP_PORT`]: '6001',
      [`${name}_PORT_6001_TCP_ADDR`]: '10.0.0.1',
    });
    const loaded = load({ env: { ...links('KULKUL'), ...links('SOKETI'), ...links('KULKUL_METRICS') } });
    expect(loaded.settings.port).toBe(6001);
    expect(loaded.warnings).toEqual([]);
  });

  it('are read past a folder named .env', () => {
    const cwd = createFolder();
    mkdirSync(path.join(cwd, '.env'));
    expect(load({ env: { SOKETI_PORT: '1' } }, cwd).settings.port).toBe(1);
  });
});

/** What an app needs beside this variable. */
function ownApp(variable: string): Record<string, string> {
  const { [variable]: _, ...others }: Record<string, string> = {
    KULKUL_DEFAULT_APP_ID: '1',
    KULKUL_DEFAULT_APP_KEY: 'k',
    KULKUL_DEFAULT_APP_SECRET: 's',
  };
  return others;
}

describe('variables of the default app', () => {
  it('create it', () => {
    const loaded = load({ env: defaultApp });
    expect(loaded.apps).toMatchObject([{ id: '1', keys: [{ key: 'k', secret: 's' }] }]);
    expect(loaded.generatedApp).toBe(false);
  });

  it('change the first app of the file, a flat one too, and leave the others', () => {
    const file = {
      'appManager.array.apps': [
        { id: 'a', key: 'ka', secret: 's' },
        { id: 'b', key: 'kb', secret: 's' },
      ],
    };
    const env = {
      SOKETI_DEFAULT_APP_MAX_CONNS: '5',
      SOKETI_DEFAULT_APP_ID: 'z',
      KULKUL_DEFAULT_APP_MAX_CONNECTIONS: '6',
    };
    expect(load({ file, env }).apps).toMatchObject([
      { id: 'z', limits: { maxConnections: 6 } },
      { id: 'b', limits: { maxConnections: -1 } },
    ]);
    expect(load({ file: { appId: 'f', appKey: 'kf', appSecret: 's', ...file }, env }).apps.map(({ id }) => id)).toEqual(
      ['z', 'a', 'b'],
    );
  });

  it.each([
    ['ENABLE_CLIENT_MESSAGES', '1', { enableClientMessages: true }],
    ['ENABLED', 'false', { enabled: false }],
    ['USER_AUTHENTICATION', 'true', { enableUserAuthentication: true }],
    ['MAX_CONNS', '7', { limits: { maxConnections: 7 } }],
    ['MAX_BACKEND_EVENTS_PER_SEC', '7', { limits: { maxBackendEventsPerSecond: 7 } }],
    ['MAX_CLIENT_EVENTS_PER_SEC', '-1', { limits: { maxClientEventsPerSecond: -1 } }],
    ['MAX_READ_REQ_PER_SEC', '7', { limits: { maxReadRequestsPerSecond: 7 } }],
  ])('set %s', (name, text, expected) => {
    expect(onlyApp({ env: { ...defaultApp, [`SOKETI_DEFAULT_APP_${name}`]: text } })).toMatchObject(expected);
  });
});
