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

/** The errors for people, from docs/errors.md. The file is read when somebody asks, once. */
export class ErrorPages {
  #known: readonly Row[] | undefined;

  /** `GET /errors` */
  list(): Answer {
    const width = Math.max(...this.#rows.map(({ id }) => id.length));
    const ids = new Set(this.#rows.map(({ id }) => id));
    const lines = [...ids].map((id) => `${id.padEnd(width)}  /errors/${id}`);
    return text(`${lines.join('\n')}\n`);
  }

  /**
   * What an error means and what to do about it: `GET /errors/ID`, the address in messages. One id may stand for several kinds of refusals.
   *
   * @throws {ApiError} 404
   */
  explain(id: string): Answer {
    const own = this.#rows.filter((row) => row.id === id);
    if (own.length === 0)
      throw new ApiError('not-found', 404, `There is no error ${quote(id, 60)}: GET /errors lists them`);
    const parts = own.map(({ of, code, says, advice }) => `${of}, ${code}\n\n  says   ${says}\n  to do  ${advice}\n`);
    return text(`${id}\n\n${parts.join('\n')}\nAll errors: /errors, and docs/errors.md of Kulkul.\n`);
  }

  get #rows(): readonly Row[] {
    this.#known ??= readRows();
    return this.#known;
  }
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
