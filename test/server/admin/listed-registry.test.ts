import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Settings } from '../../../server/config/index.ts';
import { RawClient } from '../../support/raw-client.ts';
import { type AdminBroker, loadAdminConfig, startAdminBroker } from './admin-broker.ts';

const app = (id: string, options: object = {}) => ({ id, key: `${id}-key`, secret: `${id}-secret`, ...options });
const FILE = [app('kept'), app('edited'), app('gone')];

let broker: AdminBroker;
let api: AdminBroker['api'];
beforeEach(async () => {
  broker = await startAdminBroker({ apps: FILE });
  api = broker.api;
});
afterEach(() => broker.stop());

/** As the file is after somebody wrote it. */
function settingsWith(apps: readonly object[], more: object = {}): Settings {
  return loadAdminConfig({ 'appManager.array.apps': apps, ...more }).settings;
}

async function listed(): Promise<readonly (readonly [id: unknown, stored: unknown, limit: unknown])[]> {
  const { body } = await api('GET', '/apps');
  return (body.apps as Record<string, unknown>[]).map(({ id, stored, maxConnections }) => [id, stored, maxConnections]);
}

test('changes outlast a reload of the file, but for apps that it has otherwise now', async () => {
  await api('POST', '/apps', app('made'));
  await api('PATCH', '/apps/kept', { maxConnections: 5 });
  await api('PATCH', '/apps/edited', { maxConnections: 6 });
  await api('DELETE', '/apps/gone');
  await broker.listed.replaceListed(settingsWith(FILE));
  const changed = [
    ['edited', 'memory', 6],
    ['kept', 'memory', 5],
    ['made', 'memory', -1],
  ];
  expect(await listed()).toEqual(changed);
  await broker.listed.replaceListed(
    settingsWith([app('kept'), app('edited', { maxConnections: 9 }), app('new'), app('gone')]),
  );
  expect(await listed()).toEqual([
    ['edited', 'file', 9],
    ['kept', 'memory', 5],
    ['made', 'memory', -1],
    ['new', 'file', -1],
  ]);
  const warnings = broker.log.filter(({ level }) => level === 40);
  expect(warnings).toEqual([
    expect.objectContaining({
      app: 'edited',
      msg: 'changes to an app through the admin API are overridden by the configuration',
    }),
  ]);
  const client = await RawClient.connect(broker.wsUrl, { key: 'made-key' });
  await broker.listed.replaceListed(settingsWith([app('kept'), app('gone', { name: 'again' })]));
  expect(await listed()).toEqual([
    ['gone', 'file', -1],
    ['kept', 'memory', 5],
    ['made', 'memory', -1],
  ]);
  expect(await client.flush()).toEqual([]);
});

test('an app that was taken out of the file is gone, whatever was changed of it', async () => {
  const client = await RawClient.connect(broker.wsUrl, { key: 'kept-key' });
  await api('PATCH', '/apps/kept', { maxConnections: 5 });
  await broker.listed.replaceListed(settingsWith([app('edited')]));
  expect(await listed()).toEqual([['edited', 'file', -1]]);
  expect((await client.closed()).code).toBe(4001);
});

test('an app gives way to the file where that gives its id or its key to another', async () => {
  await api('POST', '/apps', app('made'));
  await api('POST', '/apps', app('same-key', { key: 'wanted' }));
  await broker.listed.replaceListed(
    settingsWith([...FILE, app('made', { name: 'of the file' }), app('x', { key: 'wanted' })]),
  );
  expect(await listed()).toEqual([
    ['edited', 'file', -1],
    ['gone', 'file', -1],
    ['kept', 'file', -1],
    ['made', 'file', -1],
    ['x', 'file', -1],
  ]);
  expect(broker.server.node.connections.size).toBe(0);
});

test('limits that apps fall back to are those of the file that was read last', async () => {
  await api('POST', '/apps', app('made'));
  const client = await RawClient.connect(broker.wsUrl, { key: 'made-key' });
  await broker.listed.replaceListed(settingsWith(FILE, { 'channelLimits.maxNameLength': 5 }));
  client.subscribe('too-long');
  expect((await client.flush()).join()).toContain('limit 5');
});

test('an app of the file that was deleted can be made anew, and deleted again', async () => {
  await api('DELETE', '/apps/gone');
  expect((await api('POST', '/apps', app('gone', { maxConnections: 3 }))).body.stored).toBe('memory');
  expect((await listed())[1]).toEqual(['gone', 'memory', 3]);
  await api('DELETE', '/apps/gone');
  expect((await listed()).map(([id]) => id)).toEqual(['edited', 'kept']);
});
