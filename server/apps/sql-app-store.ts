import { isDeepStrictEqual } from 'node:util';
import { batchesOf } from '../batches.ts';
import { keyPairsOf } from '../config/app-options.ts';
import { maskSecrets } from '../config/mask.ts';
import { FaultLog, type Logger } from '../log.ts';
import type { AppDatabase } from './app-database.ts';
import { takenFeed } from './app-directory.ts';
import { type KeyRow, OPTIONS_COLUMN, type Row, readAppRow } from './app-row.ts';
import { AppConflict, type AppStore, AppStoreUnavailable, type StoredApp, TakenByApp } from './app-store.ts';
import { placeholders, type SqlConnection, type SqlValue } from './sql-connection.ts';
import type { TableColumns } from './sql-dialect.ts';
import { failureOf, messageOf } from './sql-errors.ts';
import { type NewRow, writeAppRow } from './stored-row.ts';

/** Of ids in one statement. */
const CHUNK = 500;
/** The columns of Soketi's table take no more. */
const MAX_NAME_LENGTH = 255;

/** Apps in a table of MySQL, MariaDB, PostgreSQL or SQLite: Soketi's, or one with more in it. See docs/apps.md. */
export class SqlAppStore implements AppStore {
  readonly description: string;
  readonly #db: AppDatabase;
  /** As they stand in statements: both tables, and whatever has to be quoted. */
  readonly #names: { readonly apps: string; readonly further: string; quote(name: string): string };
  readonly #badRows: FaultLog;
  readonly #badLimits: FaultLog;
  readonly #badWebhooks: FaultLog;
  /** Whether there is a table of further keys; false: it is to be looked for. */
  #hasKeys = false;

  constructor(database: AppDatabase, log: Logger) {
    this.#db = database;
    const { quote } = database.dialect;
    this.#names = { apps: quote(database.table), further: quote(database.keysTable), quote };
    this.description = `${database.label}, table ${database.table}`;
    this.#badRows = new FaultLog(log, 'error', 'an app in the database is passed over: its row can not be read');
    this.#badLimits = new FaultLog(
      log,
      'warn',
      'limits of an app in the database are passed over: their defaults hold',
    );
    this.#badWebhooks = new FaultLog(log, 'warn', 'webhooks of an app in the database are left out, or never sent');
  }

  async find(id: string): Promise<StoredApp | undefined> {
    if (!isName(id)) return undefined;
    return this.#search(async () => first(await this.#complete(await this.#rowsOf([id]))));
  }

  async findByKey(key: string): Promise<StoredApp | undefined> {
    if (!isName(key)) return undefined;
    return this.#search(async () => {
      const { pool } = this.#db;
      const { apps, further, quote } = this.#names;
      const rows = await pool.query(`SELECT * FROM ${apps} WHERE ${quote('key')} = ? ORDER BY id`, [key]);
      // Whether capitals count is up to the column, unless it is asked here, too.
      const row = rows.find((candidate) => candidate.key === key);
      if (row) return first(await this.#complete([row]));
      if (!(await this.#findKeysTable())) return undefined;
      const pairs = await pool.query(`SELECT ${quote('key')}, app_id FROM ${further} WHERE ${quote('key')} = ?`, [key]);
      const id: unknown = pairs.find((pair) => pair.key === key)?.app_id;
      if (id === undefined) return undefined;
      return first(await this.#complete(await this.#rowsOf([String(id)])));
    });
  }

  async findAll(ids: readonly string[]): Promise<ReadonlyMap<string, StoredApp | undefined>> {
    const names = ids.filter(isName);
    if (names.length === 0) return new Map();
    return this.#read(async () => this.#complete(await this.#rowsOf(names)));
  }

  async list(limit?: number): Promise<readonly StoredApp[]> {
    const found = await this.#read(async () => {
      const sql = `SELECT * FROM ${this.#names.apps} ORDER BY id`;
      const { pool } = this.#db;
      return this.#complete(await (limit === undefined ? pool.query(sql) : pool.query(`${sql} LIMIT ?`, [limit])));
    });
    return [...found.values()].filter((app) => app !== undefined);
  }

  async listWithFeeds(): Promise<readonly StoredApp[]> {
    const found = await this.#read(async () => this.#complete(await this.#rowsWithFeeds(this.#db.pool)));
    return [...found.values()].filter((app) => app !== undefined).filter(({ feeds }) => feeds.length > 0);
  }

  async insert(app: StoredApp): Promise<void> {
    await this.#write(async (transaction) => {
      const { row, keys } = writeAppRow(app, await this.#shape(transaction));
      const [same] = await this.#exactly(transaction, app.id);
      if (same) throw new AppConflict(`The id ${app.id} is taken by another app.`);
      await this.#refuseTakenKeys(transaction, app);
      await this.#refuseTakenFeeds(transaction, app);
      await this.#insert(transaction, this.#db.table, row);
      await this.#writeKeys(transaction, app.id, keys);
    });
  }

  update(app: StoredApp): Promise<boolean> {
    return this.#write(async (transaction) => {
      const { row, keys }: NewRow = writeAppRow(app, await this.#shape(transaction));
      const [same] = await this.#exactly(transaction, app.id);
      if (!same) return false;
      await this.#refuseTakenKeys(transaction, app);
      await this.#refuseTakenFeeds(transaction, app);
      const { apps, quote } = this.#names;
      const changed = Object.entries(row).filter(([column]) => column !== 'webhooks' || !holdsWebhooks(same, app));
      const set = changed.map(([column]) => `${quote(column)} = ?`);
      const sql = `UPDATE ${apps} SET ${set.join(', ')} WHERE id = ?`;
      await transaction.execute(sql, [...changed.map(([, value]) => value), app.id]);
      await this.#writeKeys(transaction, app.id, keys);
      return true;
    });
  }

  delete(id: string): Promise<boolean> {
    return this.#write(async (transaction) => {
      const [same] = isName(id) ? await this.#exactly(transaction, id) : [];
      if (!same) return false;
      await transaction.execute(`DELETE FROM ${this.#names.apps} WHERE id = ?`, [id]);
      await this.#writeKeys(transaction, id, []);
      return true;
    });
  }

  async close(): Promise<void> {
    this.#db.pool.close();
  }

  async #rowsOf(ids: readonly string[]): Promise<Row[]> {
    const wanted = new Set(ids);
    const rows: Row[] = [];
    for (const chunk of batchesOf(ids, CHUNK)) {
      const sql = `SELECT * FROM ${this.#names.apps} WHERE id IN (${placeholders(chunk)})`;
      rows.push(...(await this.#db.pool.query(sql, chunk)));
    }
    return rows.filter(({ id }) => wanted.has(String(id)));
  }

  /** Feeds stand in the JSON of the options: few apps have any, and no database has an index for it. */
  async #rowsWithFeeds(db: SqlConnection): Promise<readonly Row[]> {
    const { dialect, table } = this.#db;
    const columns = await this.#columns(db, table);
    // Soketi's table has no such column.
    if (columns.size > 0 && !columns.has(OPTIONS_COLUMN)) return [];
    const options = dialect.asText(OPTIONS_COLUMN);
    return db.query(`SELECT * FROM ${this.#names.apps} WHERE ${options} LIKE ? ORDER BY id`, ['%"feeds"%']);
  }

  /** By id; undefined for the rows that can't be read. */
  async #complete(rows: readonly Row[]): Promise<Map<string, StoredApp | undefined>> {
    const ids = rows.map(({ id }) => String(id));
    const keys = await this.#keysOf(ids);
    const apps = new Map<string, StoredApp | undefined>();
    for (const row of rows) {
      const id = String(row.id);
      const read = readAppRow(row, keys.get(id) ?? []);
      if ('app' in read) {
        this.#badRows.forget(id);
        this.#note(this.#badLimits, id, read.badLimits);
        this.#note(this.#badWebhooks, id, read.badWebhooks);
        apps.set(id, read.app);
      } else {
        apps.set(id, undefined);
        this.#badRows.note(id, { app: id, table: this.#db.table, problems: read.problems });
      }
    }
    return apps;
  }

  #note(faults: FaultLog, id: string, problems: readonly string[]): void {
    if (problems.length === 0) faults.forget(id);
    else faults.note(id, { app: id, table: this.#db.table, problems });
  }

  /** The further pairs of some apps, oldest first. */
  async #keysOf(ids: readonly string[]): Promise<ReadonlyMap<string, readonly KeyRow[]>> {
    const found = new Map<string, KeyRow[]>();
    if (ids.length === 0 || !(await this.#findKeysTable())) return found;
    const { further, quote } = this.#names;
    const tieBreaker = quote(this.#db.dialect.keyTieBreaker);
    for (const chunk of batchesOf(ids, CHUNK)) {
      const rows = await this.#db.pool.query(
        `SELECT ${quote('key')}, secret, app_id FROM ${further} WHERE app_id IN (${placeholders(chunk)}) ORDER BY created_at, ${tieBreaker}`,
        chunk,
      );
      for (const { key, secret, app_id: id } of rows) {
        const pairs = found.get(String(id)) ?? [];
        pairs.push({ key: String(key), secret: String(secret) });
        found.set(String(id), pairs);
      }
    }
    return found;
  }

  /** It may be made at any time. */
  async #findKeysTable(): Promise<boolean> {
    if (!this.#hasKeys) this.#hasKeys = (await this.#columns(this.#db.pool, this.#db.keysTable)).size > 0;
    return this.#hasKeys;
  }

  #columns(db: SqlConnection, table: string): Promise<TableColumns> {
    return this.#db.dialect.columns(db, table);
  }

  async #shape(transaction: SqlConnection): Promise<Parameters<typeof writeAppRow>[1]> {
    const { dialect, table, keysTable } = this.#db;
    this.#hasKeys = (await this.#columns(transaction, keysTable)).size > 0;
    const columns = await this.#columns(transaction, table);
    if (columns.size === 0) throw new Error(`there is no table ${table}`);
    return { dialect, table, columns };
  }

  async #exactly(transaction: SqlConnection, id: string): Promise<readonly Row[]> {
    const rows = await transaction.query(`SELECT * FROM ${this.#names.apps} WHERE id = ?`, [id]);
    return rows.filter((row) => String(row.id) === id);
  }

  async #refuseTakenKeys(transaction: SqlConnection, app: StoredApp): Promise<void> {
    const { apps, further, quote } = this.#names;
    const keys = keyPairsOf(app).map(({ key }) => key);
    const among = `WHERE ${quote('key')} IN (${placeholders(keys)})`;
    const own = await transaction.query(`SELECT id, ${quote('key')} FROM ${apps} ${among}`, keys);
    const others = this.#hasKeys
      ? await transaction.query(`SELECT app_id AS id, ${quote('key')} FROM ${further} ${among}`, keys)
      : [];
    const taken = [...own, ...others].find(({ id, key }) => String(id) !== app.id && keys.includes(String(key)));
    if (taken) throw new TakenByApp(`The key ${taken.key} is taken by`, String(taken.id));
  }

  async #refuseTakenFeeds(transaction: SqlConnection, app: StoredApp): Promise<void> {
    if (app.feeds.length === 0) return;
    const rows = await this.#rowsWithFeeds(transaction);
    const apps = rows.map((row) => readAppRow(row, [])).flatMap((read) => ('app' in read ? [read.app] : []));
    const taken = takenFeed(app, apps);
    if (taken) throw taken;
  }

  /** Pairs that stay keep their age. */
  async #writeKeys(transaction: SqlConnection, id: string, keys: readonly KeyRow[]): Promise<void> {
    const { keysTable, dialect } = this.#db;
    if (!this.#hasKeys) {
      if (keys.length === 0) return;
      const sql = dialect.createKeys(keysTable);
      throw new AppConflict(`Further keys of an app need the table ${keysTable}. To make it:\n${sql}`);
    }
    const { further, quote } = this.#names;
    const rows = await transaction.query(`SELECT * FROM ${further} WHERE app_id = ?`, [id]);
    const before = rows.filter((row) => row.app_id === id);
    const gone = before.filter(({ key, secret }) => !keys.some((pair) => pair.key === key && pair.secret === secret));
    const goneKeys = gone.map(({ key }) => String(key));
    if (goneKeys.length > 0) {
      const sql = `DELETE FROM ${further} WHERE app_id = ? AND ${quote('key')} IN (${placeholders(goneKeys)})`;
      await transaction.execute(sql, [id, ...goneKeys]);
    }
    for (const { key, secret } of keys) {
      if (before.some((row) => row.key === key && row.secret === secret)) continue;
      await this.#insert(transaction, keysTable, { key, secret, app_id: id });
    }
  }

  async #insert(transaction: SqlConnection, table: string, row: Readonly<Record<string, SqlValue>>): Promise<void> {
    const { quote } = this.#db.dialect;
    const values = Object.values(row);
    const columns = Object.keys(row).map((column) => quote(column));
    const sql = `INSERT INTO ${quote(table)} (${columns.join(', ')}) VALUES (${placeholders(values)})`;
    await transaction.execute(sql, values);
  }

  /** Looks for what somebody sent: what can't be compared with the column's content isn't there. */
  async #search<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await this.#read(work);
    } catch (error) {
      const cause = error instanceof Error ? error.cause : undefined;
      if (failureOf(cause) === 'data') return undefined;
      throw error;
    }
  }

  /** A connection that was lost since it was last used is no reason to fail: another may do. */
  async #read<T>(work: () => Promise<T>): Promise<T> {
    for (let isSecond = false; ; isSecond = true) {
      try {
        return await work();
      } catch (error) {
        const failure = failureOf(error);
        // The table of keys was taken away, or this is the table of apps.
        if (failure === 'table') this.#hasKeys = false;
        if (isSecond || (failure !== 'lost' && failure !== 'table')) throw this.#unavailable(error);
      }
    }
  }

  async #write<T>(work: (transaction: SqlConnection) => Promise<T>): Promise<T> {
    const { pool, dialect, table } = this.#db;
    try {
      return await pool.transaction(async (transaction) => {
        await dialect.lock(transaction, table);
        try {
          const result = await work(transaction);
          await dialect.commit(transaction);
          return result;
        } finally {
          // The end of the connection would take it back, too.
          await dialect.unlock(transaction).catch(() => {});
        }
      });
    } catch (error) {
      if (error instanceof AppConflict) throw error;
      switch (failureOf(error)) {
        case 'duplicate':
          throw new AppConflict(`The id or a key is taken by another app (${messageOf(error)}).`, { cause: error });
        case 'data':
          throw new AppConflict(`The table ${table} can't hold this app: ${messageOf(error)}.`, { cause: error });
        default:
          throw this.#unavailable(error);
      }
    }
  }

  #unavailable(error: unknown): AppStoreUnavailable {
    return new AppStoreUnavailable(
      `the database of the apps is away (${this.#db.label}: ${maskSecrets(messageOf(error))})`,
      {
        cause: error,
      },
    );
  }
}

function first(apps: ReadonlyMap<string, StoredApp | undefined>): StoredApp | undefined {
  const [app] = apps.values();
  return app;
}

/** Whether a row says already what webhooks an app has. Those that were left out then stay there, for whoever mends them. */
function holdsWebhooks(row: Row, { webhooks }: StoredApp): boolean {
  const read = readAppRow({ ...row, [OPTIONS_COLUMN]: null }, []);
  return 'app' in read && isDeepStrictEqual(read.app.webhooks, webhooks);
}

/** Whether a text that anybody may send can be an id or key at all; databases fail on some that can't. */
function isName(text: string): boolean {
  return text !== '' && text.length <= MAX_NAME_LENGTH && !/[\p{Cc}\p{Cs}]/u.test(text);
}
