import { expect, it } from 'vitest';
import { failure, load, oneApp } from './load.ts';

/** Cause: each source was checked by itself. Symptom: a mistake in a file stopped the start, although a variable said otherwise. */
it('a wrong value that another source replaces is a warning that names both', () => {
  const file = { ...oneApp, port: '80a', 'log.level': 'wran' };
  const env = { SOKETI_PORT: '6002', KULKUL_LOG_LEVEL: 'warn' };
  const { settings, warnings } = load({ file, env, flags: { port: 6003 } });
  expect(settings).toMatchObject({ port: 6003, log: { level: 'warn' } });
  expect(warnings).toEqual([
    expect.stringMatching(
      /^port: expected a whole number from 0 to 65535, got "80a" \(soketi\.config\.json:1:\d+\)\. SOKETI_PORT replaces it\.$/,
    ),
    expect.stringMatching(/^log\.level: expected one of .*, got "wran" \(soketi.*\)\. KULKUL_LOG_LEVEL replaces it\.$/),
  ]);
  expect(failure({ file: { ...file, 'drain.jitter': 7 }, env })).toMatch(/drain\.jitter: expected a number[^\n]*$/);
});

it('a wrong value is a problem when nothing right comes after it, whatever came before', () => {
  expect(failure({ file: { port: 6001 }, env: { SOKETI_PORT: 'x' } })).toMatch(/^SOKETI_PORT {2}port: expected/);
  expect(failure({ file: { port: 'a' }, env: { SOKETI_PORT: 'b' } }).split('\n')).toHaveLength(2);
});

it('a secret is shown in neither', () => {
  const file = { ...oneApp, 'admin.token': 'hush' };
  const { warnings } = load({ file, env: { KULKUL_ADMIN_TOKEN: '0123456789abcdef' } });
  expect(warnings.join()).toMatch(/admin\.token.*got •••/);
  expect(warnings.join()).not.toMatch(/hush|0123456789abcdef/);
});

it('options of apps, structures of theirs and lists of apps are replaced likewise', () => {
  const app = { id: '1', key: 'k', secret: 's', maxConnections: 'many', channels: [{ nam: 'x' }] };
  const file = { 'appManager.array.apps': [app] };
  const env = { KULKUL_DEFAULT_APP_MAX_CONNECTIONS: '5', KULKUL_DEFAULT_APP_CHANNELS: '[{ "name": "a" }]' };
  const loaded = load({ file, env });
  expect(loaded.apps[0]?.limits.maxConnections).toBe(5);
  expect(loaded.warnings).toEqual([expect.stringContaining('KULKUL_DEFAULT_APP_MAX_CONNECTIONS replaces it.')]);
  const list = { KULKUL_APP_MANAGER_ARRAY_APPS: '[{"id":"2","key":"k","secret":"s"}]' };
  expect(load({ file, env: list }).apps.map(({ id }) => id)).toEqual(['2']);
  expect(failure({ file })).toMatch(/maxConnections: expected[\s\S]*channels\[0\]\.nam: unknown setting/);
});

it('an unknown name stops the start, also beside a value that another source replaces', () => {
  const file = { ...oneApp, port: 'x', prot: 1 };
  expect(failure({ file, env: { SOKETI_PORT: '1' } })).toMatch(
    /^soketi\.config\.json:1:\d+ {2}prot: unknown setting[^\n]*$/,
  );
});

it('an empty text in a file says nothing', () => {
  const file = {
    'appManager.array.apps': [{ id: '1', key: 'k', secret: 's', maxConnections: '', name: '' }],
    port: '',
    host: '',
    'log.level': '',
    'cors.origin': '',
    'ssl.certPath': '',
  };
  const { settings, warnings, origins } = load({ file });
  expect(settings).toMatchObject({ port: 6001, host: '0.0.0.0', log: { level: 'info' }, cors: { origin: ['*'] } });
  expect(settings.appManager.array.apps[0]).toMatchObject({ maxConnections: -1 });
  expect([warnings, origins.has('port')]).toEqual([[], false]);
  expect(failure({ file: { appId: '1', appKey: 'k', appSecret: '' } })).toContain('appSecret: missing.');
  expect(failure({ flags: { host: '' } })).toContain('host: must not be empty.');
});
