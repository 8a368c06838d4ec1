import { readPemFiles } from '../pem.ts';
import type { Row } from './app-row.ts';
import { AppStoreStartError, SqlTimeout } from './sql-errors.ts';

export type SqlValue = string | number | boolean | null;

/** How the SQL of this folder talks to a database. Each `?` in a statement stands for one value. */
export interface SqlConnection {
  query(sql: string, values?: readonly SqlValue[]): Promise<readonly Row[]>;
  execute(sql: string, values?: readonly SqlValue[]): Promise<void>;
}

/** A connection as its driver makes it. */
export interface DriverConnection extends SqlConnection {
  /** false: it was lost. */
  readonly isOpen: boolean;
  /** At once, whatever it is doing. */
  destroy(): void;
}

/** In milliseconds; far below what a client waits for an answer. */
export const QUERY_MS = 3000;
export const CONNECT_MS = 3000;

/** @throws {SqlTimeout} */
export async function inTime<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new SqlTimeout()), ms);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/** `?, ?, ?` */
export function placeholders(values: readonly unknown[]): string {
  return values.map(() => '?').join(', ');
}

/**
 * TLS options of a driver with the content of the files that they name.
 *
 * @throws {AppStoreStartError} one of them can't be read
 */
export function readTlsFiles(driver: 'mysql' | 'postgres', ssl: string | object): unknown {
  if (typeof ssl === 'string') return ssl;
  return readPemFiles(ssl, (name, file, code, cause) => {
    const message = `database.${driver}.ssl.${name}: the file ${file} can't be read (${code}).`;
    return new AppStoreStartError('TLS', message, { cause });
  });
}
