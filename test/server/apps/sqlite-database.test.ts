import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { DriverConnection } from '../../../server/apps/sql-connection.ts';
import { failureOf } from '../../../server/apps/sql-errors.ts';
import { sqliteConnector } from '../../../server/apps/sqlite-database.ts';
import { temporaryFolder } from '../../support/process.ts';

const connections: DriverConnection[] = [];
afterEach(() => {
  for (const connection of connections.splice(0)) connection.destroy();
});

async function connect(file = join(temporaryFolder(), 'apps.sqlite')): Promise<DriverConnection> {
  const connection = await (await sqliteConnector(file))();
  connections.push(connection);
  return connection;
}

/** What goes wrong, by the words of SQLite and by what that means to whoever asked. */
async function failure(work: Promise<unknown>): Promise<readonly [string, string]> {
  const error = await work.then(
    () => new Error('it did work'),
    (reason: Error) => reason,
  );
  return [failureOf(error), error.message];
}

test('numbers, texts and bytes come back as they were written', async () => {
  const connection = await connect();
  await connection.execute('CREATE TABLE t (a, b, c, d, e, f)');
  await connection.execute("INSERT INTO t VALUES (?, ?, ?, ?, ?, x'00ff')", [7, 0.5, 'é😀\u2028', null, true]);
  const [row] = await connection.query('SELECT * FROM t');
  expect(row).toEqual({ a: 7, b: 0.5, c: 'é😀\u2028', d: null, e: 1, f: Buffer.from([0, 255]) });
});

test('values that JavaScript or a text can not hold cost no other row', async () => {
  const connection = await connect();
  await connection.execute('CREATE TABLE t (v)');
  await connection.execute("INSERT INTO t VALUES (9007199254740993), (CAST(x'61ff62' AS TEXT)), ('after')");
  expect(await connection.query('SELECT v FROM t')).toEqual([{ v: 2 ** 53 }, { v: 'a\ufffdb' }, { v: 'after' }]);
});

test('a text with NUL is refused, as it would be cut and found as another one', async () => {
  const connection = await connect();
  expect(await failure(connection.query('SELECT ? AS v', ['a\0b']))).toEqual(['data', 'a text holds NUL']);
});

test('who writes waits for nobody longer than a moment, and who reads does not wait', async () => {
  const file = join(temporaryFolder(), 'apps.sqlite');
  const [first, second] = [await connect(file), await connect(file)];
  await first.execute('CREATE TABLE t (v)');
  await first.execute('BEGIN');
  await first.execute('INSERT INTO t VALUES (1)');
  expect(await failure(second.execute('DELETE FROM t'))).toEqual(['away', 'database is locked']);
  expect(await second.query('SELECT * FROM t')).toEqual([]);
  await first.execute('COMMIT');
  expect(await second.query('SELECT * FROM t')).toEqual([{ v: 1 }]);
});

test('a column that another process adds is there in the next query', async () => {
  const file = join(temporaryFolder(), 'apps.sqlite');
  const [first, second] = [await connect(file), await connect(file)];
  await first.execute('CREATE TABLE t (a)');
  await first.execute('INSERT INTO t VALUES (1)');
  await first.query('SELECT * FROM t');
  await second.execute('ALTER TABLE t ADD COLUMN b DEFAULT 2');
  expect(await first.query('SELECT * FROM t')).toEqual([{ a: 1, b: 2 }]);
});

test.for([
  ['id', 'UNIQUE constraint failed: t.id'],
  ['key', 'UNIQUE constraint failed: t.key'],
])('a second row of the same %s is a duplicate', async ([column, message]) => {
  const connection = await connect();
  await connection.execute('CREATE TABLE t (id TEXT PRIMARY KEY, key TEXT UNIQUE)');
  await connection.execute(`INSERT INTO t (${column}) VALUES ('1')`);
  expect(await failure(connection.execute(`INSERT INTO t (${column}) VALUES ('1')`))).toEqual(['duplicate', message]);
});

test('a table that is not there is told apart from SQL that is wrong', async () => {
  const connection = await connect();
  expect(await failure(connection.query('SELECT * FROM missing'))).toEqual(['table', 'no such table: missing']);
  expect((await failure(connection.query('SELEC')))[0]).toBe('other');
});

test('a file that is damaged, no database or out of reach can not be opened', async () => {
  const folder = temporaryFolder();
  const text = join(folder, 'text.sqlite');
  writeFileSync(text, 'this is no database, but a text that is long enough to be looked at'.repeat(20));
  expect(await failure(connect(text))).toEqual(['database', 'file is not a database']);
  for (const file of [folder, join(text, 'x'), '/nowhere/at/all.sqlite']) {
    expect(await failure(connect(file))).toEqual(['database', 'unable to open database file']);
  }

  const whole = join(folder, 'whole.sqlite');
  const writer = await connect(whole);
  await writer.execute('CREATE TABLE t (v)');
  for (let row = 0; row < 100; row++) await writer.execute('INSERT INTO t VALUES (?)', ['x'.repeat(500)]);
  writer.destroy();
  writeFileSync(join(folder, 'damaged.sqlite'), readFileSync(whole).fill(0xee, 4096, 30_000));
  const damaged = await connect(join(folder, 'damaged.sqlite'));
  expect(await failure(damaged.query('SELECT * FROM t'))).toEqual(['database', 'database disk image is malformed']);
});

test('a file that is taken away costs nothing but itself', async () => {
  const folder = temporaryFolder();
  const file = join(folder, 'apps.sqlite');
  const connection = await connect(file);
  await connection.execute('CREATE TABLE t (v)');
  for (const name of readdirSync(folder)) rmSync(join(folder, name));
  expect(await connection.query('SELECT * FROM t')).toEqual([]);
  connection.destroy();
  expect(await failure((await connect(file)).query('SELECT * FROM t'))).toEqual(['table', 'no such table: t']);
});

test('what was written is in the file itself when the connection is closed', async () => {
  const folder = temporaryFolder();
  const connection = await connect(join(folder, 'apps.sqlite'));
  await connection.execute('CREATE TABLE t (v)');
  await connection.execute('INSERT INTO t VALUES (1)');
  await connection.query('SELECT * FROM t');
  connection.destroy();
  copyFileSync(join(folder, 'apps.sqlite'), join(folder, 'copy.sqlite'));
  expect(await (await connect(join(folder, 'copy.sqlite'))).query('SELECT * FROM t')).toEqual([{ v: 1 }]);
});
