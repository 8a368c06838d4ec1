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
