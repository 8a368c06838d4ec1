import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ListedRegistry } from '../../../server/admin/listed-registry.ts';
import type { StoredApp } from '../../../server/apps/app-store.ts';
import { appCreator } from '../../../server/apps/create-app-directory.ts';
import { createApps } from '../../../server/config/app-from-config.ts';
import type { Settings } from '../../../server/config/index.ts';
import type { WebhookOptions } from '../../../server/config/webhook-options.ts';
import { silentLog } from '../../../server/log.ts';
import { APP } from '../../support/broker.ts';
import { type AdminAnswer, type AdminBroker, loadAdminConfig, startAdminBroker } from './admin-broker.ts';

const HOOK: WebhookOptions = { url: 'http://10.0.0.5/hook', event_types: ['channel_occupied'] };

const problemsOf = ({ body }: AdminAnswer) => body.problems as { path: string; message: string; suggestion?: string }[];

describe('webhooks of an app that is changed', () => {
  let broker: AdminBroker;
  let api: AdminBroker['api'];
  beforeEach(async () => {
    broker = await startAdminBroker({ apps: [{ ...APP, webhooks: [HOOK] }] });
    api = broker.api;
  });
  afterEach(() => broker.stop());

  test('are refused in words', async () => {
    const webhooks = [
      { ...HOOK, event_types: ['channel_ocupied'] },
      { url: 'https://user:hidden@example.com', lambda_function: 'f', event_types: ['cache_miss'] },
      { url: 'ftp://user:hidden@example.com', event_types: [], headers: { 'X-Pusher-Key': 'hidden' } },
    ];
    const refused = await api('PATCH', `/apps/${APP.id}`, { webhooks });
    expect(refused.status).toBe(400);
    expect(problemsOf(refused)).toEqual([
      {
        path: '/webhooks/0/event_types/0',
        message: expect.stringContaining('got "channel_ocupied"'),
        suggestion: 'channel_occupied',
      },
      { path: '/webhooks/1/lambda_function', message: expect.stringContaining('webhooks go to URLs') },
      { path: '/webhooks/2/url', message: 'must be a URL that begins with https:// or http://' },
      { path: '/webhooks/2/event_types', message: 'must name one at least' },
      { path: '/webhooks/2/headers/X-Pusher-Key', message: 'is set by the broker, and can not be given' },
    ]);
    expect(refused.text).not.toContain('hidden');
  });

  test('that would never be sent are refused with what to switch on', async () => {
    const webhooks = [{ ...HOOK, event_types: ['subscription_count'] }];
    const refused = await api('PATCH', `/apps/${APP.id}`, { webhooks });
    expect(problemsOf(refused)).toEqual([
      { path: '/webhooks/0/event_types/0', message: expect.stringContaining('enableSubscriptionCountEvents') },
    ]);
    const change = { webhooks, enableSubscriptionCountEvents: true };
    expect((await api('PATCH', `/apps/${APP.id}`, change)).status).toBe(200);
    const off = await api('PATCH', `/apps/${APP.id}`, { enableSubscriptionCountEvents: false });
    expect(off.status).toBe(400);
    await broker.listed.replaceListed(loadAdminConfig({ 'appManager.array.apps': [{ ...APP, webhooks }] }).settings);
    // It was so before.
    expect((await api('PATCH', `/apps/${APP.id}`, { maxConnections: 5 })).status).toBe(200);
  });
});

describe('private addresses', () => {
  const settingsOf = (apps: readonly object[], more: object = {}): Settings =>
    loadAdminConfig({ 'appManager.array.apps': apps, ...more }).settings;
  let settings: Settings;
  const isAllowed = (id: string): boolean | undefined =>
    createApps(settings).find((app) => app.id === id)?.allowsPrivateTargets;
  const registryOf = (first: Settings): ListedRegistry => {
    settings = first;
    const replaceApps = (next: Settings): void => {
      settings = next;
    };
    return new ListedRegistry({ settings, replaceApps, log: silentLog() });
  };

  /** Cause: all that is listed would count as the operator's. Symptom: whoever has the admin API reaches what only this machine does. */
  test('may be called by webhooks of the configuration, and not by those that came over the admin API', async () => {
    const registry = registryOf(settingsOf([{ ...APP, webhooks: [HOOK] }]));
    const [app] = settings.appManager.array.apps;
    if (!app) throw new Error('there is an app');
    expect(isAllowed(APP.id)).toBe(true);
    await registry.update({ ...app, maxConnections: 5 });
    expect(isAllowed(APP.id)).toBe(true);
    await registry.update({ ...app, webhooks: [...app.webhooks, { ...HOOK, url: 'http://10.0.0.6/' }] });
    expect(isAllowed(APP.id)).toBe(false);
    await registry.update(app);
    expect(isAllowed(APP.id)).toBe(true);
    await registry.insert({ ...app, id: 'made', key: 'made-key' });
    expect(isAllowed('made')).toBe(false);
    await registry.replaceListed(settingsOf([APP]));
    expect([isAllowed(APP.id), isAllowed('made')]).toEqual([true, false]);
  });

  test('may not be called by webhooks out of a database, unless the settings say so', () => {
    const stored = settingsOf([{ ...APP, webhooks: [HOOK] }]).appManager.array.apps[0];
    if (!stored) throw new Error('there is an app');
    const allowing = settingsOf([APP], { 'webhooks.allowPrivateTargets': true });
    expect(appCreator(settingsOf([APP]))(stored).allowsPrivateTargets).toBe(false);
    expect(appCreator(allowing)(stored).allowsPrivateTargets).toBe(true);
  });

  test('may be called by all where the settings say so', async () => {
    const registry = registryOf(settingsOf([{ ...APP, webhooks: [HOOK] }], { 'webhooks.allowPrivateTargets': true }));
    const [app] = settings.appManager.array.apps;
    await registry.insert({ ...app, id: 'made', key: 'made-key' } as StoredApp);
    expect(isAllowed('made')).toBe(true);
  });
});
