import { isDeepStrictEqual } from 'node:util';
import type { AppOptionName } from '../config/app-options.ts';
import { keyPairsOf } from '../config/app-options.ts';
import { appOptions } from '../config/catalogue.ts';
import { APP_COLUMNS, type AppColumn, type KeyRow, OPTIONS_COLUMN, refuseFiles } from './app-row.ts';
import { AppConflict, type StoredApp } from './app-store.ts';
import type { SqlDialect, TableColumns } from './sql-dialect.ts';

export interface NewRow {
  readonly row: Readonly<Record<string, string | number | boolean | null>>;
  /** Pairs beside the one in the row. */
  readonly keys: readonly KeyRow[];
}

/** A table as it is. */
export interface TableShape {
  readonly dialect: SqlDialect;
  readonly table: string;
  readonly columns: TableColumns;
}

/**
 * What is to be written for an app.
 *
 * @throws {AppConflict} the table can't hold it; with the SQL that mends it
 */
export function writeAppRow(app: StoredApp, shape: TableShape): NewRow {
  const refusal = refuseFiles(app);
  if (refusal !== undefined) throw new AppConflict(refusal);
  const [first, ...keys] = keyPairsOf(app);
  if (first === undefined) throw new AppConflict(`App ${app.id} has no key: it needs key and secret.`);
  const twice = keys.find(({ key }, index) => [first, ...keys.slice(0, index)].some((other) => other.key === key));
  if (twice) throw new AppConflict(`App ${app.id} holds the key ${twice.key} twice.`);

  const values: StoredApp = { ...app, ...first };
  const row: Record<string, string | number | boolean | null> = {};
  for (const column of APP_COLUMNS) {
    const value = writeValue(column, values[column.option], shape);
    if (value !== undefined) row[column.column] = value;
  }
  const options = withoutColumns(values);
  if (shape.columns.has(OPTIONS_COLUMN)) {
    row[OPTIONS_COLUMN] = Object.keys(options).length === 0 ? null : JSON.stringify(options);
  } else if (Object.keys(options).length > 0) {
    throw missingColumn(shape, OPTIONS_COLUMN, 'json', Object.keys(options).join(', '));
  }
  return { row, keys };
}

const columnOptions: ReadonlySet<AppOptionName> = new Set([...APP_COLUMNS.map(({ option }) => option), 'keys']);

/** What differs from its default and has no column. */
function withoutColumns(app: StoredApp): Record<string, unknown> {
  const own = [...appOptions].flatMap(([name, { defaultValue }]) => {
    const value = app[name];
    if (columnOptions.has(name) || value === undefined || isDeepStrictEqual(value, defaultValue)) return [];
    return [[name, value] as const];
  });
  return Object.fromEntries(own);
}

/** undefined: there is no such column, and no need for one. */
function writeValue(
  column: AppColumn,
  value: unknown,
  shape: TableShape,
): string | number | boolean | null | undefined {
  const found = shape.columns.get(column.column);
  if (found === undefined) {
    if (isDeepStrictEqual(value, appOptions.get(column.option)?.defaultValue)) return undefined;
    throw missingColumn(shape, column.column, column.kind, column.option);
  }
  const { type, isNullable } = found;
  const retype = (reason: string): AppConflict =>
    new AppConflict(
      `The column ${column.column} of ${shape.table} ${reason}. To change it: ${shape.dialect.retype(shape.table, column.column, column.kind)}`,
    );
  if (value === undefined || value === null) {
    if (isNullable) return null;
    throw retype(`can't be empty, which is how an app without ${column.option} is stored`);
  }
  switch (column.kind) {
    case 'flag':
      return /^bool/.test(type) ? value === true : Number(value === true);
    case 'json':
      return writeJson(value);
    case 'name':
      return String(value);
    case 'whole':
    case 'size': {
      const number = Number(value);
      const range = rangeOf(type);
      if (range === undefined || shape.dialect.name === 'SQLite') return number;
      if (!Number.isInteger(number)) throw retype(`holds whole numbers only, not ${number}`);
      if (number < range.min || number > range.max) throw retype(`can't hold ${number} (its type is ${type})`);
      return number;
    }
  }
}

function missingColumn(
  { dialect, table }: TableShape,
  column: string,
  kind: AppColumn['kind'],
  what: string,
): AppConflict {
  const sql = `ALTER TABLE ${dialect.quote(table)} ADD COLUMN ${dialect.quote(column)} ${dialect.typeOf(kind)};`;
  return new AppConflict(`The table ${table} has no column ${column}, which is needed for ${what}. To add it: ${sql}`);
}

/** Text that is JSON already stays as it is. */
function writeJson(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value);
  try {
    JSON.parse(value);
    return value;
  } catch {
    return JSON.stringify(value);
  }
}

const RANGES: readonly (readonly [RegExp, number])[] = [
  [/^tinyint/, 2 ** 7],
  [/^(smallint|int2)/, 2 ** 15],
  [/^mediumint/, 2 ** 23],
  [/^(int|integer|int4)\b/, 2 ** 31],
  [/^(bigint|int8)/, Number.MAX_SAFE_INTEGER],
];

/** Of a type for whole numbers. */
function rangeOf(type: string): { readonly min: number; readonly max: number } | undefined {
  const size = RANGES.find(([pattern]) => pattern.test(type))?.[1];
  if (size === undefined) return undefined;
  return type.includes('unsigned') ? { min: 0, max: 2 * size - 1 } : { min: -size, max: size - 1 };
}
