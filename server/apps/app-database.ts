import { closeSync, openSync } from 'node:fs';
import type { Knex } from 'knex';
import type { DatabaseDriver } from '../config/app-database-settings.ts';
import type { Settings } from '../config/index.ts';
import { maskSecrets } from '../config/mask.ts';
import { hostPort } from '../host-port.ts';
import { readPemFiles } from '../read-pem.ts';
import { MYSQL, POSTGRES, QUERY_MS, SQLITE, type SqlDialect } from './sql-dialect.ts';
import { AppStoreStartError } from './sql-errors.ts';

export type AppDatabaseSettings = Pick<Settings, 'appManager' | 'database' | 'databasePooling'>;

/** The database that apps are in. */
export interface AppDatabase {
  readonly driver: DatabaseDriver;
  readonly knex: Knex;
  readonly dialect: SqlDialect;
  readonly table: string;
  readonly keysTable: string;
  /** For people: `MySQL at 10.0.0.5:3306`. */
  readonly label: string;
}

const CONNECT_MS = 3000;
/** Without `databasePooling`: a query that takes long must not hold up all others. */
const UNPOOLED_CONNECTIONS = 2;
/** SQLite waits in this thread for other processes that write. */
const SQLITE_WAIT_MS = 50;

/**
 * Makes ready to connect; nothing is asked of the database yet. Drivers are loaded here, so that who needs none loads none.
 *
 * @throws {AppStoreStartError} the driver is not there
 */
export async function openAppDatabase(driver: DatabaseDriver, settings: AppDatabaseSettings): Promise<AppDatabase> {
  // CommonJS, of which Node.js finds the default only.
  const { default: knex } = await import('knex');
  const { table } = settings.appManager[driver];
  const parts = await partsOf(driver, settings);
  return {
    driver,
    table,
    keysTable: `${table}_keys`,
    dialect: parts.dialect,
    label: parts.label,
    knex: knex({
      ...parts.config,
      // Else the values, secrets among them, would be part of error messages.
      compileSqlOnError: false,
      acquireConnectionTimeout: CONNECT_MS + 1000,
      log: { warn() {}, error() {}, deprecate() {}, debug() {} },
    }),
  };
}

interface Parts {
  readonly dialect: SqlDialect;
  readonly label: string;
  readonly config: Knex.Config;
}

function partsOf(driver: DatabaseDriver, settings: AppDatabaseSettings): Parts | Promise<Parts> {
  switch (driver) {
    case 'mysql':
      return mysqlParts(settings);
    case 'postgres':
      return postgresParts(settings);
    case 'sqlite':
      return sqliteParts(settings);
  }
}

function mysqlParts({ database: { mysql }, databasePooling }: AppDatabaseSettings): Parts {
  const { ssl, ...options } = mysql;
  return {
    dialect: MYSQL,
    label: `MySQL at ${addressOf(mysql, mysql.socketPath)}`,
    config: {
      client: 'mysql2',
      connection: {
        connectTimeout: CONNECT_MS,
        ...options,
        // What the driver escapes, it escapes for this.
        charset: 'utf8mb4',
        ...(ssl !== undefined && ssl !== false && { ssl: tlsOptions('mysql', ssl === true ? {} : ssl) }),
      } as Knex.MySql2ConnectionConfig,
      pool: {
        ...poolSize(databasePooling),
        afterCreate: (connection: MysqlConnection, done: Done) => {
          closeWhenSilent(connection.stream);
          // With NO_BACKSLASH_ESCAPES what the driver escapes would not be escaped; without strictness values would be cut.
          connection.query("SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'", (error) =>
            done(error, connection),
          );
        },
      },
    },
  };
}

function postgresParts({ database: { postgres }, databasePooling }: AppDatabaseSettings): Parts {
  const { ssl, ...options } = postgres;
  return {
    dialect: POSTGRES,
    label: `PostgreSQL at ${addressOf(postgres, undefined)}`,
    config: {
      client: 'pg',
      connection: {
        connectionTimeoutMillis: CONNECT_MS,
        query_timeout: QUERY_MS,
        application_name: 'kulkul',
        ...options,
        ...(ssl !== undefined && { ssl: typeof ssl === 'boolean' ? ssl : tlsOptions('postgres', ssl) }),
      } as Knex.PgConnectionConfig,
      pool: {
        ...poolSize(databasePooling),
        afterCreate: (client: PostgresClient, done: Done) => {
          closeWhenSilent(client.connection.stream);
          done(undefined, client);
        },
      },
    },
  };
}

async function sqliteParts({ appManager: { sqlite } }: AppDatabaseSettings): Promise<Parts> {
  await loadSqlite();
  makePrivate(sqlite.path);
  return {
    dialect: SQLITE,
    label: `SQLite ${sqlite.path}`,
    config: {
      client: 'better-sqlite3',
      connection: { filename: sqlite.path },
      useNullAsDefault: true,
      pool: {
        min: 0,
        max: 1,
        afterCreate: (connection: SqliteConnection, done: Done) => {
          try {
            connection.pragma(`busy_timeout = ${SQLITE_WAIT_MS}`);
            // Whoever reads need not wait for whoever writes.
            connection.pragma('journal_mode = WAL');
            done(undefined, connection);
          } catch (error) {
            done(error, connection);
          }
        },
      },
    },
  };
}

/**
 * @param load - imports a package
 * @throws {AppStoreStartError} in one sentence what to do
 */
export async function loadSqlite(load: (name: string) => Promise<unknown> = (name) => import(name)): Promise<void> {
  try {
    const { default: Database } = (await load('better-sqlite3')) as {
      default: new (file: string) => { close(): void };
    };
    // Its native part is loaded with the first database only.
    new Database(':memory:').close();
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    throw new AppStoreStartError(
      'driver',
      `appManager.driver "sqlite" needs the optional package better-sqlite3, which can't be loaded here (${reason}): run "npm install better-sqlite3" where Kulkul is installed (without a prebuilt binary it wants a C++ compiler and Python), or set appManager.driver to mysql, postgres or array.`,
      { cause: error },
    );
  }
}

/** Secrets are in it: a new file is for its owner only. SQLite itself says what is wrong with a path. */
function makePrivate(file: string): void {
  try {
    closeSync(openSync(file, 'ax', 0o600));
  } catch {}
}

type Done = (error: unknown, connection: unknown) => void;

interface Stream {
  setTimeout(ms: number, onTimeout: () => void): void;
  destroy(): void;
}

interface MysqlConnection {
  readonly stream: Stream;
  query(sql: string, done: (error: unknown) => void): void;
}

interface PostgresClient {
  readonly connection: { readonly stream: Stream };
}

interface SqliteConnection {
  pragma(text: string): unknown;
}

/** A connection on which nothing comes any more is of no use; one that is only idle is made again in no time. */
function closeWhenSilent(stream: Stream): void {
  stream.setTimeout(2 * QUERY_MS, () => stream.destroy());
}

function poolSize({ enabled, min, max }: Settings['databasePooling']): { min: number; max: number } {
  return enabled ? { min, max } : { min: 0, max: UNPOOLED_CONNECTIONS };
}

function addressOf({ host, port }: { host: string; port: number }, socketPath: unknown): string {
  if (typeof socketPath === 'string') return socketPath;
  return hostPort(maskSecrets(host), port);
}

function tlsOptions(driver: 'mysql' | 'postgres', ssl: string | object): unknown {
  if (typeof ssl === 'string') return ssl;
  return readPemFiles(ssl, (name, file, code, cause) => {
    const message = `database.${driver}.ssl.${name}: the file ${file} can't be read (${code}).`;
    return new AppStoreStartError('TLS', message, { cause });
  });
}
