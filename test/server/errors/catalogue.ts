import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Class of an error. The same id may stand for two kinds, such as `app-disabled` for a request and a connection. */
export type ErrorKind = 'ApiError' | 'Disconnect' | 'PusherError' | 'SubscriptionError' | 'TokenError' | 'AdminError';

/** `ApiError rate-limited`. */
export type ErrorName = `${ErrorKind} ${string}`;

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const FOLDERS = ['protocol', 'auth', 'channels', 'server'];
const CREATION = /new (PusherError|SubscriptionError|Disconnect|ApiError|TokenError|AdminError)\(\s*([^,]+),/g;
const LITERAL = /^'([a-z0-9-]+)'$/;

/**
 * Every error that the code can raise.
 *
 * @throws when an id is given in a form that this scan can't follow, so that none is overlooked
 */
export function errorsInCode(): ReadonlySet<ErrorName> {
  const names = new Set<ErrorName>();
  for (const file of sourceFiles()) {
    const source = readFileSync(join(ROOT, file), 'utf8');
    for (const { 1: kind, 2: argument = '', index } of source.matchAll(CREATION)) {
      for (const id of idsOf(source, argument.trim(), index, file)) names.add(`${kind as ErrorKind} ${id}`);
    }
  }
  return names;
}

/** Classes that extend `Error` itself, in the files below a folder. */
export function classesOfErrors(folder: string): string[] {
  return sourceFiles([folder]).flatMap((file) => {
    const source = readFileSync(join(ROOT, file), 'utf8');
    return [...source.matchAll(/class (\w+) extends Error\b/g)].map(([, name]) => `${file}: ${name}`);
  });
}

function sourceFiles(folders = FOLDERS): string[] {
  return folders.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => `${folder}/${file}`),
  );
}

/** The id itself, or all that a function which takes it as `id`, or a value which has it as `.id`, can be given. */
function idsOf(source: string, argument: string, index: number, file: string): string[] {
  const literal = LITERAL.exec(argument)?.[1];
  if (literal !== undefined) return [literal];
  if (argument === 'id') {
    const before = source.slice(source.lastIndexOf('\nfunction ', index), index);
    const constant = /\bconst id = '([a-z0-9-]+)'/.exec(before)?.[1];
    if (constant !== undefined) return [constant];
    const functionName = [...source.slice(0, index).matchAll(/function (\w+)\(id: string/g)].at(-1)?.[1];
    const ids = [...source.matchAll(new RegExp(`[^.\\w]${functionName}\\(\\s*'([a-z0-9-]+)'`, 'g'))].map(
      ([, id]) => id,
    );
    const calls = [...source.matchAll(new RegExp(`[^.\\w]${functionName}\\(`, 'g'))].length - 1;
    if (functionName !== undefined && ids.length === calls) return ids.filter((id) => id !== undefined);
  }
  // A TokenError is handed on in the form of the client's request.
  if (argument === 'error.id') return [];
  if (argument === 'problem.id') {
    return [...source.matchAll(/\bid: '([a-z0-9-]+)'/g)].flatMap(([, id]) => id ?? []);
  }
  throw new Error(`${file}: can't tell which ids ${argument} stands for`);
}

export interface DocumentedError {
  /** Second column: `400`, `4001`, `null`, or `AuthError 401`. */
  readonly code: string;
}

/** The tables of docs/errors.md: each follows a line `Class \`ApiError\`.`. */
export function errorsInDocs(): ReadonlyMap<ErrorName, DocumentedError> {
  const documented = new Map<ErrorName, DocumentedError>();
  let kind: string | undefined;
  for (const line of readFileSync(join(ROOT, 'docs/errors.md'), 'utf8').split('\n')) {
    kind = /^Class `(\w+)`\.$/.exec(line)?.[1] ?? (line.startsWith('#') ? undefined : kind);
    const row = /^\| `([a-z0-9-]+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$/.exec(line);
    if (!row) continue;
    const name = `${kind as ErrorKind} ${row[1]}` as const;
    if (kind === undefined || documented.has(name))
      throw new Error(`docs/errors.md: ${name} has no class or is there twice`);
    documented.set(name, { code: row[2] ?? '' });
  }
  return documented;
}
