import type { Settings } from '../config/index.ts';
import type { Row } from './app-row.ts';
import { loadDriver } from './load-driver.ts';
import { CONNECT_MS, type DriverConnection, readTlsFiles, type SqlValue } from './sql-connection.ts';
import { doubleQuotes, LOCK_NAME, type SqlDialect, toColumns } from './sql-dialect.ts';

/** The part of `pg` that is used here. */
interface Driver {
  readonly Client: new (options: object) => Client;
}

interface Client {
  readonly connection: { readonly stream: { destroy(): void } };
  connect(): Promise<unknown>;
  query(sql: string, values: readonly SqlValue[]): Promise<{ readonly rows: readonly Row[] }>;
  on(event: 'error' | 'end', listener: () => void): void;
}

/** @throws {AppStoreStartError} the driver, or a file of its TLS settings, is not there */
export async function postgresConnector(
  settings: Settings['database']['postgres'],
): Promise<() => Promise<DriverConnection>> {
  const { Client } = (await loadDriver('pg', 'appManager.driver "postgres"')) as Driver;
  const { ssl, ...options } = settings;
  const clientOptions = {
    connectionTimeoutMillis: CONNECT_MS,
    application_name: 'kulkul',
    ...options,
    ...(ssl !== undefined && { ssl: typeof ssl === 'boolean' ? ssl : readTlsFiles('postgres', ssl) }),
  };
  return async () => {
    const connection = new PostgresConnection(new Client(clientOptions));
    await connection.open();
    return connection;
  };
}

class PostgresConnection implements DriverConnection {
  readonly #client: Client;
  #isOpen = true;

  constructor(client: Client) {
    this.#client = client;
    for (const event of ['error', 'end'] as const) {
      client.on(event, () => {
        this.#isOpen = false;
      });
    }
  }

  async open(): Promise<void> {
    try {
      await this.#client.connect();
    } catch (error) {
      this.destroy();
      throw error;
    }
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  async query(sql: string, values: readonly SqlValue[] = []): Promise<readonly Row[]> {
    return (await this.#client.query(numbered(sql), values)).rows;
  }

  async execute(sql: string, values?: readonly SqlValue[]): Promise<void> {
    await this.query(sql, values);
  }

  destroy(): void {
    this.#isOpen = false;
    this.#client.connection.stream.destroy();
  }
}

/** Numbers the places of values, as PostgreSQL has them: `?, ?` → `$1, $2`. */
function numbered(sql: string): string {
  let count = 0;
  return sql.replaceAll('?', () => `$${++count}`);
}

export const POSTGRES: SqlDialect = {
  name: 'PostgreSQL',
  quote: doubleQuotes,
  async columns(db, table) {
    const rows = await db.query(
      'SELECT a.attname AS name, t.typname AS type, NOT a.attnotnull AS nullable FROM pg_attribute a ' +
        'JOIN pg_type t ON t.oid = a.atttypid WHERE a.attrelid = to_regclass(?) AND a.attnum > 0 ' +
        "AND NOT a.attisdropped AND has_table_privilege(a.attrelid, 'SELECT')",
      [doubleQuotes(table)],
    );
    return toColumns(rows);
  },
  async lock(transaction) {
    await transaction.execute('SELECT pg_advisory_xact_lock(hashtext(?))', [LOCK_NAME]);
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
