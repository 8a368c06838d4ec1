import type { JSX } from 'preact';
import { formatCount } from '../data/format.ts';

/** Rows that a list begins with, and by how many it grows. */
export const STEP = 100;
/** With more a page becomes slow, and nobody reads them. */
const MOST = 500;

interface MoreProps {
  readonly shown: number;
  readonly total: number;
  readonly limit: number;
  readonly onLimit: (limit: number) => void;
  /** What one may do in place of reading on. */
  readonly advice: string;
}

/** Under a list: how much of it is shown, and how to see more. */
export function More({ shown, total, limit, onLimit, advice }: MoreProps): JSX.Element {
  return (
    <div class="table-foot bar">
      <span role="status">
        {formatCount(shown)} of {formatCount(total)}
      </span>
      {shown < total && limit < MOST && (
        <button type="button" class="button small" onClick={() => onLimit(limit + STEP)}>
          Show more
        </button>
      )}
      {shown < total && limit >= MOST && <span>{advice}</span>}
    </div>
  );
}
