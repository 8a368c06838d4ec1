import { readFileSync } from 'node:fs';
import { ApiError } from '../../protocol/errors.ts';
import { quote } from '../../protocol/json.ts';
import { PACKAGE_ROOT } from '../package-root.ts';
import { type Answer, text } from './answer.ts';

/** A row of docs/errors.md. */
interface Row {
  /** Heading of the table: what is refused. */
  readonly of: string;
  readonly id: string;
  /** Status, close code, or type. */
  readonly code: string;
  readonly says: string;
  readonly advice: string;
}

/** `docs/` is not part of an image for containers; the build puts a copy into `dist/`. */
const PAGES = ['dist/errors.md', 'docs/errors.md'];
const ROW = /^\| `([a-z0-9-]+)` \| ([^|]+) \| (.+) \| ([^|]+) \|$/;

/** Read when it is asked for, once. */
let rows: readonly Row[] | undefined;

/** All errors, for people: `GET /errors`. */
export function listErrors(): Answer {
  rows ??= readRows();
  const width = Math.max(...rows.map(({ id }) => id.length));
  const lines = [...new Set(rows.map(({ id }) => id))].map((id) => `${id.padEnd(width)}  /errors/${id}`);
  return text(`${lines.join('\n')}\n`);
}

/**
 * What an error means and what to do about it: `GET /errors/ID`, the address in messages. One id may stand for several kinds of refusals.
 *
 * @throws {ApiError} 404
 */
export function explainError(id: string): Answer {
  rows ??= readRows();
  const own = rows.filter((row) => row.id === id);
  if (own.length === 0)
    throw new ApiError('not-found', 404, `There is no error ${quote(id, 60)}: GET /errors lists them`);
  const parts = own.map(({ of, code, says, advice }) => `${of}, ${code}\n\n  says   ${says}\n  to do  ${advice}\n`);
  return text(`${id}\n\n${parts.join('\n')}\nAll errors: /errors, and docs/errors.md of Kulkul.\n`);
}

function readRows(): readonly Row[] {
  let of = '';
  return readPage().flatMap((line) => {
    of = /^## (.*)/.exec(line)?.[1] ?? of;
    const [, id = '', code = '', says = '', advice = ''] = ROW.exec(line) ?? [];
    return id === '' ? [] : [{ of, id, code, says: plain(says), advice: plain(advice) }];
  });
}

function readPage(): readonly string[] {
  for (const path of PAGES) {
    try {
      return readFileSync(new URL(path, PACKAGE_ROOT), 'utf8').split('\n');
    } catch {
      // The other place has it.
    }
  }
  return [];
}

/** Without the marks of Markdown. */
function plain(markdown: string): string {
  return markdown
    .replace(
      /\[([^\]]+)\]\(([^)]+)\)/g,
      (_, label: string, to: string) => `${label} (docs/${to.replace(/^#/, 'errors.md#')})`,
    )
    .replace(/\*\*|`/g, '');
}
