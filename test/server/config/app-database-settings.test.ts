import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeConfig } from '../../../server/config/index.ts';
import { createFolder, failure, fileName, load, oneApp } from './load.ts';

const mysql = { 'appManager.driver': 'mysql' };

describe('settings of app databases', () => {
  it("are those of Soketi, out of Soketi's variables or a file", () => {
    const expected = {
      appManager: {
        driver: 'postgres',
        cache: { enabled: false, ttl: -1 },
        mysql: { table: 'tenants' },
        postgres: { table: 'public.tenants' },
      },
      databasePooling: { enabled: true, min: 1, max: 20 },
      database: {
        mysql: { host: 'm', port: 3307, user: 'u', password: '0123', database: 'd' },
        postgres: { host: 'p', port: 5433, user: 'v', password: '0456', database: 'e' },
      },
    };
    const env = {
      SOKETI_APP_MANAGER_DRIVER: 'postgres',
      SOKETI_APP_MANAGER_CACHE_ENABLED: '0',
      SOKETI_APP_MANAGER_CACHE_TTL: '-1',
      SOKETI_APP_MANAGER_MYSQL_TABLE: 'tenants',
      SOKETI_APP_MANAGER_POSTGRES_TABLE: 'public.tenants',
      SOKETI_DB_POOLING_ENABLED: '1',
      SOKETI_DB_POOLING_MIN: '1',
      SOKETI_DB_POOLING_MAX: '20',
      SOKETI_DB_MYSQL_HOST: 'm',
      SOKETI_DB_MYSQL_PORT: '3307',
      SOKETI_DB_MYSQL_USERNAME: 'u',
      SOKETI_DB_MYSQL_PASSWORD: '0123',
      SOKETI_DB_MYSQL_DATABASE: 'd',
      SOKETI_DB_POSTGRES_HOST: 'p',
      SOKETI_DB_POSTGRES_PORT: '5433',
      SOKETI_DB_POSTGRES_USERNAME: 'v',
      SOKETI_DB_POSTGRES_PASSWORD: '0456',
      SOKETI_DB_POSTGRES_DATABASE: 'e',
    };
    expect(load({ env }).settings).toMatchObject(expected);
    expect(load({ file: expected }).settings).toMatchObject(expected);
  });

  it('have defaults, and apps are read again after a minute', () => {
    const { appManager, database, databasePooling } = load({ file: mysql }).settings;
    expect(appManager).toMatchObject({
      cache: { enabled: true, ttl: 60 },
      mysql: { table: 'apps' },
      postgres: { table: 'apps' },
      sqlite: { path: 'kulkul.sqlite', table: 'apps' },
    });
    expect(database.mysql).toEqual({ host: '127.0.0.1', port: 3306, user: 'root', database: 'main' });
    expect(database.postgres).toEqual({ host: '127.0.0.1', port: 5432, user: 'postgres', database: 'main' });
    expect(databasePooling).toEqual({ enabled: false, min: 0, max: 7 });
  });

  it("hand other options on to the driver, with Soketi's nested or dotted names", () => {
    const folder = createFolder();
    const file = {
      ...mysql,
      'database.mysql.ssl.ca': 'ca.pem',
      database: { mysql: { socketPath: '/run/mysqld.sock', flags: ['-FOUND_ROWS'] } },
    };
    const { settings, warnings } = load({ file }, folder);
    expect(settings.database.mysql).toMatchObject({
      socketPath: '/run/mysqld.sock',
      flags: ['-FOUND_ROWS'],
      ssl: { ca: path.join(folder, 'ca.pem') },
    });
    expect(warnings).toEqual([]);
  });

  it('make up no app beside a database, and say that those of the configuration have no effect', () => {
    expect(load({ file: mysql })).toMatchObject({ apps: [], generatedApp: false, warnings: [] });
    const { apps, warnings } = load({ file: { ...mysql, ...oneApp } });
    expect(apps).toEqual([]);
    expect(warnings).toEqual(['Without effect while appManager.driver is mysql: the apps in the configuration.']);
  });

  it('are only looked at where that database is used', () => {
    const wrong = { 'database.mysql.port': 'x', 'database.mysql.host': 'h', 'appManager.cache.ttl': 5 };
    const { warnings } = load({ file: { ...oneApp, ...wrong } });
    expect(warnings).toEqual([
      'Without effect while appManager.driver is array: database.mysql.host, appManager.cache.ttl.',
    ]);
    expect(load({ file: { 'appManager.driver': 'postgres', ...wrong } }).warnings).toEqual([
      'Without effect while appManager.driver is postgres: database.mysql.host.',
    ]);
    expect(failure({ file: { ...mysql, ...wrong } })).toContain('database.mysql.port: expected a whole number');
  });

  it.each(['apps; DROP TABLE users', 'a`b', 'a"b', 'a.b.c', 'a-b', 'app s'])('refuse the table %j', (table) => {
    expect(failure({ file: { ...mysql, 'appManager.mysql.table': table } })).toContain(
      'appManager.mysql.table: must be',
    );
  });

  it('refuse a pool whose least is above its most', () => {
    const pool = { 'databasePooling.min': 8 };
    expect(failure({ file: { ...mysql, ...pool } })).toContain('databasePooling.min: is above databasePooling.max');
    expect(load({ file: { ...oneApp, ...pool } }).apps).toHaveLength(1);
  });

  it('take a relative path of SQLite from the folder of the file, or the working directory', () => {
    const folder = createFolder();
    const sqlite = { 'appManager.driver': 'sqlite' };
    const file = { ...sqlite, 'appManager.sqlite.path': 'data/apps.db' };
    expect(load({ file }, folder).settings.appManager.sqlite.path).toBe(path.join(folder, 'data/apps.db'));
    const env = { KULKUL_APP_MANAGER_SQLITE_PATH: 'x.db' };
    expect(load({ file: sqlite, env }, folder).settings.appManager.sqlite.path).toBe(path.join(folder, 'x.db'));
  });

  it('are shown where they are used, without a secret', () => {
    const secrets = { 'database.mysql.password': 'hidden', 'database.mysql.ssl': { key: 'hidden' } };
    const shown = describeConfig(load({ file: { ...mysql, ...secrets, 'database.mysql.socketPath': 'hidden' } }));
    expect(shown).toMatch(/database\.mysql\.password += •••/);
    expect(shown).toMatch(/database\.mysql\.socketPath += set/);
    expect(shown).toContain('appManager.mysql.table');
    expect(shown).not.toContain('appManager.postgres.table');
    expect(shown).not.toContain('database.redis');
    expect(shown).not.toContain('hidden');
    expect(describeConfig(load({ file: { ...oneApp, ...secrets } }))).not.toMatch(/^database/m);
  });
});

it(`names ${fileName} and the line of a wrong value`, () => {
  const text = '{\n "appManager.driver": "sqlite",\n "appManager.sqlite.table": "a b"\n}';
  expect(failure({ file: text })).toBe(
    'soketi.config.json:3:29  appManager.sqlite.table: must be a name of letters, digits and _, or schema.table, got "a b".',
  );
});
