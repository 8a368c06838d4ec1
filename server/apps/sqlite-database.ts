import { closeSync, openSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import type { Row } from './app-row.ts';
import { loadDriver } from './load-driver.ts';
import { type DriverConnection, QUERY_MS, type SqlValue } from './sql-connection.ts';
import { backticks, type SqlDialect, splitTable, toColumns } from './sql-dialect.ts';
import { failureOf } from './sql-errors.ts';

/** The part of `node:sqlite` that is used here. */
interface Driver {
  readonly DatabaseSync: new (file: string) => Database;
}

interface Database {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}

type Parameters = readonly (string | number | null | Readonly<Record<string, string | number | null>>)[];

interface Statement {
  setReadBigInts(enabled: boolean): void;
  all(...values: Parameters): readonly Row[];
  get(...values: Parameters): Row | undefined;
  run(...values: Parameters): unknown;
}

/** Does what `node:sqlite` does, from binaries in the package, where Node has none (before 22.13). */
const SUBSTITUTE = '@photostructure/sqlite';
/** It waits in this thread for other processes that write. */
const WAIT_MS = 50;
const PAUSE_MS = 20;

/** @throws {AppStoreStartError} there is no driver */
export async function sqliteConnector(file: string): Promise<() => Promise<DriverConnection>> {
  const { DatabaseSync } = await loadSqlite();
  return async () => {
    makePrivate(file);
    return new SqliteConnection(translated(() => new DatabaseSync(file)));
  };
}

/** SQLite of Node, or of a package that does the same. */
export async function loadSqlite(builtIn = sqliteOfNode): Promise<Driver> {
  return builtIn() ?? ((await loadDriver(SUBSTITUTE, 'appManager.driver "sqlite" on Node older than 22.13')) as Driver);
}

function sqliteOfNode(): Driver | undefined {
  const { emitWarning } = process;
  // Node 22 says on stderr that it is an experiment, each time.
  process.emitWarning = () => {};
  try {
    return process.getBuiltinModule('node:sqlite') as Driver | undefined;
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** Secrets are in it: a new file is for its owner only. SQLite itself says what is wrong with a path. */
function makePrivate(file: string): void {
  try {
    closeSync(openSync(file, 'ax', 0o600));
  } catch {}
}

class SqliteConnection implements DriverConnection {
  readonly #database: Database;
  #isOpen = true;

  constructor(database: Database) {
    this.#database = database;
    try {
      translated(() => {
        database.exec(`PRAGMA busy_timeout = ${WAIT_MS}`);
        // Whoever reads need not wait for whoever writes.
        database.exec('PRAGMA journal_mode = WAL');
      });
    } catch (error) {
      database.close();
      throw error;
    }
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  async query(sql: string, values: readonly SqlValue[] = []): Promise<readonly Row[]> {
    return translated(() => {
      // Node 22 counts columns before SQLite notices that another process has changed the table.
      this.#database.exec('SELECT 1 FROM sqlite_master LIMIT 1');
      const statement = this.#database.prepare(sql);
      // Else one number that JavaScript can't hold would cost all rows.
      statement.setReadBigInts(true);
      return statement.all(...values.map(toSqlite)).map(fromSqlite);
    });
  }

  async execute(sql: string, values: readonly SqlValue[] = []): Promise<void> {
    translated(() => this.#database.prepare(sql).run(...values.map(toSqlite)));
  }

  destroy(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    try {
      // The substitute keeps the file open until statements are collected, so that closing alone does not move what was written there.
      this.#database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    } catch {}
    this.#database.close();
  }
}

function toSqlite(value: SqlValue): string | number | null {
  if (typeof value === 'boolean') return Number(value);
  // Some versions of Node cut the text there, and would find or write another one.
  if (typeof value === 'string' && value.includes('\0')) throw new SqliteError('SQLITE_MISMATCH', 'a text holds NUL');
  return value;
}

function fromSqlite(row: Row): Row {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => {
      if (typeof value === 'bigint') return [name, Number(value)];
      return [name, value instanceof Uint8Array ? Buffer.from(value) : value];
    }),
  );
}

/** An error of SQLite by its name there. */
class SqliteError extends Error {
  override readonly name = 'SqliteError';
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** @see https://sqlite.org/rescode.html */
const CODES: Readonly<Record<number, string>> = {
  1: 'SQLITE_ERROR',
  3: 'SQLITE_PERM',
  5: 'SQLITE_BUSY',
  6: 'SQLITE_LOCKED',
  8: 'SQLITE_READONLY',
  10: 'SQLITE_IOERR',
  11: 'SQLITE_CORRUPT',
  13: 'SQLITE_FULL',
  14: 'SQLITE_CANTOPEN',
  19: 'SQLITE_CONSTRAINT',
  20: 'SQLITE_MISMATCH',
  23: 'SQLITE_AUTH',
  26: 'SQLITE_NOTADB',
  1555: 'SQLITE_CONSTRAINT_PRIMARYKEY',
  2067: 'SQLITE_CONSTRAINT_UNIQUE',
};

/** What the substitute says where it gives no number: SQLite's own words. */
const WORDS: readonly (readonly [RegExp, number])[] = [
  [/^database is locked/, 5],
  [/^database (table|schema) is locked/, 6],
  [/^attempt to write a readonly database/, 8],
  [/^disk I\/O error/, 10],
  [/^database disk image is malformed/, 11],
  [/^unable to open database file/, 14],
  [/^file is not a database/, 26],
];

/** @throws {SqliteError} */
function translated<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'ERR_SQLITE_ERROR') throw error;
    const message = error.message.replace(/^Failed to open database: /, '');
    const given = 'errcode' in error ? Number(error.errcode) : undefined;
    const number = given ?? WORDS.find(([words]) => words.test(message))?.[1] ?? 1;
    throw new SqliteError(CODES[number] ?? CODES[number & 0xff] ?? 'SQLITE_ERROR', message, { cause: error });
  }
}

export const SQLITE: SqlDialect = {
  name: 'SQLite',
  quote: backticks,
  async columns(db, table) {
    const { schema, name } = splitTable(table);
    const rows = await db.query('SELECT name, type, "notnull" = 0 AS nullable FROM pragma_table_info(?, ?)', [
      name,
      schema ?? 'main',
    ]);
    return toColumns(rows);
  },
  // The first statement that writes takes the lock, and gets it or fails; one that only reads would see an old state.
  async lock(transaction, table) {
    const deadline = performance.now() + QUERY_MS;
    for (;;) {
      try {
        await transaction.execute(`DELETE FROM ${backticks(table)} WHERE 0`);
        return;
      } catch (error) {
        // Whoever has the lock may be in this very process, and must get on.
        if (failureOf(error) !== 'away' || performance.now() > deadline) throw error;
        await setTimeout(PAUSE_MS);
      }
    }
  },
  async commit() {},
  async unlock() {},
  asText: (column) => `CAST(${backticks(column)} AS TEXT)`,
  typeOf: (kind) => ({ name: 'TEXT', whole: 'INTEGER', size: 'REAL', flag: 'INTEGER', json: 'TEXT' })[kind],
  retype: (table, column) => `-- SQLite takes any value there: look at the constraints of ${column} in ${table}.`,
  // Its times are in milliseconds, in which several may be written.
  keyTieBreaker: 'rowid',
  createKeys: (table) => `CREATE TABLE ${backticks(table)} (
  key TEXT NOT NULL PRIMARY KEY,
  secret TEXT NOT NULL,
  app_id TEXT NOT NULL,
  created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now'))
);`,
  createTables: (apps, keys) => [
    `CREATE TABLE IF NOT EXISTS ${backticks(apps)} (
  id TEXT NOT NULL PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  secret TEXT NOT NULL,
  max_connections INTEGER,
  enable_client_messages INTEGER,
  enabled INTEGER,
  max_backend_events_per_sec INTEGER,
  max_client_events_per_sec INTEGER,
  max_read_req_per_sec INTEGER,
  webhooks TEXT,
  max_presence_members_per_channel INTEGER,
  max_presence_member_size_in_kb REAL,
  max_channel_name_length INTEGER,
  max_event_channels_at_once INTEGER,
  max_event_name_length INTEGER,
  max_event_payload_in_kb REAL,
  max_event_batch_size INTEGER,
  enable_user_authentication INTEGER,
  options TEXT
)`,
    SQLITE.createKeys(keys).replace('CREATE TABLE', 'CREATE TABLE IF NOT EXISTS').replace(/;$/, ''),
  ],
};
