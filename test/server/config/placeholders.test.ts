import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { appCreator } from '../../../server/apps/create-app-directory.ts';
import { placeholdersOf } from '../../../server/config/credentials.ts';
import { loadConfig } from '../../../server/config/index.ts';
import { storedApp } from '../apps/fake-app-store.ts';
import { failure, load } from './load.ts';

const SHIPPED = fileURLToPath(new URL('../../../soketi.config.json', import.meta.url));
const UNEXPANDED = [`\${PUSHER_APP_SECRET}`, `pre-\${SECRET:-x}`, '$(SECRET)', '{{ .Values.secret }}', '<your secret>'];
const KNOWN = [
  'app-secret',
  'APP_SECRET',
  'your-pusher-app-secret',
  'my-app-secret',
  'changeme',
  'development-secret-do-not-deploy',
];
const GOOD = ['a-secret-of-somebody', 'app-secret-2', 'xs3cr$t{}', '9f$(b', '$A', '%a%', '<>', '{{}}', 'f0e1d2c3b4a5'];
const PADDING = '-of-more-than-32-characters-do-not-deploy';

const file = (app: object, settings: object = {}): object => ({
  ...settings,
  'appManager.array.apps': [{ id: '1', key: 'k', secret: 's', ...app }],
});

describe('where others reach the broker, a secret that nobody put in', () => {
  it.each([...UNEXPANDED, ...KNOWN])('stops the start, with the way out: %s', (secret) => {
    for (const host of [undefined, '0.0.0.0', '::', '10.0.0.5', 'broker.internal']) {
      const message = failure({ file: file({ secret }, host === undefined ? {} : { host }) });
      expect(message).toContain('appManager.array.apps[0].secret: is ');
      expect(message).toContain(secret);
      expect(message).toMatch(
        /openssl rand -hex 32\. Or listen on this machine only: host 127\.0\.0\.1 \(--host 127\.0\.0\.1\)/,
      );
      expect(message).toContain(`On ${host ?? '0.0.0.0'} others can reach the broker.`);
    }
  });

  it('is found wherever it stands', () => {
    const keys = [
      { key: 'a', secret: 'b' },
      { key: '$(OTHER)', secret: 'app-secret' },
    ];
    const jwt = {
      keys: [
        { secret: `\${TOKEN_SECRET}${PADDING.replace('-do-not-deploy', '')}` },
        { secret: `development${PADDING}` },
      ],
    };
    const message = failure({ file: file({ key: '$(KEY)', keys, auth: { jwt } }) });
    const names = [...message.matchAll(/apps\[0\]\.([^:]+): is /g)].map(([, name]) => name);
    expect(names).toEqual([
      'key',
      'keys[1].key',
      'keys[1].secret',
      'auth.jwt.keys[0].secret',
      'auth.jwt.keys[1].secret',
    ]);
    expect(
      failure({
        env: {
          SOKETI_DEFAULT_APP_ID: 'app-id',
          SOKETI_DEFAULT_APP_KEY: 'app-key',
          SOKETI_DEFAULT_APP_SECRET: 'app-secret',
        },
      }),
    ).toMatch(/^SOKETI_DEFAULT_APP_SECRET {2}/);
    const admin = { host: '0.0.0.0', token: `\${KULKUL_ADMIN_TOKEN}` };
    expect(failure({ file: file({}, { admin }) })).toContain(`admin.token: is "\${KULKUL_ADMIN_TOKEN}" as it stands`);
  });

  it('is for development on loopback', () => {
    for (const host of ['127.0.0.1', '127.1.2.3', '::1', 'localhost']) {
      for (const secret of [...UNEXPANDED, ...KNOWN])
        expect(load({ file: file({ secret }, { host }) }).apps).toHaveLength(1);
    }
  });

  it.each(GOOD)('is not confused with one that somebody made: %s', (secret) => {
    expect(load({ file: file({ secret }) }).apps).toHaveLength(1);
    expect(placeholdersOf({ key: 'app-key', secret })).toEqual([]);
  });
});

it('the shipped file starts on loopback only', () => {
  const at = (host?: string) => loadConfig({ flags: { config: SHIPPED, host }, env: {}, cwd: '/' });
  expect(at().settings.host).toBe('127.0.0.1');
  for (const host of ['0.0.0.0', '::', '192.168.0.7']) {
    expect(() => at(host)).toThrow(
      /soketi\.config\.json:10:\d+ {2}.*secret: is the placeholder "development-secret-do-not-deploy", which everybody knows\. Make one with: openssl rand -hex 32/,
    );
  }
});

it('an app of a database with such a secret is none that can be used, but on loopback', () => {
  for (const secret of [...UNEXPANDED, ...KNOWN]) {
    const stored = { ...storedApp('1'), secret };
    const at = (host: string) => appCreator(load({ file: { host, 'appManager.driver': 'mysql' } }).settings)(stored);
    expect(() => at('0.0.0.0')).toThrow(/^secret: is .*openssl rand/);
    expect(at('127.0.0.1').id).toBe('1');
  }
});
