import { setTimeout } from 'node:timers/promises';
import type { Knex } from 'knex';
import type { ColumnKind } from './app-columns.ts';
import { failureOf } from './sql-errors.ts';

export interface TableColumn {
  /** As the database calls it, in lower case: `tinyint(1) unsigned`, `int4`. */
  readonly type: string;
  readonly isNullable: boolean;
}

/** By name; empty where there is no such table, or this user may not read it. */
export type TableColumns = ReadonlyMap<string, TableColumn>;

/** What differs between databases. */
export interface SqlDialect {
  /** For people. */
  readonly name: string;
  /** A table or column as it stands in a statement. */
  quote(name: string): string;
  columns(db: Knex, table: string): Promise<TableColumns>;
  /** Lets one write of apps after the other, over all nodes: no constraint reaches over both tables. */
  lock(transaction: Knex.Transaction, table: string): Promise<void>;
  /** Ends the transaction where the lock outlasts it: whoever has the lock next must see what was written. */
  commit(transaction: Knex.Transaction): Promise<void>;
  /** Takes the lock back where the end of the transaction does not. */
  unlock(transaction: Knex.Transaction): Promise<void>;
  /** A column as text, whatever its type. */
  asText(column: string): string;
  /** The type of a column that may be empty. */
  typeOf(kind: ColumnKind): string;
  /** How a column is given another type. */
  retype(table: string, column: string, kind: ColumnKind): string;
  /** What orders further keys that are of the same age. */
  readonly keyTieBreaker: string;
  /** The statement that makes the table of further keys. */
  createKeys(table: string): string;
  /** Statements that make both tables; undefined where people do that by themselves. */
  readonly createTables: ((apps: string, keys: string) => readonly string[]) | undefined;
}

/** In milliseconds; far below what a client waits for an answer. */
export const QUERY_MS = 3000;

const SQLITE_PAUSE_MS = 20;

const LOCK_NAME = 'kulkul:apps';

const quoteWith =
  (mark: string) =>
  (name: string): string =>
    name
      .split('.')
      .map((part) => `${mark}${part.replaceAll(mark, mark + mark)}${mark}`)
      .join('.');

const backticks = quoteWith('`');
const doubleQuotes = quoteWith('"');

/** The schema that a table is in when it is named, and its own name. */
function split(table: string): { readonly schema: string | undefined; readonly name: string } {
  const [first = '', second] = table.split('.');
  return second === undefined ? { schema: undefined, name: first } : { schema: first, name: second };
}

interface ColumnRow {
  readonly name: string;
  readonly type: string;
  readonly nullable: unknown;
}

function toColumns(rows: readonly ColumnRow[]): TableColumns {
  return new Map(
    rows.map(({ name, type, nullable }) => [
      name,
      { type: type.toLowerCase(), isNullable: nullable === 'YES' || nullable === true || nullable === 1 },
    ]),
  );
}

export const MYSQL: SqlDialect = {
  name: 'MySQL',
  quote: backticks,
  async columns(db, table) {
    const { schema, name } = split(table);
    const [rows] = await db
      .raw(
        'SELECT column_name AS name, column_type AS type, is_nullable AS nullable FROM information_schema.columns ' +
          'WHERE table_schema = COALESCE(?, DATABASE()) AND table_name = ?',
        [schema ?? null, name],
      )
      .timeout(QUERY_MS);
    return toColumns(rows);
  },
  async lock(transaction) {
    const [[row]] = await transaction
      .raw('SELECT GET_LOCK(?, ?) AS isMine', [LOCK_NAME, Math.ceil(QUERY_MS / 2000)])
      .timeout(QUERY_MS);
    if (Number(row?.isMine) !== 1) throw new Error('another node is writing apps for too long');
  },
  async commit(transaction) {
    await transaction.raw('COMMIT').timeout(QUERY_MS);
  },
  async unlock(transaction) {
    await transaction.raw('SELECT RELEASE_LOCK(?)', [LOCK_NAME]).timeout(QUERY_MS);
  },
  asText: (column) => `CAST(${backticks(column)} AS CHAR)`,
  typeOf: (kind) =>
    ({ name: 'varchar(255)', whole: 'int', size: 'double', flag: 'tinyint(1)', json: 'longtext' })[kind],
  retype(table, column, kind) {
    return `ALTER TABLE ${backticks(table)} MODIFY ${backticks(column)} ${this.typeOf(kind)} NULL;`;
  },
  keyTieBreaker: 'key',
  createKeys: (table) => `CREATE TABLE ${backticks(table)} (
  \`key\` varchar(255) NOT NULL PRIMARY KEY,
  secret varchar(255) NOT NULL,
  app_id varchar(255) NOT NULL,
  created_at timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  INDEX (app_id)
) DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;`,
  createTables: undefined,
};

export const POSTGRES: SqlDialect = {
  name: 'PostgreSQL',
  quote: doubleQuotes,
  async columns(db, table) {
    const { rows } = await db
      .raw(
        'SELECT a.attname AS name, t.typname AS type, NOT a.attnotnull AS nullable FROM pg_attribute a ' +
          'JOIN pg_type t ON t.oid = a.atttypid WHERE a.attrelid = to_regclass(?) AND a.attnum > 0 ' +
          "AND NOT a.attisdropped AND has_table_privilege(a.attrelid, 'SELECT')",
        [doubleQuotes(table)],
      )
      .timeout(QUERY_MS);
    return toColumns(rows);
  },
  async lock(transaction) {
    await transaction.raw('SELECT pg_advisory_xact_lock(hashtext(?))', [LOCK_NAME]).timeout(QUERY_MS);
  },
  async commit() {},
  async unlock() {},
  asText: (column) => `CAST(${doubleQuotes(column)} AS text)`,
  typeOf: (kind) =>
    ({ name: 'varchar(255)', whole: 'integer', size: 'double precision', flag: 'smallint', json: 'text' })[kind],
  retype(table, column, kind) {
    const alter = `ALTER TABLE ${doubleQuotes(table)} ALTER COLUMN ${doubleQuotes(column)}`;
    return `${alter} TYPE ${this.typeOf(kind)}; ${alter} DROP NOT NULL;`;
  },
  keyTieBreaker: 'key',
  createKeys: (table) => `CREATE TABLE ${doubleQuotes(table)} (
  "key" varchar(255) NOT NULL PRIMARY KEY,
  secret varchar(255) NOT NULL,
  app_id varchar(255) NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX ON ${doubleQuotes(table)} (app_id);`,
  createTables: undefined,
};

export const SQLITE: SqlDialect = {
  name: 'SQLite',
  quote: backticks,
  async columns(db, table) {
    const { schema, name } = split(table);
    const rows = await db.raw('SELECT name, type, "notnull" = 0 AS nullable FROM pragma_table_info(?, ?)', [
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
        await transaction.raw(`DELETE FROM ${backticks(table)} WHERE 0`);
        return;
      } catch (error) {
        // Whoever has the lock may be in this very process, and must get on.
        if (failureOf(error) !== 'away' || performance.now() > deadline) throw error;
        await setTimeout(SQLITE_PAUSE_MS);
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
