import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { AppConflict, type AppStore, AppStoreUnavailable, type StoredApp } from '../../server/apps/app-store.ts';
import { appOptionsSchema } from '../../server/config/app-options.ts';

/** A database with one store on it, and a way round the store. */
export interface AppStoreFixture {
  readonly store: AppStore;
  /** A second node on the same database. */
  readonly other: AppStore;
  /** What the store has logged. */
  readonly log: readonly Record<string, unknown>[];
  /** Statements, each of which ends with a semicolon, past the store. `"key"` is quoted as the database wants it. */
  execute(sql: string): Promise<void>;
  /** Both tables are empty and as docs/apps.md makes them. */
  createTables(): Promise<void>;
  /** One table as Soketi has it, and nothing else. */
  createSoketiTable(): Promise<void>;
  close(): Promise<void>;
}

export function app(options: Record<string, unknown> = {}): StoredApp {
  return appOptionsSchema.parse({ id: '1', key: 'k1', secret: 's1', ...options });
}

const PUBLIC_KEY = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  .publicKey.export({ type: 'spki', format: 'pem' })
  .toString();

/** With something in each column and in `options`. */
const FULL = {
  name: 'Dépôt "Ω" \'; --',
  enabled: false,
  forceTls: true,
  allowedOrigins: ['https://*.example.com'],
  allowMissingOrigin: false,
  enableClientMessages: true,
  enableUserAuthentication: true,
  enableSubscriptionCountEvents: true,
  enableWatchlistEvents: true,
  maxConnections: 100_000,
  maxBackendEventsPerSecond: 200_000,
  maxClientEventsPerSecond: 0,
  maxAppClientEventsPerSecond: 7,
  maxReadRequestsPerSecond: 300_000,
  maxPresenceMembersPerChannel: 5000,
  maxPresenceMemberSizeInKb: 2.5,
  maxChannelNameLength: 164,
  maxEventChannelsAtOnce: 150,
  maxEventNameLength: 201,
  maxEventPayloadInKb: 0.5,
  maxEventBatchSize: 20,
  cacheTtl: 60,
  auth: {
    jwt: {
      keys: [{ kid: 'a', secret: 'a secret of more than 32 characters' }],
      issuer: 'https://id.example.com',
      claims: { roles: 'realm_access.roles' },
    },
  },
  channels: [
    { name: 'private-user.{sub}', subscribe: 'own' },
    { name: 'private-*', subscribe: { roles: ['admin'] } },
  ],
  feeds: [{ path: "/a/%41'_~", channel: 'news', last: true }],
  webhooks: [{ url: 'https://example.com/hook', event_types: ['channel_occupied'] }],
};

/** What every store of apps must do, whatever the database. */
export function appStoreContract(name: string, open: () => Promise<AppStoreFixture>): void {
  describe(name, () => {
    let fixture: AppStoreFixture;
    let store: AppStore;
    beforeAll(async () => {
      fixture = await open();
      store = fixture.store;
    });
    afterAll(() => fixture.close());

    describe('with the tables of docs/apps.md', () => {
      beforeEach(() => fixture.createTables());

      test('gives back what was stored, to all nodes, by id and by each key', async () => {
        const stored = app({
          ...FULL,
          keys: [
            { key: 'k2', secret: '"0123"' },
            { key: 'k3', secret: "s'3" },
          ],
        });
        await store.insert(stored);
        for (const node of [store, fixture.other]) {
          expect(await node.find('1')).toEqual(stored);
          for (const key of ['k1', 'k2', 'k3']) expect(await node.findByKey(key)).toEqual(stored);
        }
        expect(fixture.log).toEqual([]);
      });

      test('gives back an app that says nothing as one that says nothing', async () => {
        await store.insert(app());
        expect(await store.find('1')).toEqual(app());
      });

      test('knows nothing of other ids and keys', async () => {
        await store.insert(app({ keys: [{ key: 'k2', secret: 's2' }] }));
        for (const id of ['2', '', 'k1', '1 ', ' 1', '01', '1.0']) expect(await store.find(id)).toBeUndefined();
        for (const key of ['1', '', 's1', 'K1', 'k1 ', 'K2', 'k2 ']) expect(await store.findByKey(key)).toBeUndefined();
      });

      test('puts the first pair of an app that has keys only where Soketi looks for it', async () => {
        const {
          key: _key,
          secret: _secret,
          ...options
        } = app({
          keys: [
            { key: 'k8', secret: 's8' },
            { key: 'k9', secret: 's9' },
          ],
        });
        await store.insert(options);
        expect(await store.findByKey('k9')).toEqual(
          app({ key: 'k8', secret: 's8', keys: [{ key: 'k9', secret: 's9' }] }),
        );
      });

      test('lists apps by their ids, and reads several at once', async () => {
        for (const id of ['b', 'c', 'a'])
          await store.insert(app({ id, key: `key-${id}`, keys: [{ key: `further-${id}`, secret: 's' }] }));
        expect((await store.list()).map(({ id, keys }) => [id, keys[0]?.key])).toEqual([
          ['a', 'further-a'],
          ['b', 'further-b'],
          ['c', 'further-c'],
        ]);
        expect((await store.list(2)).map(({ id }) => id)).toEqual(['a', 'b']);
        expect([...(await store.findAll(['c', 'x', 'a'])).keys()].sort()).toEqual(['a', 'c']);
        expect(await store.findAll([])).toEqual(new Map());
      });

      test('reads more apps at once than fit into one statement', async () => {
        const ids = Array.from({ length: 1100 }, (_, index) => `many-${index}`);
        await fixture.execute(
          ids.map((id) => `INSERT INTO apps (id, "key", secret) VALUES ('${id}', 'k-${id}', 's');`).join(''),
        );
        expect((await store.findAll(ids)).size).toBe(1100);
      });

      test('changes all of an app, so that what is left out is gone', async () => {
        await store.insert(
          app({
            ...FULL,
            keys: [
              { key: 'k2', secret: 's2' },
              { key: 'k3', secret: 's3' },
            ],
          }),
        );
        const next = app({
          secret: 'new',
          maxConnections: 5,
          keys: [
            { key: 'k3', secret: 's3' },
            { key: 'k4', secret: 's4' },
          ],
        });
        expect(await store.update(next)).toBe(true);
        expect(await fixture.other.find('1')).toEqual(next);
        expect(await fixture.other.findByKey('k2')).toBeUndefined();
        expect(await store.update(app({ id: '2', key: 'other' }))).toBe(false);
        expect(await store.find('2')).toBeUndefined();
      });

      test('lists the apps that have feeds, and no others', async () => {
        const feeds = [{ path: '/b', channel: 'b' }];
        expect(await store.listWithFeeds()).toEqual([]);
        await store.insert(app({ id: '2', key: 'k2', feeds, keys: [{ key: 'k3', secret: 's' }] }));
        await store.insert(app({ id: '1', feeds: [{ path: '/a', channel: 'a' }] }));
        // Holds the word, but no feed.
        await store.insert(app({ id: '3', key: 'k4', name: '"feeds"' }));
        await fixture.execute(
          `INSERT INTO apps (id, "key", secret, options) VALUES ('0', 'k0', 's', '{ "feeds" :\n[ ] }');
           INSERT INTO apps (id, "key", secret, options) VALUES ('4', 'k5', 's', '{ "feeds": "none" }');`,
        );
        const found = await fixture.other.listWithFeeds();
        expect(found).toEqual([
          app({ id: '1', feeds: [{ path: '/a', channel: 'a' }] }),
          app({ id: '2', key: 'k2', feeds, keys: [{ key: 'k3', secret: 's' }] }),
        ]);
      });

      test('refuses a feed at a path that another app has, and takes it once that one has it no more', async () => {
        const feeds = [
          { path: '/a', channel: 'a' },
          { path: '/b', channel: 'b' },
        ];
        await store.insert(app({ feeds }));
        const other = app({ id: '2', key: 'k2', feeds: [{ path: '/b', channel: 'other' }] });
        await expect(fixture.other.insert(other)).rejects.toThrow('The path /b is taken by a feed of the app 1.');
        await fixture.other.insert(app({ id: '2', key: 'k2' }));
        await expect(store.update(other)).rejects.toThrow(AppConflict);
        expect(await store.update(app({ feeds: feeds.slice(0, 1) }))).toBe(true);
        expect(await store.update(other)).toBe(true);
        expect(await store.find('2')).toEqual(other);
      });

      test('keeps the age of pairs that stay, and lets the oldest come first', async () => {
        await store.insert(app({ keys: [{ key: 'z', secret: 's' }] }));
        await store.update(
          app({
            keys: [
              { key: 'z', secret: 's' },
              { key: 'a', secret: 's' },
            ],
          }),
        );
        await store.update(
          app({
            keys: [
              { key: 'a', secret: 's' },
              { key: 'z', secret: 's' },
            ],
          }),
        );
        expect((await store.find('1'))?.keys.map(({ key }) => key)).toEqual(['z', 'a']);
      });

      test('deletes an app with all its keys', async () => {
        await store.insert(app({ keys: [{ key: 'k2', secret: 's2' }] }));
        await store.insert(app({ id: '2', key: 'other', keys: [{ key: 'further', secret: 's' }] }));
        expect(await store.delete('1')).toBe(true);
        expect(await store.delete('1')).toBe(false);
        expect(await fixture.other.findByKey('k2')).toBeUndefined();
        expect(await store.findByKey('further')).toBeDefined();
        await store.insert(app({ keys: [{ key: 'k2', secret: 's2' }] }));
      });

      test.each([
        ['id', app({ key: 'other' }), 'The id 1 is taken'],
        ['key', app({ id: '2' }), 'The key k1 is taken by the app 1'],
        ['further key', app({ id: '2', key: 'k2' }), 'The key k2 is taken by the app 1'],
        ['key as a further one', app({ id: '2', key: 'x', keys: [{ key: 'k1', secret: 's' }] }), 'The key k1 is taken'],
        ['key twice', app({ id: '2', key: 'x', keys: [{ key: 'x', secret: 's' }] }), 'holds the key x twice'],
      ])('refuses the same %s a second time, and stores nothing then', async (_, second, message) => {
        await store.insert(app({ keys: [{ key: 'k2', secret: 's2' }] }));
        const refusal = await store.insert(second).catch((error: unknown) => error);
        expect(refusal).toBeInstanceOf(AppConflict);
        expect(String(refusal)).toContain(message);
        expect(await store.list()).toHaveLength(1);
        expect(await store.findByKey('x')).toBeUndefined();
      });

      test('refuses to change an app so that it takes the key of another', async () => {
        await store.insert(app());
        await store.insert(app({ id: '2', key: 'k2' }));
        await expect(store.update(app({ id: '2', key: 'k1' }))).rejects.toThrow('The key k1 is taken by the app 1');
        expect(await store.findByKey('k2')).toMatchObject({ id: '2' });
      });

      test('lets one of many nodes have a key that all of them want at once', async () => {
        const stores = [store, fixture.other];
        // No constraint of the database reaches over both tables.
        const asFirst = { key: 'wanted' };
        const asFurther = { keys: [{ key: 'wanted', secret: 's' }] };
        const attempts = Array.from({ length: 8 }, (_, index) => {
          const own = { id: `${index}`, key: `own-${index}` };
          return stores[index % 2]?.insert(app({ ...own, ...(index % 4 < 2 ? asFirst : asFurther) }));
        });
        const results = await Promise.allSettled(attempts);
        expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
        for (const result of results)
          if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(AppConflict);
        expect(await store.list()).toHaveLength(1);
      });

      test.each(
        [
          ["' OR '1'='1"],
          ["k1' -- "],
          ["\\' OR 1=1 -- "],
          ["'; DROP TABLE apps; --"],
          ['" OR ""="'],
          ['` OR 1=1 -- '],
          ['$1'],
          ['?'],
          [':key'],
          ['%'],
          ['_1'],
          ['0'],
          ['k1\0'],
          ['\ud800'],
          ['😀'],
          ['k'.repeat(256)],
          ['x'.repeat(1_000_000)],
        ].map(([text = '']) => [JSON.stringify(text.slice(0, 20)), text] as const),
      )('takes %s for a text, and for nothing else', async (_, text) => {
        await store.insert(app({ keys: [{ key: 'k2', secret: 's2' }] }));
        for (const node of [store, fixture.other]) {
          expect(await node.find(text)).toBeUndefined();
          expect(await node.findByKey(text)).toBeUndefined();
          expect(await node.delete(text)).toBe(false);
          expect(await node.findAll([text, '1'])).toEqual(new Map([['1', await node.find('1')]]));
        }
        expect(await store.list()).toHaveLength(1);
      });

      test('stores texts that look like SQL, and an app of such a name', async () => {
        const strange = app({
          id: "1'OR'1'='1",
          key: "k'\\",
          secret: '`"\'\\; --',
          keys: [{ key: '"', secret: "\\'" }],
        });
        await store.insert(strange);
        expect(await store.find("1'OR'1'='1")).toEqual(strange);
        expect(await store.findByKey("k'\\")).toEqual(strange);
        expect(await store.findByKey('"')).toEqual(strange);
      });

      test.each([
        ['options that are no JSON', "options = '{'", 'options: expected a JSON object.'],
        ['options that are a list', "options = '[]'", 'options: expected a JSON object.'],
        [
          'an unknown option',
          `options = '{"forceTLS": true}'`,
          'options.forceTLS: unknown setting. Did you mean forceTls?',
        ],
        ['an option of the wrong type', `options = '{"forceTls": "maybe"}'`, 'options.forceTls'],
        ['a secret in the options', `options = '{"secret": "x"}'`, 'options.secret: stands in a column'],
        [
          'a file as public key',
          `options = '{"auth": {"jwt": {"keys": [{"publicKeyFile": "/etc/passwd"}]}}}'`,
          'publicKeyFile',
        ],
        ['an empty secret', "secret = ''", 'secret: must not be empty'],
      ])('passes over an app with %s, and says so once', async (_, change, problem) => {
        await store.insert(app({ secret: 'hidden' }));
        await store.insert(app({ id: '2', key: 'k2' }));
        const before = fixture.log.length;
        await fixture.execute(`UPDATE apps SET ${change} WHERE id = '1';`);
        expect(await store.find('1')).toBeUndefined();
        expect(await store.findByKey('k1')).toBeUndefined();
        expect((await store.list()).map(({ id }) => id)).toEqual(['2']);
        const lines = fixture.log.slice(before);
        expect(lines).toHaveLength(1);
        expect(lines[0]).toMatchObject({ app: '1', table: 'apps', problems: [expect.stringContaining(problem)] });
        expect(JSON.stringify(lines)).not.toContain('hidden');

        expect(await store.update(app())).toBe(true);
        expect(await store.find('1')).toEqual(app());
      });

      test.each([
        ['max_connections = -2', 'max_connections', {}],
        ['max_event_batch_size = 0', 'max_event_batch_size', {}],
        ['max_presence_members_per_channel = -2', 'max_presence_members_per_channel', {}],
        [
          `options = '{"maxEventPayloadInKb": "all", "forceTls": true}'`,
          'options.maxEventPayloadInKb',
          { forceTls: true },
        ],
        [`options = '{"cacheTtl": -1}'`, 'options.cacheTtl', {}],
      ])('passes over a limit that can not be read, not its app, and warns once: %s', async (change, problem, more) => {
        const stored = app({ secret: 'hidden' });
        await store.insert(stored);
        const before = fixture.log.length;
        await fixture.execute(`UPDATE apps SET ${change} WHERE id = '1';`);
        const expected = { ...stored, ...more };
        for (const found of [await store.find('1'), await store.findByKey('k1'), (await store.list())[0]]) {
          expect(found).toEqual(expected);
        }
        const lines = fixture.log.slice(before);
        expect(lines).toEqual([
          expect.objectContaining({ level: 40, app: '1', problems: [expect.stringContaining(`${problem}: `)] }),
        ]);
        expect(JSON.stringify(lines)).not.toContain('hidden');
      });

      test.for([{}, 'nonsense', 5, [{ url: 5 }, null, ...FULL.webhooks], '[{'])(
        'leaves out the webhooks that are wrong in %j, with a warning, and keeps them in the table',
        async (webhooks) => {
          await store.insert(app());
          const before = fixture.log.length;
          const write = `UPDATE apps SET webhooks = '${JSON.stringify(webhooks)}' WHERE id = '1';`;
          await fixture.execute(write);
          const expected = app({ webhooks: Array.isArray(webhooks) ? FULL.webhooks : [] });
          expect(await store.find('1')).toEqual(expected);
          // Whoever changes something else doesn't lose what is to be mended: else it would be wrong anew, and the log say so.
          await store.update({ ...expected, maxConnections: 5 });
          expect(await store.find('1')).toEqual({ ...expected, maxConnections: 5 });
          await fixture.execute(write);
          await store.find('1');
          expect(fixture.log.slice(before)).toEqual([
            expect.objectContaining({ level: 40, app: '1', problems: expect.anything() }),
          ]);
          await store.update(app({ webhooks: FULL.webhooks }));
          expect(await store.find('1')).toEqual(app({ webhooks: FULL.webhooks }));
        },
      );

      test('refuses a public key in a file, which would be read from this machine', async () => {
        const auth = { jwt: { keys: [{ publicKeyFile: '/etc/passwd' }] } };
        await expect(store.insert(app({ auth }))).rejects.toThrow(AppConflict);
        await expect(
          store.insert(app({ auth: { jwt: { keys: [{ publicKey: PUBLIC_KEY }] } } })),
        ).resolves.toBeUndefined();
        expect((await store.find('1'))?.auth?.jwt?.keys[0]?.publicKey).toBe(PUBLIC_KEY);
      });

      test('counts what options say more than the columns', async () => {
        await store.insert(app({ maxEventBatchSize: 5 }));
        await fixture.execute(
          `UPDATE apps SET options = '{"maxEventBatchSize": 500, "cacheTtl": null}' WHERE id = '1';`,
        );
        expect(await store.find('1')).toEqual(app({ maxEventBatchSize: 500 }));
      });
    });

    describe("with Soketi's table", () => {
      beforeEach(async () => {
        await fixture.createSoketiTable();
        await fixture.execute(
          `INSERT INTO apps VALUES ('1', 'k1', 's1', 200, 1, 1, -1, 10, 50, '[{"url":"https://x","event_types":["cache_miss"]}]', NULL, 3, NULL, NULL, NULL, NULL, 7, 0);`,
        );
      });

      const expected = app({
        maxConnections: 200,
        enableClientMessages: true,
        maxClientEventsPerSecond: 10,
        maxReadRequestsPerSecond: 50,
        webhooks: [{ url: 'https://x', event_types: ['cache_miss'] }],
        maxPresenceMemberSizeInKb: 3,
        maxEventBatchSize: 7,
      });

      test('reads it', async () => {
        expect(await store.find('1')).toEqual(expected);
        expect(await store.findByKey('k1')).toEqual(expected);
        expect(await store.findByKey('k2')).toBeUndefined();
        expect(await store.listWithFeeds()).toEqual([]);
        expect(await store.list()).toEqual([expected]);
        expect(await store.findAll(['1'])).toEqual(new Map([['1', expected]]));
      });

      test('tells capitals from small letters in ids and keys', async () => {
        await fixture.execute("UPDATE apps SET id = 'ab', \"key\" = 'Key';");
        for (const id of ['AB', 'ab ', 'äb']) expect(await store.find(id)).toBeUndefined();
        for (const key of ['key', 'KEY', 'Kéy', 'Key ']) expect(await store.findByKey(key)).toBeUndefined();
        expect(await store.delete('AB')).toBe(false);
        expect(await store.update(app({ id: 'Ab', key: 'other', maxClientEventsPerSecond: 1 }))).toBe(false);
        expect(await store.findByKey('Key')).toMatchObject({ id: 'ab' });
      });

      test('writes what it can hold', async () => {
        const next = app({ maxConnections: 5, maxClientEventsPerSecond: -1, maxEventBatchSize: 100 });
        await store.update(next);
        expect(await store.find('1')).toEqual(next);
        const second = app({ id: '2', key: 'k2', maxClientEventsPerSecond: 1 });
        await store.insert(second);
        expect(await store.find('2')).toEqual(second);
        expect(await store.delete('2')).toBe(true);
      });

      test.each([
        ['large', { maxEventBatchSize: 100_000 }],
        ['very large', { maxConnections: 3_000_000_000 }],
        ['broken', { maxPresenceMemberSizeInKb: 2.5 }],
      ])('holds a %s number, or says which column does not and how it would', async (_, options) => {
        const next = app({ maxClientEventsPerSecond: 1, ...options });
        const refusal = await store.update(next).catch((error: unknown) => error);
        if (refusal !== true) {
          expect(refusal).toBeInstanceOf(AppConflict);
          expect(await store.find('1')).toEqual(expected);
          const [column = '', sql = ''] =
            /The column (\w+) of apps .*To change it: (.*)$/.exec(String(refusal))?.slice(1) ?? [];
          expect(sql).toContain(column);
          // No type that the statement could name holds it.
          if (column === 'max_connections') return;
          await fixture.execute(sql);
          expect(await store.update(next)).toBe(true);
        }
        expect(await store.find('1')).toEqual(next);
      });

      test.each([
        ['an option without a column', { forceTls: true }],
        ['a further key', { keys: [{ key: 'k2', secret: 's2' }] }],
        ['no value where one must be', { maxClientEventsPerSecond: undefined }],
      ])('refuses %s with the SQL that makes it possible, and that does', async (_, options) => {
        const next = app({ maxClientEventsPerSecond: 1, ...options });
        const refusal = await store.update(next).catch((error: unknown) => error);
        expect(refusal).toBeInstanceOf(AppConflict);
        expect(await store.find('1')).toEqual(expected);
        const sql =
          /(?:To add it|To make it|To change it):\s(.*)$/s.exec(refusal instanceof Error ? refusal.message : '')?.[1] ??
          '';
        // SQLite can't change a column.
        if (sql.startsWith('--')) return;
        expect(sql).toMatch(/;$/);
        await fixture.execute(sql);
        expect(await store.update(next)).toBe(true);
        expect(await store.find('1')).toEqual(next);
        expect(await fixture.other.find('1')).toEqual(next);
      });
    });

    test('says that it is away when the table is gone, and finds it again', async () => {
      await fixture.createTables();
      await store.insert(app());
      await fixture.execute('DROP TABLE apps;');
      await expect(store.find('1')).rejects.toThrow(AppStoreUnavailable);
      await expect(store.findAll(['1'])).rejects.toThrow(AppStoreUnavailable);
      await expect(store.listWithFeeds()).rejects.toThrow(AppStoreUnavailable);
      await expect(store.insert(app())).rejects.toThrow(AppStoreUnavailable);
      await fixture.createTables();
      expect(await store.find('1')).toBeUndefined();
    });

    test('goes on when the table of keys is gone', async () => {
      await fixture.createTables();
      await store.insert(app({ keys: [{ key: 'k2', secret: 's2' }] }));
      expect(await store.findByKey('k2')).toBeDefined();
      await fixture.execute('DROP TABLE apps_keys;');
      expect(await store.findByKey('k2')).toBeUndefined();
      expect(await store.find('1')).toEqual(app());
    });
  });
}
