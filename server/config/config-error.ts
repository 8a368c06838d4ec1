import { distance } from 'fastest-levenshtein';
import type { ReadFiles } from './read-file.ts';

export interface ConfigProblem {
  /** `soketi.config.json:12:5`, `SOKETI_PORT`, `.env: SOKETI_PORT`, `--port`. */
  readonly where: string;
  /** Starts with the setting where there is one; ends with a full stop. */
  readonly message: string;
  /** What was probably meant: the name of a setting or of a variable. */
  readonly suggestion?: string;
}

/** The configuration can't be used. Names everything that is wrong with it, so that one look is enough. */
export class ConfigError extends Error {
  readonly problems: readonly ConfigProblem[];
  /** Those that were read. */
  readonly files: ReadFiles;

  /** @param problems - at least one */
  constructor(problems: readonly ConfigProblem[], files: ReadFiles) {
    super(problems.map(describeProblem).join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
    this.files = files;
  }
}

/** `soketi.config.json:12:5  appManager.array.apps[0].maxConnection: unknown setting. Did you mean maxConnections?` */
function describeProblem({ where, message, suggestion }: ConfigProblem): string {
  const question = suggestion === undefined ? '' : ` Did you mean ${suggestion}?`;
  return `${where}  ${message}${question}`;
}

/** The candidate that was probably meant by `word`, spelling (`max_connections`) and small slips aside; or undefined. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length > 80) return undefined;
  const wanted = bare(word);
  let best: string | undefined;
  let bestDistance = Math.min(4, Math.max(1, Math.floor(wanted.length / 3))) + 1;
  for (const candidate of candidates) {
    const candidateDistance = slipsBetween(wanted, bare(candidate));
    if (candidateDistance >= bestDistance) continue;
    best = candidate;
    bestDistance = candidateDistance;
  }
  return best;
}

/** Letters that changed places (`prot`) are one slip, and so is a name that was not written to its end. */
function slipsBetween(wanted: string, candidate: string): number {
  const letters = (word: string): string => [...word].sort().join('');
  if (wanted !== candidate && letters(wanted) === letters(candidate)) return 1;
  if (wanted.length >= 4 && wanted !== candidate && candidate.startsWith(wanted)) return 1;
  return distance(wanted, candidate);
}

function bare(word: string): string {
  return word.toLowerCase().replace(/[^a-z0-9]/g, '');
}
