import { readFileSync } from 'node:fs';

const CERTIFICATE = /-----BEGIN ((?:X509 |TRUSTED )?CERTIFICATE)-----[^-]*-----END \1-----/g;
const PRIVATE_KEY = /-----BEGIN ((?:[A-Z]+ )*PRIVATE KEY)-----[\s\S]*?-----END \1-----/g;

/**
 * The text of a PEM file, whatever wrote it: with a byte order mark, in UTF-16 as PowerShell's `>` does, with line ends of any system, indented.
 */
export function decodePem(bytes: Uint8Array): string {
  const text = new TextDecoder(encodingOf(bytes)).decode(bytes);
  const lines = text.split(/\r\n|\r|\n/).map((line) => line.trim());
  return `${lines.join('\n').trim()}\n`;
}

/** Certificates in a text, each as PEM. */
export function certificatesIn(text: string): readonly string[] {
  return [...text.matchAll(CERTIFICATE)].map(([block]) => block);
}

/** Private keys in a text, each as PEM. */
export function privateKeysIn(text: string): readonly string[] {
  return [...text.matchAll(PRIVATE_KEY)].map(([block]) => block);
}

function encodingOf([first, second]: Uint8Array): 'utf-16le' | 'utf-16be' | 'utf-8' {
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  return first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8';
}

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
