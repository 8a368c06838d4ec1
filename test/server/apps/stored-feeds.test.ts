import pino from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type AppStore, AppStoreUnavailable, type StoredApp } from '../../../server/apps/app-store.ts';
import { StoredApps } from '../../../server/apps/stored-apps.ts';
import { createApp } from '../../../server/config/app-from-config.ts';
import { appOptionsSchema } from '../../../server/config/app-options.ts';
import { call } from '../../support/api-client.ts';
import { loadSettings, startBroker, type TestBroker } from '../../support/broker.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { StreamReader } from '../../support/stream-reader.ts';
import { WAYS } from '../feeds/either.ts';

/** A database in memory that can be away, and notes what it is asked. */
class FakeStore implements AppStore {
  readonly description = 'memory';
  apps: readonly StoredApp[] = [];
  readonly asked: string[] = [];
  isAway = false;

  async find(id: string): Promise<StoredApp | undefined> {
    this.#ask(`id ${id}`);
    return this.apps.find((app) => app.id === id);
  }

  async findByKey(key: string): Promise<StoredApp | undefined> {
    this.#ask(`key ${key}`);
    return this.apps.find((app) => app.key === key);
  }

  async findAll(ids: readonly string[]): Promise<ReadonlyMap<string, StoredApp>> {
    this.#ask(`ids ${ids.join()}`);
    return new Map(this.apps.filter(({ id }) => ids.includes(id)).map((app) => [app.id, app]));
  }

  async list(): Promise<readonly StoredApp[]> {
    this.#ask('list');
    return this.apps;
  }

  async listWithFeeds(): Promise<readonly StoredApp[]> {
    this.#ask('feeds');
    return this.apps.filter(({ feeds }) => feeds.length > 0);
  }

  insert(): never {
    throw new Error('not asked for here');
  }

  update(): never {
    throw new Error('not asked for here');
  }

  delete(): never {
    throw new Error('not asked for here');
  }

  async close(): Promise<void> {}

  #ask(question: string): void {
    this.asked.push(question);
    if (this.isAway) throw new AppStoreUnavailable('the database of the apps (memory) is away');
  }
}

const stored = (id: string, ...paths: readonly string[]): StoredApp =>
  appOptionsSchema.parse({
    id,
    key: `key-${id}`,
    secret: 's',
    feeds: paths.map((path) => ({ path, channel: 'news' })),
  });

let clock: FakeClock;
let store: FakeStore;
const open: StoredApps[] = [];
beforeEach(() => {
  clock = new FakeClock();
  store = new FakeStore();
});
afterEach(async () => {
  for (const apps of open.splice(0)) await apps.close();
});

function createDirectory(ttlSeconds = 60): StoredApps {
  const settings = loadSettings({});
  const apps = new StoredApps(store, {
    createApp: (options) => createApp(options, settings),
    ttlSeconds,
    isInUse: () => true,
    clock,
    log: pino({ level: 'silent' }),
  });
  open.push(apps);
  return apps;
}

/** Id of the app that has the feed at a path. */
const idAt = async (apps: StoredApps, path: string): Promise<string | undefined> => (await apps.feedAt(path))?.app.id;

describe('feeds of apps in a database', () => {
  test('are found by path, and at once when the app is known', async () => {
    store.apps = [stored('1', '/a', '/b'), stored('2', '/c')];
    const apps = createDirectory();
    expect(await idAt(apps, '/c')).toBe('2');
    expect(store.asked).toEqual(['feeds', 'id 2']);
    const found = apps.feedAt('/c');
    expect(found).not.toBeInstanceOf(Promise);
    expect(await found).toMatchObject({ app: { id: '2' }, feed: { path: '/c', channel: 'news' } });
    expect(await idAt(apps, '/b')).toBe('1');
    expect(store.asked).toEqual(['feeds', 'id 2', 'id 1']);
  });

  test('that are not there cost one question in five seconds, whatever the paths', async () => {
    store.apps = [stored('1', '/a')];
    const apps = createDirectory();
    await Promise.all(Array.from({ length: 100 }, (_, index) => apps.feedAt(`/try/${index}`)));
    expect(apps.feedAt('/other')).toBeUndefined();
    clock.advance(4999);
    expect(apps.feedAt('/other')).toBeUndefined();
    expect(store.asked).toEqual(['feeds']);
    store.apps = [stored('1', '/a', '/other')];
    clock.advance(1);
    expect(await idAt(apps, '/other')).toBe('1');
    expect(store.asked).toEqual(['feeds', 'feeds', 'id 1']);
  });

  test('are news at once when a node is told of a change', async () => {
    store.apps = [stored('1', '/a'), stored('2')];
    const apps = createDirectory(Number.POSITIVE_INFINITY);
    expect(await idAt(apps, '/a')).toBe('1');
    expect(await idAt(apps, '/b')).toBeUndefined();
    store.apps = [stored('1', '/b'), stored('2', '/a')];
    await apps.refresh(['1', '2']);
    expect(await idAt(apps, '/a')).toBe('2');
    expect(await idAt(apps, '/b')).toBe('1');
    store.apps = [stored('1', '/b')];
    await apps.refresh(['2']);
    expect(await idAt(apps, '/a')).toBeUndefined();
  });

  test('that change while they are read are read again', async () => {
    store.apps = [stored('1', '/a')];
    const apps = createDirectory();
    const asking = apps.feedAt('/b');
    store.apps = [stored('1', '/b')];
    const refreshing = apps.refresh(undefined);
    expect((await asking)?.app.id).toBe('1');
    await refreshing;
  });

  test('are those of the first app where two were given the same path by hand', async () => {
    store.apps = [stored('1', '/a'), stored('2', '/a')];
    const apps = createDirectory();
    await apps.byKey('key-2');
    expect(await idAt(apps, '/a')).toBe('1');
  });

  test('are asked for each time where nothing is to be remembered', async () => {
    store.apps = [stored('1', '/a')];
    const apps = createDirectory(0);
    expect(await idAt(apps, '/a')).toBe('1');
    store.apps = [];
    expect(await idAt(apps, '/a')).toBeUndefined();
  });

  test('of known apps work on while the database is away, others can not be told', async () => {
    store.apps = [stored('1', '/a')];
    const apps = createDirectory();
    await apps.feedAt('/a');
    store.isAway = true;
    clock.advance(5000);
    await expect(apps.feedAt('/b')).rejects.toThrow(AppStoreUnavailable);
    expect(apps.feedAt('/a')).toMatchObject({ app: { id: '1' } });
    await apps.refresh(['1']);
    expect(apps.feedAt('/a')).toMatchObject({ app: { id: '1' } });
    await expect(apps.feedAt('/b')).rejects.toThrow('is away');
  });
});

describe('a broker with apps in a database', () => {
  let broker: TestBroker;
  beforeEach(async () => {
    store.apps = [
      { ...stored('12345', '/feed', '/ws/ready', '/ws/apps/12345/channels'), key: 'test-key', secret: 'test-secret' },
    ];
    broker = await startBroker({ pathPrefix: '/ws' }, [], undefined, { directory: createDirectory() });
  });
  afterEach(() => broker.kill());

  test.each(WAYS)('lets readers by $name in, those that come first, too', async (way) => {
    const reader = await way.open(broker, '/feed');
    await call(broker.url, 'POST', '/ws/apps/12345/events', { body: { name: 'e', channel: 'news', data: 'x' } });
    expect(await reader.nextData()).toBe('x');
    reader.vanish();
    const again = await way.open(broker, '/feed');
    again.vanish();
  });

  test('answers what is no feed as ever, before and after it was asked for', async () => {
    for (let round = 0; round < 2; round += 1) {
      const none = await StreamReader.ask(`${broker.url}/none`);
      expect([none.status, none.headers['x-kulkul-error']]).toEqual([404, 'not-found']);
      expect(await none.text()).toContain('Path not found: /none; the HTTP API is below /apps/APP_ID');
      const plain = await fetch(`${broker.url}/feed`);
      expect([plain.status, plain.headers.get('x-kulkul-error')]).toEqual([404, 'feed-without-last']);
    }
  });

  test('never lets a feed hide the API, and does not ask for its paths', async () => {
    for (const path of ['/ready', '/ws/ready', '/ws', '/usage']) {
      expect((await fetch(`${broker.url}${path}`, { headers: { Accept: 'text/event-stream' } })).status).toBe(200);
    }
    expect((await fetch(`${broker.url}/`)).status).toBe(200);
    const api = await fetch(`${broker.url}/ws/apps/12345/channels`, { headers: { Accept: 'text/event-stream' } });
    expect(api.headers.get('x-kulkul-error')).toBe('missing-auth-key');
    expect(store.asked).not.toContain('feeds');
  });

  test('answers the health check at the root, whatever it accepts, where there is no feed', async () => {
    for (let round = 0; round < 2; round += 1) {
      const answer = await fetch(`${broker.url}/`, { headers: { Accept: 'text/event-stream' } });
      expect([answer.status, await answer.text()]).toEqual([200, 'OK']);
    }
  });

  test.each(WAYS)('says that it can not tell now, to readers by $name, and survives it', async (way) => {
    store.isAway = true;
    const refusal = await way.refused(broker, '/feed');
    if (way.name === 'WebSocket') {
      expect(refusal).toEqual({ code: 4100, reason: expect.stringContaining('is away') });
    } else {
      expect(refusal.code).toBe(200);
    }
    for (const method of ['GET', 'HEAD']) expect((await fetch(`${broker.url}/feed`, { method })).status).toBe(503);
    expect((await fetch(`${broker.url}/`)).status).toBe(200);
    expect(broker.log.filter(({ level }) => Number(level) >= 50)).toEqual([]);
  });
});
