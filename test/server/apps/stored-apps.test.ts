import pino from 'pino';
import { describe, expect, test } from 'vitest';
import type { App } from '../../../channels/app.ts';
import { AppStoreUnavailable } from '../../../server/apps/app-store.ts';
import { StoredApps } from '../../../server/apps/stored-apps.ts';
import { createApp } from '../../../server/config/app-from-config.ts';
import { loadSettings } from '../../support/broker.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { until } from '../../support/until.ts';
import { FakeAppStore, storedApp } from './fake-app-store.ts';

const SETTINGS = loadSettings({ 'appManager.driver': 'mysql' });

function setUp({ ttlSeconds = 60, inUse = [] as string[] } = {}) {
  const store = new FakeAppStore();
  store.put(storedApp('1'), storedApp('2'));
  const clock = new FakeClock();
  const log: Record<string, unknown>[] = [];
  const apps = new StoredApps(store, {
    createApp: (stored) => createApp(stored, SETTINGS),
    ttlSeconds,
    isInUse: (id) => inUse.includes(id),
    clock,
    log: pino({ level: 'info' }, { write: (line) => log.push(JSON.parse(line)) }),
  });
  const changes: [string, App | undefined][] = [];
  apps.onChange((id, app) => changes.push([id, app]));
  return { store, clock, log, apps, changes };
}

/** Lets everything happen that waits for nothing but promises. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('answers without asking, and without a promise, for an app that is known', async () => {
  const { apps, store } = setUp();
  const app = await apps.byKey('key-1');
  expect(app).toMatchObject({ id: '1', limits: { maxPresenceMembersPerChannel: 100 } });
  expect(apps.byKey('key-1')).toBe(app);
  expect(apps.byId('1')).toBe(app);
  expect(apps.known('1')).toBe(app);
  expect(apps.known('2')).toBeUndefined();
  expect(apps.knownIds).toEqual(['1']);
  expect(store.asked).toEqual(['findByKey key-1']);
});

test('lets those who ask for the same at the same time share one query', async () => {
  const { apps, store } = setUp();
  const open = store.holdBack();
  const answers = [
    apps.byKey('key-1'),
    apps.byKey('key-1'),
    apps.byId('1'),
    apps.byId('1'),
    apps.byKey('nobody'),
    apps.byKey('nobody'),
  ];
  open();
  const [first, ...others] = await Promise.all(answers);
  expect(others).toEqual([first, first, first, undefined, undefined]);
  for (const app of others.slice(0, 3)) expect(app).toBe(first);
  expect(store.asked).toEqual(['findByKey key-1', 'find 1', 'findByKey nobody']);
});

test('remembers for five seconds that there is no such id or key', async () => {
  const { apps, store, clock } = setUp();
  expect(await apps.byKey('3')).toBeUndefined();
  expect(await apps.byId('3')).toBeUndefined();
  store.put(storedApp('3', { key: '3' }));
  clock.advance(4999);
  expect(apps.byKey('3')).toBeUndefined();
  expect(apps.byId('3')).toBeUndefined();
  clock.advance(2);
  expect(await apps.byKey('3')).toMatchObject({ id: '3' });
  expect(store.asked).toEqual(['findByKey 3', 'find 3', 'findByKey 3']);
});

// Each random id and key was a query of its own: the memory of unknown ones helps against repeated ones only.
describe('random ids and keys', () => {
  const flood = async (apps: StoredApps, count: number): Promise<unknown[]> =>
    Promise.all(
      Array.from({ length: count }, (_, index) =>
        index % 2 === 0 ? apps.byKey(`flood-${index}`) : apps.byId(`flood-${index}`),
      ),
    );

  test('are looked up so often at once, then so often per second, and else refused as unknown without asking', async () => {
    const { apps, store, clock, log } = setUp();
    expect(new Set(await flood(apps, 10_000))).toEqual(new Set([undefined]));
    expect(store.asked).toHaveLength(500);
    expect([apps.byKey('one more'), apps.byId('one more')]).toEqual([undefined, undefined]);
    clock.advance(1000);
    await Promise.all(Array.from({ length: 1000 }, (_, index) => apps.byKey(`later-${index}`)));
    expect(store.asked).toHaveLength(600);
    expect(log.filter(({ msg }) => String(msg).includes('are tried out'))).toHaveLength(1);
    clock.advance(5000);
    store.put(storedApp('new'));
    expect(await apps.byId('new')).toMatchObject({ id: 'new' });
  });

  test('do not pile up in front of a database that is slow', async () => {
    const { apps, store } = setUp();
    const open = store.holdBack();
    const answers = flood(apps, 10_000);
    expect(store.asked).toHaveLength(500);
    expect(apps.byKey('one more')).toBeUndefined();
    // Who asks the same shares the answer.
    const same = apps.byKey('flood-0');
    expect(same).toBeInstanceOf(Promise);
    open();
    await Promise.all([answers, same]);
    expect(store.asked).toHaveLength(500);
  });

  test('are nothing to apps that are known, nor to those that are asked each time', async () => {
    for (const ttlSeconds of [60, 0]) {
      const { apps, store } = setUp({ ttlSeconds });
      const app = await apps.byId('1');
      await flood(apps, 1000);
      const asked = store.asked.length;
      for (let count = 0; count < 1000; count += 1) {
        expect([await apps.byId('1'), await apps.byKey('key-1')]).toEqual([app, app]);
      }
      expect(store.asked).toHaveLength(ttlSeconds === 0 ? asked + 2000 : asked);
    }
  });

  test('are told from apps that are there: a thousand of those are all found', async () => {
    const { apps, store } = setUp();
    for (let index = 0; index < 1000; index += 1) store.put(storedApp(`app-${index}`));
    for (let start = 0; start < 1000; start += 250) {
      const ids = Array.from({ length: 250 }, (_, index) => `app-${start + index}`);
      const found = await Promise.all(ids.map((id) => apps.byId(id)));
      expect(found.map((app) => app?.id)).toEqual(ids);
    }
    expect(apps.knownIds).toHaveLength(1000);
  });

  test('of a database that fails count for nothing', async () => {
    const { apps, store, clock } = setUp();
    store.isAway = true;
    await expect(flood(apps, 10_000)).rejects.toThrow('is away');
    store.isAway = false;
    clock.advance(1000);
    await until(() => apps.problem === undefined);
    expect(await apps.byId('2')).toMatchObject({ id: '2' });
  });

  test('in paths of feeds cost one question for all', async () => {
    const { apps, store } = setUp();
    await Promise.all(Array.from({ length: 1000 }, (_, index) => apps.feedAt(`/flood/${index}`)));
    for (let index = 0; index < 1000; index += 1) await apps.feedAt(`/more/${index}`);
    expect(store.asked).toEqual(['listWithFeeds']);
  });
});

test('reads all known apps again once per TTL by one query, and tells what is different', async () => {
  const { apps, store, clock, changes } = setUp();
  const [first, second] = [await apps.byId('1'), await apps.byId('2')];
  store.put(storedApp('1', { maxConnections: 5 }));
  store.put(storedApp('9'));
  clock.advance(59_999);
  await settled();
  expect(changes).toEqual([]);
  clock.advance(1);
  await settled();
  expect(store.asked.slice(2)).toEqual(['findAll 1,2']);
  expect(changes).toEqual([['1', expect.objectContaining({ limits: expect.objectContaining({ maxConnections: 5 }) })]]);
  expect(apps.byId('1')).toBe(changes[0]?.[1]);
  expect(apps.byId('1')).not.toBe(first);
  expect(apps.byId('2')).toBe(second);

  store.apps.delete('2');
  clock.advance(60_000);
  await settled();
  expect(changes.slice(1)).toEqual([['2', undefined]]);
  expect(await apps.byKey('key-2')).toBeUndefined();
});

test('takes new keys and gives up retired ones', async () => {
  const { apps, store } = setUp();
  await apps.byId('1');
  store.put(storedApp('1', { key: 'new', secret: 's', keys: [{ key: 'newer', secret: 's' }] }));
  // A key that nobody knows is asked for, and brings the app with it.
  expect(await apps.byKey('newer')).toMatchObject({ id: '1' });
  expect(apps.byKey('new')).toBe(apps.known('1'));
  expect(await apps.byKey('key-1')).toBeUndefined();
});

test('never reads again by itself without a TTL', async () => {
  const { apps, clock, store } = setUp({ ttlSeconds: Number.POSITIVE_INFINITY });
  await apps.byId('1');
  expect(clock.pending).toBe(0);
  store.put(storedApp('1', { maxConnections: 5 }));
  await apps.refresh(['1']);
  expect(apps.known('1')?.limits.maxConnections).toBe(5);
});

test('asks each time when nothing is to be kept, and knows the app on all the same while the database is away', async () => {
  const { apps, store, clock, changes } = setUp({ ttlSeconds: 0 });
  const before = await apps.byId('1');
  expect(await apps.byId('1')).toBe(before);
  store.put(storedApp('1', { maxConnections: 5 }));
  expect((await apps.byKey('key-1'))?.limits.maxConnections).toBe(5);
  expect(changes).toHaveLength(1);
  expect(await apps.byKey('3')).toBeUndefined();
  store.put(storedApp('3', { key: '3' }));
  expect(await apps.byKey('3')).toMatchObject({ id: '3' });
  store.isAway = true;
  expect(await apps.byId('1')).toMatchObject({ id: '1' });
  expect(apps.problem).toBe('the table is away');
  store.isAway = false;
  store.apps.delete('1');
  clock.advance(1000);
  await settled();
  expect(await apps.byId('1')).toBeUndefined();
  expect(changes.at(-1)).toEqual(['1', undefined]);
});

test('reads again at once on refresh, and forgets what was not there', async () => {
  const { apps, store, changes } = setUp();
  await apps.byId('1');
  await apps.byId('2');
  expect(await apps.byKey('3')).toBeUndefined();
  store.put(storedApp('3', { key: '3' }), storedApp('1', { enabled: false }), storedApp('2', { enabled: false }));
  await apps.refresh(['1', '3']);
  expect(changes.map(([id, app]) => [id, app?.enabled])).toEqual([['1', false]]);
  expect(await apps.byKey('3')).toMatchObject({ id: '3' });
  await apps.refresh();
  expect(changes.map(([id]) => id)).toEqual(['1', '2']);
});

test('does not take an answer that was asked for before a refresh for the state after it', async () => {
  const { apps, store } = setUp();
  const open = store.holdBack();
  const [missing, old] = [apps.byKey('3'), apps.byId('1')];
  store.put(storedApp('3', { key: '3' }), storedApp('1', { maxConnections: 5 }));
  const refreshed = apps.refresh(['1', '3']);
  open();
  await refreshed;
  expect(await missing).toMatchObject({ id: '3' });
  expect((await old)?.limits.maxConnections).toBe(5);
});

test('goes on with what it knows while the database is away, says so, and finds it again by itself', async () => {
  const { apps, store, clock, log, changes } = setUp();
  const app = await apps.byId('1');
  await apps.byId('2');
  store.isAway = true;
  clock.advance(60_000);
  await settled();
  expect(apps.problem).toBe('the table is away');
  expect(apps.byKey('key-1')).toBe(app);
  await expect(apps.byKey('key-9')).rejects.toThrow(AppStoreUnavailable);
  await expect(apps.byId('9')).rejects.toThrow('the database of the apps is away');
  const asked = store.asked.length;
  for (let second = 0; second < 200; second += 1) {
    clock.advance(1000);
    await settled();
    await expect(apps.byKey('key-9')).rejects.toThrow('the database of the apps is away');
  }
  // Once a second, whoever asks.
  expect(store.asked.slice(asked)).toEqual(Array.from({ length: 200 }, () => 'list 1'));
  expect(apps.byId('1')).toBe(app);
  expect(changes).toEqual([]);

  store.isAway = false;
  store.put(storedApp('9'));
  store.apps.delete('2');
  clock.advance(1000);
  await settled();
  expect(apps.problem).toBeUndefined();
  expect(changes).toEqual([['2', undefined]]);
  expect(await apps.byKey('key-9')).toMatchObject({ id: '9' });
  expect(log.map(({ msg }) => msg)).toEqual([
    'the database of the apps is away: apps that are known work on',
    'the database of the apps is back',
  ]);
  // And goes on reading once per TTL.
  store.put(storedApp('9', { maxConnections: 5 }));
  clock.advance(60_000);
  await settled();
  expect(apps.known('9')?.limits.maxConnections).toBe(5);
});

test('is not upset by a refresh while the database is away', async () => {
  const { apps, store } = setUp();
  await apps.byId('1');
  store.isAway = true;
  await expect(apps.refresh(['1'])).resolves.toBeUndefined();
  expect(apps.problem).toBe('the table is away');
  expect(apps.known('1')).toBeDefined();
});

test('forgets apps that nobody asked for during an hour, unless connections hold them', async () => {
  const { apps, clock, changes } = setUp({ inUse: ['2'] });
  await apps.byId('1');
  await apps.byId('2');
  for (let minute = 0; minute <= 61; minute += 1) {
    clock.advance(60_000);
    await settled();
  }
  expect(apps.knownIds).toEqual(['2']);
  expect(changes).toEqual([]);
  expect(await apps.byKey('key-1')).toMatchObject({ id: '1' });
});

test('keeps an app as it was when what is stored became unusable, and says so once', async () => {
  const { apps, store, log, clock, changes } = setUp();
  await apps.byId('1');
  const broken = storedApp('1');
  store.put({
    ...broken,
    channels: [{ name: 'private-{', subscribe: undefined, clientEvents: undefined, publish: undefined }],
  });
  for (let minute = 0; minute < 3; minute += 1) {
    clock.advance(60_000);
    await settled();
    expect(await apps.byId('1')).toMatchObject({ channelRules: [] });
  }
  expect(changes).toEqual([]);
  expect(log).toHaveLength(1);
  expect(log[0]).toMatchObject({
    app: '1',
    msg: 'an app in the database is passed over: what is stored can not be used',
  });
});

test('knows the only app there is', async () => {
  const { apps, store, clock } = setUp();
  expect(await apps.only()).toBeUndefined();
  store.apps.delete('2');
  clock.advance(5001);
  const only = await apps.only();
  expect(only).toMatchObject({ id: '1' });
  expect(apps.only()).toBe(only);
  const asked = store.asked.length;
  store.isAway = true;
  await apps.refresh(['1']);
  clock.advance(60_000);
  await settled();
  expect(store.asked.slice(asked)).toContain('findAll 1');
  await expect(apps.only()).rejects.toThrow(AppStoreUnavailable);
});

test('takes other limits that apps fall back to', async () => {
  const { apps, changes } = setUp();
  await apps.byId('1');
  await apps.byId('2');
  apps.recreate((stored) => createApp(stored, SETTINGS));
  expect(changes).toEqual([]);
  const next = loadSettings({ 'appManager.driver': 'mysql', 'presence.maxMembersPerChannel': 7 });
  apps.recreate((stored) => createApp(stored, next));
  expect(changes.map(([id, app]) => [id, app?.limits.maxPresenceMembersPerChannel])).toEqual([
    ['1', 7],
    ['2', 7],
  ]);
  expect(apps.byKey('key-1')).toBe(changes[0]?.[1]);
});

test('closes the store and stops reading', async () => {
  const { apps, store, clock } = setUp();
  await apps.byId('1');
  await apps.close();
  expect(store.isClosed).toBe(true);
  expect(clock.pending).toBe(0);
  await apps.refresh();
  expect(store.asked).toEqual(['find 1']);
});
