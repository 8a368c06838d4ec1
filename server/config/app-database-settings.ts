import * as z from 'zod';
import { about, count, filled, flag, host, options, port, text } from './setting.ts';

/** Goes into SQL as it is, apart from quotes around it. */
const table = () =>
  text()
    .regex(/^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)?$/, 'must be a name of letters, digits and _, or schema.table')
    .default('apps');

const TLS =
  'TLS to the database, as its driver takes it: an object with options of `tls.connect` of Node; in it `ca`, `cert` and `key` are paths of PEM files, or PEM text. Unset: none.';

export const cacheSchema = z.strictObject({
  enabled: about(
    flag().default(true),
    'Keep apps of a database in memory. false: each connection and each request asks the database.',
    'SOKETI_APP_MANAGER_CACHE_ENABLED',
  ),
  ttl: about(
    count(-1).max(86_400).default(60),
    'Seconds until apps that are in use are read again, so that changes made in the database by hand take effect. -1: never, only what the admin API changes is noticed. 0: as `enabled` false.',
    'SOKETI_APP_MANAGER_CACHE_TTL',
  ),
});

export const mysqlTableSchema = z.strictObject({
  table: about(table(), 'Name of the table, or `database.table`.', 'SOKETI_APP_MANAGER_MYSQL_TABLE'),
});

export const postgresTableSchema = z.strictObject({
  table: about(table(), 'Name of the table, or `schema.table`.', 'SOKETI_APP_MANAGER_POSTGRES_TABLE'),
});

export const sqliteTableSchema = z.strictObject({
  path: about(
    filled().default('kulkul.sqlite'),
    'The file, which is made if there is none. A path in a configuration file starts at its folder, any other at the working directory.',
    { files: 'path' },
  ),
  table: about(table(), 'Name of the table.'),
});

/** Kept loose: what else stands there is handed to the driver. */
export const mysqlConnectionSchema = z.looseObject({
  host: about(host().default('127.0.0.1'), 'Host name or address.', 'SOKETI_DB_MYSQL_HOST'),
  port: about(port(1).default(3306), 'TCP port.', 'SOKETI_DB_MYSQL_PORT'),
  user: about(text().default('root'), 'User.', 'SOKETI_DB_MYSQL_USERNAME'),
  password: about(text().optional(), 'Password. Unset: none.', {
    soketi: 'SOKETI_DB_MYSQL_PASSWORD',
    secret: 'always',
  }),
  database: about(text().default('main'), 'Database.', 'SOKETI_DB_MYSQL_DATABASE'),
  ssl: about(
    z.union([flag(), text(), options()]).optional(),
    `${TLS} A text names one of the driver's profiles (\`Amazon RDS\`).`,
    { files: 'tls' },
  ),
});

export const postgresConnectionSchema = z.looseObject({
  host: about(host().default('127.0.0.1'), 'Host name or address.', 'SOKETI_DB_POSTGRES_HOST'),
  port: about(port(1).default(5432), 'TCP port.', 'SOKETI_DB_POSTGRES_PORT'),
  user: about(text().default('postgres'), 'User.', 'SOKETI_DB_POSTGRES_USERNAME'),
  password: about(text().optional(), 'Password. Unset: none.', {
    soketi: 'SOKETI_DB_POSTGRES_PASSWORD',
    secret: 'always',
  }),
  database: about(text().default('main'), 'Database.', 'SOKETI_DB_POSTGRES_DATABASE'),
  ssl: about(z.union([flag(), options()]).optional(), TLS, { files: 'tls' }),
});

export const poolingSchema = z.strictObject({
  enabled: about(
    flag().default(false),
    'Use up to `max` connections to the database of apps; false: up to 2.',
    'SOKETI_DB_POOLING_ENABLED',
  ),
  min: about(count(0).max(10_000).default(0), 'Connections that are kept open.', 'SOKETI_DB_POOLING_MIN'),
  max: about(count(1).max(10_000).default(7), 'Connections of each process at once.', 'SOKETI_DB_POOLING_MAX'),
});

/** The drivers of `appManager.driver` that are databases. */
export const DATABASE_DRIVERS = ['mysql', 'postgres', 'sqlite'] as const;
export type DatabaseDriver = (typeof DATABASE_DRIVERS)[number];
