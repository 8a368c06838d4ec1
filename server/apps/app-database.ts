import { hostPort } from '../client-address.ts';
import type { DatabaseDriver } from '../config/app-database-settings.ts';
import type { Settings } from '../config/index.ts';
import { maskSecrets } from '../config/mask.ts';
import { ConnectionPool, type PoolOptions } from './connection-pool.ts';
import { MYSQL, mysqlConnector } from './mysql-database.ts';
import { POSTGRES, postgresConnector } from './postgres-database.ts';
import type { SqlDialect } from './sql-dialect.ts';
import { SQLITE, sqliteConnector } from './sqlite-database.ts';

export type AppDatabaseSettings = Pick<Settings, 'appManager' | 'database' | 'databasePooling'>;

/** The database that apps are in. */
export interface AppDatabase {
  readonly driver: DatabaseDriver;
  readonly pool: ConnectionPool;
  readonly dialect: SqlDialect;
  readonly table: string;
  readonly keysTable: string;
  /** For people: `MySQL at 10.0.0.5:3306`. */
  readonly label: string;
}

/** Without `databasePooling`: a query that takes long must not hold up all others. */
const UNPOOLED_CONNECTIONS = 2;

/**
 * Makes ready to connect; nothing is asked of the database yet. Drivers are loaded here, so that who needs none loads none.
 *
 * @throws {AppStoreStartError} the driver is not there
 */
export async function openAppDatabase(driver: DatabaseDriver, settings: AppDatabaseSettings): Promise<AppDatabase> {
  const { table } = settings.appManager[driver];
  return { driver, table, keysTable: `${table}_keys`, ...(await partsOf(driver, settings)) };
}

async function partsOf(
  driver: DatabaseDriver,
  { appManager: { sqlite }, database: { mysql, postgres }, databasePooling }: AppDatabaseSettings,
): Promise<Pick<AppDatabase, 'dialect' | 'label' | 'pool'>> {
  switch (driver) {
    case 'mysql':
      return {
        dialect: MYSQL,
        label: `MySQL at ${addressOf(mysql, mysql.socketPath)}`,
        pool: new ConnectionPool(await mysqlConnector(mysql), poolSize(databasePooling)),
      };
    case 'postgres':
      return {
        dialect: POSTGRES,
        label: `PostgreSQL at ${addressOf(postgres, undefined)}`,
        pool: new ConnectionPool(await postgresConnector(postgres), poolSize(databasePooling)),
      };
    case 'sqlite':
      return {
        dialect: SQLITE,
        label: `SQLite ${sqlite.path}`,
        // Transactions of one connection take turns.
        pool: new ConnectionPool(await sqliteConnector(sqlite.path), { min: 0, max: 1 }),
      };
  }
}

function poolSize({ enabled, min, max }: Settings['databasePooling']): PoolOptions {
  return enabled ? { min, max } : { min: 0, max: UNPOOLED_CONNECTIONS };
}

function addressOf({ host, port }: { host: string; port: number }, socketPath: unknown): string {
  if (typeof socketPath === 'string') return socketPath;
  return hostPort(maskSecrets(host), port);
}
