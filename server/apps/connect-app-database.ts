import type { DatabaseDriver } from '../config/app-database-settings.ts';
import { maskSecrets } from '../config/mask.ts';
import type { Logger } from '../log.ts';
import { type AppDatabase, type AppDatabaseSettings, openAppDatabase } from './app-database.ts';
import { REQUIRED_COLUMNS } from './app-row.ts';
import { AppStoreStartError, type DatabasePart, failureOf, messageOf } from './sql-errors.ts';

/** How long the start waits for a database that is not there yet, in milliseconds. */
const WAIT_MS = 10_000;
const PAUSE_MS = 200;

/**
 * Connects to the database of the apps and looks at the table, so that what is wrong shows now and has a name.
 *
 * @throws {AppStoreStartError}
 */
export async function connectAppDatabase(
  driver: DatabaseDriver,
  settings: AppDatabaseSettings,
  log: Logger,
  waitMs = WAIT_MS,
): Promise<AppDatabase> {
  const database = await openAppDatabase(driver, settings);
  const deadline = performance.now() + waitMs;
  for (let isSaid = false; ; isSaid = true) {
    try {
      await look(database);
      return database;
    } catch (error) {
      const failure = failureOf(error);
      const isPassing = failure === 'away' || failure === 'lost';
      if (!isPassing || performance.now() > deadline) {
        database.pool.close();
        throw startError(database, settings, error);
      }
      if (!isSaid) {
        const reason = startError(database, settings, error).message;
        log.warn({ reason, seconds: waitMs / 1000 }, 'waiting for the database of the apps');
      }
    }
    await pause(PAUSE_MS);
  }
}

async function look({ pool, dialect, table, keysTable }: AppDatabase): Promise<void> {
  for (const sql of dialect.createTables?.(table, keysTable) ?? []) await pool.execute(sql);
  const columns = REQUIRED_COLUMNS.map(dialect.quote).join(', ');
  await pool.query(`SELECT ${columns} FROM ${dialect.quote(table)} LIMIT 1`);
}

/** Part by part: what failed, why, and what to do. */
function startError(database: AppDatabase, settings: AppDatabaseSettings, error: unknown): AppStoreStartError {
  if (error instanceof AppStoreStartError) return error;
  const part = partOf(error);
  const message = `${database.label}: ${explain(part, database, settings, error)}`;
  return new AppStoreStartError(part, message, { cause: error });
}

function partOf(error: unknown): DatabasePart {
  const failure = failureOf(error);
  switch (failure) {
    case 'away':
      return 'address';
    case 'access':
    case 'database':
    case 'table':
    case 'TLS':
      return failure;
    default:
      return 'connection';
  }
}

function explain(
  part: DatabasePart,
  { driver, table }: AppDatabase,
  settings: AppDatabaseSettings,
  error: unknown,
): string {
  const message = maskSecrets(messageOf(error));
  if (driver === 'sqlite') {
    const path = 'Set appManager.sqlite.path to a file in a folder that this user may write to';
    if (part === 'access' || part === 'database') return `the file can't be opened (${message}). ${path}.`;
    return `${message}. ${path}, or mend the table ${table}: docs/apps.md has its SQL.`;
  }
  const { host, user, database } = settings.database[driver];
  const section = `database.${driver}`;
  const variable = (name: string): string => `SOKETI_DB_${driver.toUpperCase()}_${name}`;
  const address = `${section}.host and ${section}.port (${variable('HOST')}, ${variable('PORT')})`;
  switch (part) {
    case 'address':
      return `${addressFailure(message, host)} (${message}). Start it, or set ${address}.`;
    case 'TLS':
      return `no TLS connection (${message}). See ${section}.ssl.`;
    case 'access':
      return (
        `access denied for the user ${JSON.stringify(user)} (${message}). Check ${section}.user and ${section}.password ` +
        `(${variable('USERNAME')}, ${variable('PASSWORD')}), and that the user may SELECT from the table ${table}.`
      );
    case 'database':
      return `there is no database ${JSON.stringify(database)}. Create it, or set ${section}.database (${variable('DATABASE')}).`;
    case 'table':
      return (
        `there is no table ${JSON.stringify(table)} in the database ${JSON.stringify(database)}. docs/apps.md has the SQL ` +
        `that makes it; one of another name is set by appManager.${driver}.table (SOKETI_APP_MANAGER_${driver.toUpperCase()}_TABLE).`
      );
    default:
      return `${message}. The table ${table} needs the columns ${REQUIRED_COLUMNS.join(', ')} at least: docs/apps.md has its SQL.`;
  }
}

function addressFailure(message: string, host: string): string {
  if (/ENOTFOUND|EAI_AGAIN/.test(message)) return `the host ${JSON.stringify(maskSecrets(host))} is not found`;
  if (message.includes('ECONNREFUSED')) return 'connections are refused';
  return 'no answer';
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
