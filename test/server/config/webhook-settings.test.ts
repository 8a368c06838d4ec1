import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { createFolder, failure, fileName, load, oneApp } from './load.ts';

describe('settings of webhooks', () => {
  it("may be Soketi's", () => {
    const { settings, warnings } = load({
      file: { ...oneApp, webhooks: { batching: { enabled: true, duration: 100 } } },
    });
    expect(settings.webhooks.batching).toEqual({ enabled: true, duration: 100 });
    expect(warnings).toEqual([]);
    const env = { SOKETI_WEBHOOKS_BATCHING: '1', SOKETI_WEBHOOKS_BATCHING_DURATION: '20' };
    expect(load({ file: oneApp, env }).settings.webhooks.batching).toEqual({ enabled: true, duration: 20 });
  });

  it('have defaults', () => {
    expect(load({ file: oneApp }).settings.webhooks).toEqual({
      batching: { enabled: false, duration: 50 },
      graceSeconds: 3,
      timeoutSeconds: 10,
      retrySeconds: 300,
      maxQueued: 10_000,
      concurrency: 10,
      deadLetters: { max: 1000, maxAgeHours: 168 },
      allowPrivateTargets: false,
      journal: '',
    });
  });

  it('say that a duration has no effect without batching', () => {
    expect(load({ file: { ...oneApp, 'webhooks.batching.duration': 100 } }).warnings).toEqual([
      'Without effect while webhooks.batching.enabled is false: webhooks.batching.duration.',
    ]);
  });

  it('have the journal beside the file that names it, or in the working directory', () => {
    const cwd = createFolder();
    const file = { ...oneApp, 'webhooks.journal': 'journal' };
    expect(load({ file }, cwd).settings.webhooks.journal).toBe(path.join(cwd, 'journal'));
    const env = { KULKUL_WEBHOOKS_JOURNAL: '../journal' };
    expect(load({ env }, cwd).settings.webhooks.journal).toBe(path.join(cwd, '../journal'));
  });

  it('say that a journal has no effect with Redis, which is one', () => {
    const file = { ...oneApp, 'webhooks.journal': 'journal', 'adapter.driver': 'redis' };
    expect(load({ file }).warnings).toEqual(['Without effect while adapter.driver is redis: webhooks.journal.']);
  });

  it('can not stand in the place of the webhooks of an app', () => {
    expect(failure({ file: { ...oneApp, webhooks: [{ url: 'https://example.com' }] } })).toMatch(
      /^soketi\.config\.json:\d+:\d+ {2}webhooks: expected an object \(\{ … \}\), got a list\. Did you mean appManager\.array\.apps\[\]\.webhooks\?$/,
    );
  });

  it.each([
    ['batching.duration', 0],
    ['graceSeconds', -1],
    ['timeoutSeconds', 0],
    ['retrySeconds', 1.5],
    ['maxQueued', 0],
    ['concurrency', 0],
    ['deadLetters.max', -1],
    ['deadLetters.maxAgeHours', 0],
    ['allowPrivateTargets', 'perhaps'],
  ])('%s can not be %j', (name, value) => {
    const file = { ...oneApp, 'webhooks.batching.enabled': true, [`webhooks.${name}`]: value };
    expect(failure({ file })).toContain(`webhooks.${name}: expected `);
    expect(failure({ file })).toContain(`${fileName}:1:`);
  });
});
