import { readFileSync } from 'node:fs';

/**
 * Options of `tls.connect` with the content of files in place of their paths, in `ca`, `cert` and `key`. PEM text stays.
 *
 * @param unreadable - makes the error for a file that can't be read
 */
export function readPemFiles(
  tls: object,
  unreadable: (name: string, file: string, code: string, cause: unknown) => Error,
): Record<string, unknown> {
  const read = (name: string, value: unknown): unknown => {
    if (typeof value !== 'string' || value.includes('-----BEGIN')) return value;
    try {
      return readFileSync(value, 'utf8');
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
      throw unreadable(name, value, code, error);
    }
  };
  const entries = Object.entries(tls).map(([name, value]: [string, unknown]) => {
    if (name !== 'ca' && name !== 'cert' && name !== 'key') return [name, value] as const;
    return [name, Array.isArray(value) ? value.map((item) => read(name, item)) : read(name, value)] as const;
  });
  return Object.fromEntries(entries);
}
