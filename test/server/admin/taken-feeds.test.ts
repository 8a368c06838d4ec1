import pino from 'pino';
import { expect, test } from 'vitest';
import { ListedRegistry } from '../../../server/admin/listed-registry.ts';
import { AppConflict, type StoredApp } from '../../../server/apps/app-store.ts';
import { appOptionsSchema } from '../../../server/config/app-options.ts';
import { loadSettings } from '../../support/broker.ts';

const app = (id: string, ...paths: readonly string[]): StoredApp =>
  appOptionsSchema.parse({ id, key: `k${id}`, secret: 's', feeds: paths.map((path) => ({ path, channel: 'news' })) });
const settings = (...apps: readonly StoredApp[]) => loadSettings({ 'appManager.array.apps': apps });

test('an app that is made or changed over the admin API can not have a feed at a path of another app', async () => {
  const registry = new ListedRegistry({
    settings: settings(app('1', '/a')),
    replaceApps: () => {},
    log: pino({ level: 'silent' }),
  });
  await expect(registry.insert(app('2', '/b', '/a'))).rejects.toThrow('The path /a is taken by a feed of the app 1.');
  await registry.insert(app('2', '/b'));
  await expect(registry.update(app('2', '/a'))).rejects.toThrow(AppConflict);
  await registry.update(app('1', '/c'));
  await registry.update(app('2', '/a'));
  expect((await registry.find('2'))?.app.feeds[0]?.path).toBe('/a');
});

test('a change gives way when the configuration gives its path to another app', async () => {
  const applied: string[][] = [];
  const registry = new ListedRegistry({
    settings: settings(app('1'), app('2')),
    replaceApps: ({ appManager }) =>
      void applied.push(appManager.array.apps.flatMap(({ feeds }) => feeds.map(({ path }) => path))),
    log: pino({ level: 'silent' }),
  });
  await registry.update(app('1', '/a'));
  await registry.replaceListed(settings(app('1'), app('2', '/a')));
  expect(applied).toEqual([['/a'], ['/a']]);
  expect((await registry.find('1'))?.app.feeds).toEqual([]);
});
