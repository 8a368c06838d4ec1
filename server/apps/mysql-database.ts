import type { Settings } from '../config/index.ts';
import type { Row } from './app-row.ts';
import { loadDriver } from './load-driver.ts';
import { CONNECT_MS, type DriverConnection, inTime, QUERY_MS, readTlsFiles, type SqlValue } from './sql-connection.ts';
import { backticks, LOCK_NAME, type SqlDialect, splitTable, toColumns } from './sql-dialect.ts';

/** The part of `mysql2` that is used here. */
interface Driver {
  createConnection(options: object): Connection;
}

interface Connection {
  readonly stream: { once(event: 'close', listener: () => void): void };
  connect(done: (error: unknown) => void): void;
  query(sql: string, values: readonly SqlValue[], done: (error: unknown, answer: unknown) => void): void;
  on(event: 'error', listener: () => void): void;
  destroy(): void;
}

/** @throws {AppStoreStartError} the driver, or a file of its TLS settings, is not there */
export async function mysqlConnector(
  settings: Settings['database']['mysql'],
): Promise<() => Promise<DriverConnection>> {
  const driver = (await loadDriver('mysql2', 'appManager.driver "mysql"')) as Driver;
  const { ssl, ...options } = settings;
  const connectionOptions = {
    connectTimeout: CONNECT_MS,
    ...options,
    // What the driver escapes, it escapes for this.
    charset: 'utf8mb4',
    ...(ssl !== undefined && ssl !== false && { ssl: readTlsFiles('mysql', ssl === true ? {} : ssl) }),
  };
  return async () => {
    const connection = await MysqlConnection.open(driver.createConnection(connectionOptions));
    try {
      // With NO_BACKSLASH_ESCAPES what the driver escapes would not be escaped; without strictness values would be cut.
      const settingUp = connection.execute("SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'");
      await inTime(settingUp, QUERY_MS);
      return connection;
    } catch (error) {
      connection.destroy();
      throw error;
    }
  };
}

class MysqlConnection implements DriverConnection {
  readonly #connection: Connection;
  #isOpen = true;

  private constructor(connection: Connection) {
    this.#connection = connection;
    connection.on('error', () => {
      this.#isOpen = false;
    });
    connection.stream.once('close', () => {
      this.#isOpen = false;
    });
  }

  static open(connection: Connection): Promise<MysqlConnection> {
    const opened = new MysqlConnection(connection);
    return new Promise((resolve, reject) => {
      connection.connect((error) => {
        if (!error) {
          resolve(opened);
          return;
        }
        connection.destroy();
        reject(error);
      });
    });
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  query(sql: string, values: readonly SqlValue[] = []): Promise<readonly Row[]> {
    return new Promise((resolve, reject) => {
      this.#connection.query(sql, values, (error, answer) => {
        if (error) reject(error);
        else resolve(Array.isArray(answer) ? answer : []);
      });
    });
  }

  async execute(sql: string, values?: readonly SqlValue[]): Promise<void> {
    await this.query(sql, values);
  }

  destroy(): void {
    this.#isOpen = false;
    this.#connection.destroy();
  }
}

export const MYSQL: SqlDialect = {
  name: 'MySQL',
  quote: backticks,
  async columns(db, table) {
    const { schema, name } = splitTable(table);
    const rows = await db.query(
      'SELECT column_name AS name, column_type AS type, is_nullable AS nullable FROM information_schema.columns ' +
        'WHERE table_schema = COALESCE(?, DATABASE()) AND table_name = ?',
      [schema ?? null, name],
    );
    return toColumns(rows);
  },
  async lock(transaction) {
    const [row] = await transaction.query('SELECT GET_LOCK(?, ?) AS isMine', [LOCK_NAME, Math.ceil(QUERY_MS / 2000)]);
    if (Number(row?.isMine) !== 1) throw new Error('another node is writing apps for too long');
  },
  async commit(transaction) {
    await transaction.execute('COMMIT');
  },
  async unlock(transaction) {
    await transaction.execute('SELECT RELEASE_LOCK(?)', [LOCK_NAME]);
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
