import pino from 'pino';
import { connectAppDatabase } from '../../server/apps/connect-app-database.ts';
import { SqlAppStore } from '../../server/apps/sql-app-store.ts';
import { type AppTestDatabase, startMariadb, startPostgres, startSqlite } from '../support/app-databases.ts';
import { loadSettings } from '../support/broker.ts';
import { type AppStoreFixture, appStoreContract } from './app-store-contract.ts';

async function openFixture(start: () => Promise<AppTestDatabase>): Promise<AppStoreFixture> {
  const database = await start();
  await database.createTables();
  const settings = loadSettings(database.settings);
  const log: Record<string, unknown>[] = [];
  const logger = pino({ level: 'warn' }, { write: (line) => log.push(JSON.parse(line)) });
  const quiet = pino({ level: 'silent' });
  const store = new SqlAppStore(await connectAppDatabase(database.driver, settings, logger), logger);
  const other = new SqlAppStore(await connectAppDatabase(database.driver, settings, quiet), quiet);
  return {
    store,
    other,
    log,
    execute: (sql) => database.execute(sql),
    createTables: () => database.createTables(),
    createSoketiTable: () => database.createSoketiTable(),
    async close() {
      await store.close();
      await other.close();
      await database.dispose();
    },
  };
}

appStoreContract('apps in MariaDB', () => openFixture(startMariadb));
appStoreContract('apps in PostgreSQL', () => openFixture(startPostgres));
appStoreContract('apps in SQLite', () => openFixture(startSqlite));
