import type { ColumnKind, Row } from './app-row.ts';
import type { SqlConnection } from './sql-connection.ts';

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
  columns(db: SqlConnection, table: string): Promise<TableColumns>;
  /** Lets one write of apps after the other, over all nodes: no constraint reaches over both tables. */
  lock(transaction: SqlConnection, table: string): Promise<void>;
  /** Ends the transaction where the lock outlasts it: whoever has the lock next must see what was written. */
  commit(transaction: SqlConnection): Promise<void>;
  /** Takes the lock back where the end of the transaction does not. */
  unlock(transaction: SqlConnection): Promise<void>;
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

export const LOCK_NAME = 'kulkul:apps';

const quoteWith =
  (mark: string) =>
  (name: string): string =>
    name
      .split('.')
      .map((part) => `${mark}${part.replaceAll(mark, mark + mark)}${mark}`)
      .join('.');

export const backticks = quoteWith('`');
export const doubleQuotes = quoteWith('"');

/** The schema that a table is in when it is named, and its own name. */
export function splitTable(table: string): { readonly schema: string | undefined; readonly name: string } {
  const [first = '', second] = table.split('.');
  return second === undefined ? { schema: undefined, name: first } : { schema: first, name: second };
}

/** @param rows - each with `name`, `type` and `nullable` */
export function toColumns(rows: readonly Row[]): TableColumns {
  return new Map(
    rows.map(({ name, type, nullable }) => [
      String(name),
      {
        type: String(type).toLowerCase(),
        isNullable: nullable === 'YES' || nullable === true || nullable === 1,
      },
    ]),
  );
}
