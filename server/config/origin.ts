/** Where an effective value comes from. */
export type Origin =
  | { readonly kind: 'default' }
  /** `file` as it is shown to people: relative to the working directory when it lies below. Line and column from 1. */
  | { readonly kind: 'file'; readonly file: string; readonly line: number; readonly column: number }
  /** `dotenv`: read from the `.env` file rather than the environment proper. */
  | { readonly kind: 'variable'; readonly name: string; readonly dotenv: boolean }
  /** `name` with its dashes: `--port`. */
  | { readonly kind: 'flag'; readonly name: string }
  /** Handed over by the program that starts the broker. */
  | { readonly kind: 'argument' }
  /** Made up at random for this run. */
  | { readonly kind: 'generated' };

/** The place in front of a problem: `soketi.config.json:12:5`, `SOKETI_PORT`, `.env: SOKETI_PORT`, `--port`. */
export function whereIs(origin: Origin): string {
  switch (origin.kind) {
    case 'file':
      return `${origin.file}:${origin.line}:${origin.column}`;
    case 'variable':
      return origin.dotenv ? `.env: ${origin.name}` : origin.name;
    case 'flag':
      return origin.name;
    case 'argument':
      return 'startBroker';
    case 'default':
    case 'generated':
      return origin.kind;
  }
}

/** The note after an effective value: `file soketi.config.json:12`, `variable SOKETI_PORT`, `flag --port`, `default`. */
export function nameOrigin(origin: Origin): string {
  switch (origin.kind) {
    case 'file':
      return `file ${origin.file}:${origin.line}`;
    case 'variable':
      return origin.dotenv ? `variable ${origin.name} in .env` : `variable ${origin.name}`;
    case 'flag':
      return `flag ${origin.name}`;
    case 'argument':
      return 'argument of startBroker';
    case 'default':
      return 'default';
    case 'generated':
      return 'generated for this run';
  }
}

/** Of a place in an object or list: `['jwt', 'keys', 0]`. */
export type Path = readonly (string | number)[];

/** A path after the name of what it begins in: `auth` and `jwt.keys[0].secret` become `auth.jwt.keys[0].secret`. */
export function labelOf(name: string, path: Path): string {
  return path.reduce<string>(
    (label, part) => label + (typeof part === 'number' ? `[${part}]` : `.${keyName(part)}`),
    name,
  );
}

/** A name out of a file, fit for one line of a message: long or odd ones are cut and quoted. */
export function keyName(name: string): string {
  const short = name.length > 60 ? `${name.slice(0, 60)}…` : name;
  return /^[\w$.-]+…?$/.test(short) ? short : JSON.stringify(short);
}
