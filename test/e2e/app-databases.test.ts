import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pino from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { connectAppDatabase } from '../../server/apps/connect-app-database.ts';
import { loadDriver } from '../../server/apps/load-driver.ts';
import { call, trigger } from '../support/api-client.ts';
import { type AppTestDatabase, startMariadb, startPostgres, startSqlite } from '../support/app-databases.ts';
import { APP, loadSettings, startBroker, type TestBroker } from '../support/broker.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { freePort } from '../support/free-port.ts';
import { run, startProcess, temporaryFolder } from '../support/process.ts';
import { RawClient } from '../support/raw-client.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { untilEqual } from '../support/until.ts';

const INSERT = `INSERT INTO apps (id, "key", secret, enable_client_messages) VALUES ('${APP.id}', '${APP.key}', '${APP.secret}', 1);`;
const OTHER = { id: '2', key: 'key-2', secret: 'secret-2' };
const INSERT_OTHER = `INSERT INTO apps (id, "key", secret) VALUES ('2', 'key-2', 'secret-2');`;

type Credentials = Readonly<Record<'id' | 'key' | 'secret', string>>;

let brokers: TestBroker[] = [];
afterEach(() => {
  for (const broker of brokers) broker.kill();
  brokers = [];
});

async function start(database: AppTestDatabase, settings: object = {}, clock?: FakeClock): Promise<TestBroker> {
  const broker = await startBroker({ 'admin.token': TOKEN, ...database.settings, ...settings }, [], clock);
  brokers.push(broker);
  return broker;
}

const TOKEN = '0123456789abcdef';

const ready = async ({ url }: { readonly url: string }, token?: string): Promise<[number, string]> => {
  const answer = await fetch(
    `${url}/ready`,
    token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } },
  );
  return [answer.status, await answer.text()];
};

/** How a connection with a key is answered. */
async function refusal(
  { wsUrl }: { readonly wsUrl: string },
  key: string,
): Promise<{ code: number; before: readonly string[] }> {
  return new RawClient(`${wsUrl}/app/${key}?protocol=7`).closed();
}

/** An event over HTTP reaches a subscriber. */
async function passesEvents(
  broker: { readonly url: string; readonly wsUrl: string },
  app: Credentials = APP,
): Promise<void> {
  const client = await RawClient.connect(broker.wsUrl, { key: app.key });
  await client.subscribed('news');
  expect((await trigger(broker.url, { name: 'e', channel: 'news', data: '1' }, { app })).status).toBe(200);
  expect(await client.next('e')).toMatchObject({ channel: 'news', data: '1' });
  await client.close();
}

let database: AppTestDatabase;

/** One for the tests of a group, with new tables and both apps for each of them. */
function useDatabase(startDatabase: () => Promise<AppTestDatabase>): void {
  beforeAll(async () => {
    database = await startDatabase();
  });
  afterAll(() => database.dispose());
  beforeEach(async () => {
    await database.createTables();
    await database.execute(INSERT);
  });
}

describe.each([
  ['MariaDB', startMariadb],
  ['PostgreSQL', startPostgres],
  ['SQLite', startSqlite],
])('a broker with apps in %s', (_, startDatabase) => {
  useDatabase(startDatabase);

  test('accepts connections and signed requests, and knows no other app', async () => {
    const broker = await start(database);
    await passesEvents(broker);
    expect(await refusal(broker, 'nobody')).toMatchObject({ code: 4001 });
    const app = { ...APP, id: '9' };
    const unknown = await trigger(broker.url, { name: 'e', channel: 'c', data: '' }, { app });
    expect([unknown.status, unknown.text]).toEqual([404, expect.stringContaining(`belongs to app ${APP.id}`)]);
    expect(await ready(broker)).toEqual([200, 'OK']);
  });

  test("reads Soketi's table", async () => {
    await database.createSoketiTable();
    await database.execute(
      `INSERT INTO apps VALUES ('${APP.id}', '${APP.key}', '${APP.secret}', 1, 0, 1, -1, -1, -1, '[]', NULL, NULL, NULL, NULL, 5, NULL, NULL, 0);`,
    );
    const broker = await start(database);
    const client = await RawClient.connect(broker.wsUrl);
    expect(await refusal(broker, APP.key)).toMatchObject({ code: 4004 });
    const tooLong = await trigger(broker.url, { name: 'longer', channel: 'c', data: '' });
    expect([tooLong.status, tooLong.text]).toEqual([400, expect.stringContaining('5')]);
    await client.close();
  });

  test('lets nobody in by keys that are SQL', async () => {
    const broker = await start(database);
    for (const key of ["' OR '1'='1", "\\' OR 1=1 -- ", '" OR ""="', '%', "x' UNION SELECT * FROM apps -- ", '\0']) {
      expect(await refusal(broker, encodeURIComponent(key))).toMatchObject({ code: 4001 });
      const answer = await call(broker.url, 'GET', `/apps/${encodeURIComponent(key)}/channels`, {
        app: { ...APP, key },
      });
      expect(answer.status).toBe(404);
    }
    expect(await ready(broker)).toEqual([200, 'OK']);
    await passesEvents(broker);
  });

  test('takes up within the TTL what is changed in the table by hand', async () => {
    const clock = new FakeClock(Date.now());
    const broker = await start(database, {}, clock);
    await database.execute(INSERT_OTHER);
    const client = await RawClient.connect(broker.wsUrl);
    const other = await RawClient.connect(broker.wsUrl, { key: OTHER.key });
    const published = () => trigger(broker.url, { name: 'long-name', channel: 'c', data: '' });
    expect((await published()).status).toBe(200);

    await database.execute(`UPDATE apps SET max_event_name_length = 5 WHERE id = '${APP.id}';`);
    expect((await published()).status).toBe(200);
    clock.advance(60_000);
    await untilEqual(async () => (await published()).status, 400);

    await database.execute(`UPDATE apps SET enabled = 0 WHERE id = '${APP.id}'; DELETE FROM apps WHERE id = '2';`);
    clock.advance(60_000);
    expect(await client.closed()).toMatchObject({ code: 4003 });
    expect(await other.closed()).toMatchObject({ code: 4001 });
    expect(await refusal(broker, OTHER.key)).toMatchObject({ code: 4001 });
  });

  test('asks the database each time when told to keep nothing', async () => {
    const broker = await start(database, { 'appManager.cache.enabled': false });
    await passesEvents(broker);
    await database.execute(`UPDATE apps SET secret = 'new' WHERE id = '${APP.id}';`);
    const answer = await trigger(broker.url, { name: 'e', channel: 'c', data: '' });
    expect([answer.status, answer.text]).toEqual([401, expect.stringMatching(/signature/i)]);
    await passesEvents(broker, { ...APP, secret: 'new' });
  });
});

describe.each([
  ['MariaDB', startMariadb],
  ['PostgreSQL', startPostgres],
])('a broker whose %s goes away', (_, startDatabase) => {
  useDatabase(startDatabase);

  test('goes on with the apps that it knows, says so, and finds the others again', async () => {
    const [broker, ignorant] = [await start(database), await start(database)];
    await passesEvents(broker);
    await database.kill();

    const { code, before } = await refusal(broker, OTHER.key);
    expect([code, before.join()]).toEqual([
      4100,
      expect.stringContaining('the database of the apps is away. Try again'),
    ]);
    // Where it is, and why it is away, is nothing for clients.
    expect(before.join()).not.toMatch(/127\.0\.0\.1|ECONN|MySQL|Postgre/);
    const answer = await trigger(broker.url, { name: 'e', channel: 'c', data: '' }, { app: OTHER });
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
    await passesEvents(broker);
    expect(await ready(broker)).toEqual([200, 'OK for apps that are known; the database of the apps is away']);
    expect(await ready(broker, TOKEN)).toEqual([
      200,
      expect.stringMatching(
        /^OK for apps that are known; the database of the apps is away \((MySQL|PostgreSQL) at 127\.0\.0\.1:\d+: .+\)$/,
      ),
    ]);

    expect(await refusal(ignorant, APP.key)).toMatchObject({ code: 4100 });
    expect(await ready(ignorant)).toEqual([503, 'Not ready: the database of the apps is away']);
    expect(await ready(ignorant, TOKEN)).toEqual([
      503,
      expect.stringMatching(/^Not ready: the database of the apps is away \(.+\)$/),
    ]);

    await database.run();
    await database.execute(INSERT_OTHER);
    for (const node of [broker, ignorant]) {
      await untilEqual(() => ready(node), [200, 'OK']);
      await passesEvents(node, OTHER);
    }
    expect(broker.log.map(({ msg }) => msg)).toEqual(
      expect.arrayContaining([
        'the database of the apps is away: apps that are known work on',
        'the database of the apps is back',
      ]),
    );
  });

  test('does not hang with a database that hangs', async () => {
    const proxy = await TcpProxy.start(database.port ?? 0);
    const section = `database.${database.driver}`;
    const settings = { [section]: { ...(database.settings[section] as object), port: proxy.port } };
    const broker = await start(database, settings);
    await passesEvents(broker);
    proxy.silence();
    const unknown = refusal(broker, OTHER.key);
    await passesEvents(broker);
    expect(await unknown).toMatchObject({ code: 4100 });
    expect((await ready(broker, TOKEN))[1]).toMatch(/is away \(.*: (no answer in time|.*timeout|.*lost|.*terminated)/i);
    proxy.mend();
    await untilEqual(() => ready(broker), [200, 'OK']);
    await database.execute(INSERT_OTHER);
    await passesEvents(broker, OTHER);
    await proxy.close();
  });

  test('notices nothing of connections that were closed in between', async () => {
    const proxy = await TcpProxy.start(database.port ?? 0);
    const section = `database.${database.driver}`;
    const settings = { [section]: { ...(database.settings[section] as object), port: proxy.port } };
    const broker = await start(database, settings);
    await passesEvents(broker);
    proxy.cut();
    proxy.mend();
    await database.execute(INSERT_OTHER);
    await passesEvents(broker, OTHER);
    expect(broker.log.filter(({ msg }) => String(msg).includes('away'))).toEqual([]);
    await proxy.close();
  });

  describe('says at the start', () => {
    const failure = async (change: Record<string, unknown>): Promise<string> => {
      const section = `database.${database.driver}`;
      const { table, ...connection } = change;
      const settings = loadSettings({
        ...database.settings,
        [section]: { ...(database.settings[section] as object), ...connection },
        ...(table !== undefined && { [`appManager.${database.driver}.table`]: table }),
      });
      const connecting = connectAppDatabase(database.driver, settings, pino({ level: 'silent' }), 0);
      const error = await connecting.then(
        ({ pool }) => {
          pool.close();
          return new Error('it did connect');
        },
        (reason: Error) => reason,
      );
      expect(error.message).not.toContain('password":');
      expect(error.message).not.toContain(String((database.settings[section] as { password: string }).password));
      return error.message;
    };

    test('that the host is not found', async () => {
      expect(await failure({ host: 'nowhere.invalid' })).toMatch(
        new RegExp(`the host "nowhere.invalid" is not found .*Start it, or set database.${database.driver}.host`),
      );
    });

    test('that connections are refused', async () => {
      expect(await failure({ port: await freePort() })).toMatch(/connections are refused \(.*\)\. Start it, or set/);
    });

    test('that the password is wrong, or missing', async () => {
      for (const password of ['wrong', undefined]) {
        expect(await failure({ password })).toMatch(
          /access denied for the user "(root|postgres)" \(.*\)\. Check database/,
        );
      }
    });

    test('that the database is not there', async () => {
      expect(await failure({ database: 'nothing' })).toContain(
        'there is no database "nothing". Create it, or set database.',
      );
    });

    test('that the table is not there, and where its SQL is', async () => {
      expect(await failure({ table: 'tenants' })).toMatch(
        /there is no table "tenants" in the database "main"\. docs\/apps\.md has the SQL/,
      );
    });

    test('that the table is no table of apps', async () => {
      await database.execute('DROP TABLE IF EXISTS others; CREATE TABLE others (id varchar(10));');
      expect(await failure({ table: 'others' })).toMatch(/The table others needs the columns id, key, secret at least/);
    });

    test('that there is no TLS', async () => {
      expect(await failure({ ssl: { rejectUnauthorized: false } })).toMatch(
        /no TLS connection \(.*\)\. See database\.\w+\.ssl/,
      );
    });
  });
});

describe('the command', () => {
  let database: AppTestDatabase;
  beforeAll(async () => {
    database = await startMariadb();
  });
  afterAll(() => database.dispose());

  test.each([[1], [2]])('ends with 1 and the reason when the table is missing, with %i workers', async (workers) => {
    const file = join(temporaryFolder(), 'kulkul.json');
    writeFileSync(file, JSON.stringify({ ...database.settings, host: '127.0.0.1', port: 0, workers }));
    await database.execute('DROP TABLE IF EXISTS apps;');
    const { code, stderr } = await run(['start', '--config', file]);
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/^kulkul: MySQL at 127\.0\.0\.1:\d+: there is no table "apps"[^\n]*\n$/),
    ]);
  });

  test('serves apps of a database on several workers, and forgets what it knew on SIGHUP', async () => {
    await database.createTables();
    await database.execute(INSERT);
    const broker = await startProcess({ apps: [], settings: { ...database.settings, workers: 2 } });
    await passesEvents(broker);
    const clients = await Promise.all(Array.from({ length: 8 }, () => RawClient.connect(broker.wsUrl)));
    await database.execute(`UPDATE apps SET enabled = 0;`);
    broker.signal('SIGHUP');
    for (const client of clients) expect(await client.closed()).toMatchObject({ code: 4003 });
    await broker.kill();
  });

  test('waits for a database that comes up later', async () => {
    await database.createTables();
    await database.execute(INSERT);
    await database.kill();
    const starting = startProcess({ apps: [], settings: database.settings });
    await database.run();
    const broker = await starting;
    await passesEvents(broker);
    await broker.kill();
  });

  test('loads no driver where apps are configured, and only then', async () => {
    const folder = temporaryFolder();
    const hook = join(folder, 'hook.cjs');
    const modules = join(folder, 'modules.json');
    writeFileSync(
      hook,
      `process.on('exit', () => require('fs').writeFileSync(${JSON.stringify(modules)}, JSON.stringify(Object.keys(require.cache))))`,
    );
    const driversOf = async (settings: Record<string, unknown>): Promise<string[]> => {
      const broker = await startProcess({ settings, env: { NODE_OPTIONS: `--require ${hook}` } });
      broker.signal('SIGTERM');
      await broker.exited;
      const files = (JSON.parse(readFileSync(modules, 'utf8')) as string[]).map(
        (file) => file.split('node_modules/')[1],
      );
      const names = new Set(files.map((file) => file?.split('/')[0]));
      return ['mysql2', 'pg'].filter((name) => names.has(name));
    };
    expect(await driversOf({})).toEqual([]);
    await database.createTables();
    expect(await driversOf(database.settings)).toEqual(['mysql2']);
  });
});

describe('MariaDB with settings of its own', () => {
  let database: AppTestDatabase;
  beforeAll(async () => {
    database = await startMariadb();
    await database.createTables();
    await database.execute(INSERT);
  });
  afterAll(() => database.dispose());

  test('is not fooled where the server takes a backslash for itself', async () => {
    await database.execute("SET GLOBAL sql_mode = 'NO_BACKSLASH_ESCAPES';");
    const broker = await start(database);
    for (const key of ["\\' OR 1=1 -- ", "' OR 1=1 -- ", '\\', "\\'"]) {
      expect(await refusal(broker, encodeURIComponent(key))).toMatchObject({ code: 4001 });
    }
    await passesEvents(broker);
  });

  test('serves with a user that may only read the one table', async () => {
    await database.execute(
      "CREATE USER reader@'%' IDENTIFIED BY 'reading'; GRANT SELECT ON main.apps TO reader@'%'; DROP TABLE apps_keys;",
    );
    const connection = database.settings['database.mysql'] as object;
    const broker = await start(database, { 'database.mysql': { ...connection, user: 'reader', password: 'reading' } });
    await passesEvents(broker);
    expect(await refusal(broker, 'nobody')).toMatchObject({ code: 4001 });
  });
});

test('SQLite makes its tables, keeps them, and says why it can not', async () => {
  const file = join(temporaryFolder(), 'new.sqlite');
  const settings = { 'appManager.driver': 'sqlite', 'appManager.sqlite.path': file };
  const first = await startBroker(settings, []);
  brokers.push(first);
  expect(await refusal(first, APP.key)).toMatchObject({ code: 4001 });
  // There are secrets in it.
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const again = await startBroker(settings, []);
  brokers.push(again);
  expect(await refusal(again, APP.key)).toMatchObject({ code: 4001 });

  const text = join(temporaryFolder(), 'text.sqlite');
  writeFileSync(text, 'this is no database, but a text that is long enough to be looked at'.repeat(20));
  for (const path of [join(file, 'x'), '/nowhere/at/all.sqlite', text]) {
    const opening = startBroker({ ...settings, 'appManager.sqlite.path': path }, []);
    await expect(opening).rejects.toThrow(
      /^SQLite .*: the file can't be opened \(.*\)\. Set appManager\.sqlite\.path to a file/,
    );
  }
});

test('a driver that is not there is explained with the command that installs it', async () => {
  const [beside, project] = [temporaryFolder(), temporaryFolder()];
  const loading = loadDriver('pg', 'appManager.driver "postgres"', [beside, project]);
  await expect(loading).rejects.toThrow(
    `appManager.driver "postgres" needs the package pg, which is not installed: run "npm install pg" in ${process.cwd()} ` +
      `(or "npm install --global pg" beside a global Kulkul). Looked in ${beside} and ${project}, and in the folders above.`,
  );
});

test('a driver is taken from beside Kulkul, else from the folder of the project', async () => {
  const [beside, project] = [temporaryFolder(), temporaryFolder()];
  const install = (folder: string, code: string): void => {
    mkdirSync(join(folder, 'node_modules/pg'), { recursive: true });
    writeFileSync(join(folder, 'node_modules/pg/index.js'), code);
  };
  const load = (): Promise<unknown> => loadDriver('pg', 'appManager.driver "postgres"', [beside, project]);
  install(project, "module.exports = 'of the project';");
  expect(await load()).toBe('of the project');
  install(beside, "throw new Error('made for another machine')");
  await expect(load()).rejects.toThrow(
    /needs the package pg, which can't be loaded from .*node_modules\/pg\/index\.js \(made for another machine\)/,
  );
});
