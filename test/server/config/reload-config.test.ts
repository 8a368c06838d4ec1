import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { ConfigError, type LoadedConfig, loadConfig } from '../../../server/config/index.ts';
import { type ReloadedConfig, reloadConfig } from '../../../server/config/load-config.ts';
import { createFolder, fileName } from './load.ts';

const app = { id: '1', key: 'k', secret: 's' };

interface Reloading {
  readonly running: LoadedConfig;
  reload(): ReloadedConfig;
}

/** A configuration that runs, and the file of which was written anew. */
function rewritten(before: object, after: object, env: Record<string, string> = {}): Reloading {
  const cwd = createFolder();
  const sources = { flags: { config: fileName }, env, cwd };
  const write = (content: object): void => writeFileSync(path.join(cwd, fileName), JSON.stringify(content));
  write(before);
  const running = loadConfig(sources);
  write(after);
  return { running, reload: () => reloadConfig(sources, running) };
}

test('takes apps, and the limits that they fall back to', () => {
  const after = {
    'appManager.array.apps': [
      { ...app, enabled: false },
      { id: '2', key: 'k2', secret: 's' },
    ],
    presence: { maxMembersPerChannel: 1 },
    'channelLimits.maxNameLength': 2,
    'eventLimits.maxBatchSize': 3,
    'clientEvents.maxPerSecondPerConnection': 4,
  };
  const { config, postponed } = rewritten({ 'appManager.array.apps': [app] }, after).reload();
  const limits = {
    maxPresenceMembersPerChannel: 1,
    maxChannelNameLength: 2,
    maxEventBatchSize: 3,
    maxClientEventsPerSecond: 4,
  };
  expect(config.apps).toMatchObject([
    { id: '1', enabled: false, limits },
    { id: '2', enabled: true, limits },
  ]);
  expect(config.settings.appManager.array.apps.map(({ id }) => id)).toEqual(['1', '2']);
  expect(config.settings).toMatchObject({ presence: { maxMembersPerChannel: 1 }, eventLimits: { maxBatchSize: 3 } });
  expect(postponed).toEqual([]);
});

test('names other settings that differ, and leaves them as they were', () => {
  const apps = { 'appManager.array.apps': [app] };
  const after = { ...apps, port: 7000, cors: { origin: ['https://a.example'] }, httpApi: { bodyTimeoutSeconds: 3 } };
  const { reload, running } = rewritten({ ...apps, port: 6002 }, after);
  const { config, postponed } = reload();
  expect(postponed).toEqual(['port', 'httpApi.bodyTimeoutSeconds', 'cors.origin']);
  expect(config.settings).toEqual(running.settings);
});

test('counts variables and flags as a start does', () => {
  const env = { KULKUL_DEFAULT_APP_MAX_CONNECTIONS: '5', KULKUL_PORT: '6002' };
  const apps = { 'appManager.array.apps': [app] };
  const { config, postponed } = rewritten(apps, { ...apps, port: 7000 }, env).reload();
  expect(config.apps[0]?.limits.maxConnections).toBe(5);
  expect(postponed).toEqual([]);
});

test('keeps the app that was made up for the run, with what is said about it now', () => {
  const { reload, running } = rewritten({}, {}, { KULKUL_DEFAULT_APP_ENABLE_CLIENT_MESSAGES: '1' });
  const { config } = reload();
  expect(config.generatedApp).toBe(true);
  expect(config.apps).toEqual(running.apps);
  const again = rewritten({}, { 'presence.maxMembersPerChannel': 7 });
  const [made] = again.running.apps;
  expect(again.reload().config.apps).toEqual([
    { ...made, limits: { ...made?.limits, maxPresenceMembersPerChannel: 7 } },
  ]);
});

test('drops the app that was made up once one is configured', () => {
  const { config } = rewritten({}, { 'appManager.array.apps': [app] }).reload();
  expect(config.apps.map(({ id }) => id)).toEqual(['1']);
  expect(config.generatedApp).toBe(false);
});

test('refuses a file without apps where there were some', () => {
  const { reload } = rewritten({ 'appManager.array.apps': [app] }, { 'appManager.array.apps': [] });
  expect(reload).toThrow(ConfigError);
  expect(reload).toThrow(
    'appManager.array.apps: no app is left. To refuse the clients of an app, set its enabled to false.',
  );
});
