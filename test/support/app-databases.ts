import { join } from 'node:path';
import { loadSqlite, SQLITE } from '../../server/apps/sqlite-database.ts';
import type { DatabaseDriver } from '../../server/config/app-database-settings.ts';
import { documentedTables, SOKETI_MYSQL_TABLE, SOKETI_POSTGRES_TABLE } from './app-tables.ts';
import { MariadbServer } from './mariadb-server.ts';
import { PostgresServer } from './postgres-server.ts';
import { temporaryFolder } from './process.ts';

/** A real database for apps, on its own server where it needs one. */
export interface AppTestDatabase {
  readonly driver: DatabaseDriver;
  /** As in a configuration file. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** undefined: there is no server. */
  readonly port: number | undefined;
  /** Statements, each of which ends with a semicolon; `"key"` is quoted as the database wants it. */
  execute(sql: string): Promise<void>;
  createTables(): Promise<void>;
  createSoketiTable(): Promise<void>;
  /** Ends the server, and starts it again with its data. */
  kill(): Promise<void>;
  run(): Promise<void>;
  dispose(): Promise<void>;
}

const DROP = 'DROP TABLE IF EXISTS apps; DROP TABLE IF EXISTS apps_keys;';

export async function startMariadb(): Promise<AppTestDatabase> {
  const server = await MariadbServer.start();
  const execute = (sql: string): Promise<void> => server.execute(sql.replaceAll('"key"', '`key`'));
  return {
    ...serverParts('mysql', server),
    execute,
    createTables: () => execute(DROP + documentedTables('MySQL and MariaDB')),
    createSoketiTable: () => execute(DROP + SOKETI_MYSQL_TABLE),
  };
}

export async function startPostgres(): Promise<AppTestDatabase> {
  const server = await PostgresServer.start();
  const execute = (sql: string): Promise<void> => server.execute(sql);
  return {
    ...serverParts('postgres', server),
    execute,
    createTables: () => execute(DROP + documentedTables('PostgreSQL')),
    createSoketiTable: () => execute(DROP + SOKETI_POSTGRES_TABLE),
  };
}

export async function startSqlite(): Promise<AppTestDatabase> {
  const file = join(temporaryFolder(), 'apps.sqlite');
  const { DatabaseSync } = await loadSqlite();
  const execute = async (sql: string): Promise<void> => {
    const database = new DatabaseSync(file);
    try {
      database.exec(sql);
    } finally {
      database.close();
    }
  };
  return {
    driver: 'sqlite',
    settings: { 'appManager.driver': 'sqlite', 'appManager.sqlite.path': file },
    port: undefined,
    execute,
    createTables: () => execute(`${DROP}${SQLITE.createTables?.('apps', 'apps_keys').join(';')}`),
    createSoketiTable: () => execute(DROP + SOKETI_POSTGRES_TABLE),
    kill: async () => {},
    run: async () => {},
    dispose: async () => {},
  };
}

function serverParts(driver: 'mysql' | 'postgres', server: MariadbServer | PostgresServer) {
  const { port, user, password } = server;
  return {
    driver,
    settings: {
      'appManager.driver': driver,
      [`database.${driver}`]: { host: '127.0.0.1', port, user, password, database: 'main' },
    },
    port,
    kill: () => server.kill(),
    run: () => server.run(),
    dispose: () => server.dispose(),
  };
}
