import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** Files of a configuration with a digest of what was in them when they were read: `''` for one that could not be. */
export type ReadFiles = ReadonlyMap<string, string>;

/**
 * Reads a file as text, and notes it.
 *
 * @param file - absolute path
 * @throws what `readFileSync` does
 */
export function readNoted(files: Map<string, string>, file: string): string {
  files.set(file, '');
  const content = readFileSync(file);
  files.set(file, digestOf(content));
  return content.toString('utf8').replace(/^\uFEFF/, '');
}

/** Whether what is in the files is what was read. */
export function areUnchanged(files: ReadFiles): boolean {
  return [...files].every(([file, digest]) => digestNow(file) === digest);
}

function digestNow(file: string): string {
  try {
    return digestOf(readFileSync(file));
  } catch {
    return '';
  }
}

function digestOf(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

/** Why a file can't be read, for people. @param hint - about where it is looked for, when it is not there */
export function explainReadError(error: unknown, hint: string): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return `there is no such file. ${hint}`;
    case 'EISDIR':
      return 'this is a folder, not a file.';
    case 'EACCES':
    case 'EPERM':
      return 'the file may not be read by this user.';
    default:
      return `the file can't be read (${code}).`;
  }
}
