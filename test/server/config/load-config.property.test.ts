import { writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { appOptions, settings } from '../../../server/config/catalogue.ts';
import { settingAliases } from '../../../server/config/environment.ts';
import { ConfigError, describeConfig, loadConfig } from '../../../server/config/index.ts';
import { appAliases } from '../../../server/config/laravel.ts';
import { ineffectiveSettings } from '../../../server/config/soketi-settings.ts';
import { atLength } from '../../support/at-length.ts';
import { createFolder } from './load.ts';

const options = [...appOptions.keys()];
const apps = 'appManager.array.apps';
const names = [
  ...settings.keys(),
  ...ineffectiveSettings.keys(),
  ...[
    'appManager',
    'presence',
    'ssl',
    'adapter',
    'appId',
    'appKey',
    'appSecret',
    '__proto__',
    'constructor',
    '$schema',
    '',
    '.',
  ],
  ...options.map((option) => `${apps}.0.${option}`),
];
const variables = [
  ...[...settings.values(), ...appOptions.values()].flatMap(({ variable, meta }) => [
    variable,
    meta.soketi ?? variable,
  ]),
  ...[...settingAliases, ...appAliases.flatMap((group) => group.variables)].map(({ name }) => name),
  ...['SOKETI_X', 'KULKUL_X', '__proto__', 'KULKUL_', 'SOKETI_'],
];

const scalar = fc.oneof(
  fc.constantFrom<unknown>(0, 1, -1, 1.5, 1e21, '', '1', 'true', 'local', 'array', 'a', 'b', null, true, false),
  fc.string({ unit: 'binary' }),
  fc.double({ noNaN: true }),
);
const key = fc.oneof(fc.constantFrom(...names, ...options, 'key', 'secret', '0', '1.id'), fc.string());
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    scalar,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(key, tie('value'), { maxKeys: 4 }),
  ),
}));
const app = fc.dictionary(fc.constantFrom(...options), fc.oneof({ weight: 4, arbitrary: scalar }, value), {
  maxKeys: 6,
});
const configuration = fc.oneof(
  fc.dictionary(key, value, { maxKeys: 5 }),
  fc.record({ [apps]: fc.array(app, { maxLength: 3 }) }),
  value,
);
const fileText = fc.oneof(
  configuration.map((json) => JSON.stringify(json) ?? ''),
  fc.string({ unit: 'binary' }),
);
const text = fc.oneof(scalar.map(String), fc.json(), fileText);
const environment = fc.dictionary(fc.constantFrom(...variables), text, { maxKeys: 5 });

describe('loadConfig', () => {
  it('returns a configuration or throws a ConfigError, whatever it is given', () => {
    const cwd = createFolder();
    let accepted = 0;
    fc.assert(
      fc.property(fc.option(fileText), environment, fc.string(), (content, env, port) => {
        writeFileSync(path.join(cwd, 'c.json'), content ?? '{}');
        try {
          const loaded = loadConfig({
            flags: { config: 'c.json', ...(port !== '' && port < 'M' && { port }) },
            env,
            cwd,
          });
          accepted++;
          expect(loaded.apps.length).toBeGreaterThan(0);
          expect(loaded.apps.every(({ keys }) => keys.length > 0)).toBe(true);
          expect(describeConfig(loaded)).toContain('port');
        } catch (error) {
          if (!(error instanceof ConfigError)) throw error;
          expect(error.problems.length).toBeGreaterThan(0);
          for (const problem of error.problems) {
            expect(problem.where).not.toBe('');
            expect(problem.message).toMatch(/\.$/);
            expect(problem.message).not.toMatch(/\n/);
          }
        }
      }),
      { numRuns: atLength(300, 2000) },
    );
    expect(accepted).toBeGreaterThan(0);
  });

  it('gives ids, keys and secrets back exactly as a file and a variable have them', () => {
    const cwd = createFolder();
    const word = fc.stringMatching(/^[a-zA-Z0-9_.+-]{1,30}$/);
    fc.assert(
      fc.property(word, word, fc.string({ minLength: 1 }), (id, appKey, secret) => {
        writeFileSync(path.join(cwd, 'c.json'), JSON.stringify({ appId: id, appKey, appSecret: secret }));
        const expected = [{ id, keys: [{ key: appKey, secret }] }];
        expect(loadConfig({ flags: { config: 'c.json' }, env: {}, cwd }).apps).toMatchObject(expected);
        if (secret.trim() === '' || secret.trim().startsWith('"')) return;
        const env = { SOKETI_DEFAULT_APP_ID: id, KULKUL_DEFAULT_APP_KEY: appKey, SOKETI_DEFAULT_APP_SECRET: secret };
        expect(loadConfig({ flags: {}, env, cwd }).apps).toMatchObject(expected);
      }),
    );
  });

  it('gives numbers as ids back as they are written', () => {
    const cwd = createFolder();
    fc.assert(
      fc.property(fc.stringMatching(/^(0|[1-9][0-9]{0,30})(\.[0-9]{1,5})?([eE][1-9])?$/), (id) => {
        writeFileSync(path.join(cwd, 'c.json'), `{"appId": ${id}, "appKey": "k", "appSecret": "s"}`);
        expect(loadConfig({ flags: { config: 'c.json' }, env: {}, cwd }).apps[0]?.id).toBe(id);
      }),
    );
  });
});
