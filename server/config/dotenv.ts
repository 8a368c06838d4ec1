/** The environment as handed to a process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads a `.env` file as Laravel does: comments, `export`, quotes, texts over several lines in double quotes, and `${NAME}`, which stands for
 * a variable of the environment or of a line above. More is taken than Laravel does, as files of other programs are called `.env`, too:
 * spaces in texts without quotes, and texts in backticks or over several lines.
 *
 * @param env - variables that are set already; they win
 */
export function parseDotenv(text: string, env: Environment): Map<string, string> {
  const variables = new Map<string, string>();
  const lookUp = (name: string): string | undefined => env[name] ?? variables.get(name);
  for (const [, name = '', written = ''] of text.replaceAll('\r\n', '\n').matchAll(LINE)) {
    variables.set(name, readText(written.trim(), lookUp));
  }
  return variables;
}

const QUOTED = [/'[^']*'/, /`[^`]*`/, /"(?:\\[\s\S]|[^"\\])*"/].map(({ source }) => source).join('|');
/** `export NAME = value # comment`; the value up to the end of its line, or of its quotes. */
const LINE = new RegExp(
  `^[ \\t]*(?:export[ \\t]+)?["']?([\\w.-]+)["']?[ \\t]*=[ \\t]*((?:${QUOTED})(?=[ \\t]*(?:#.*)?$)|.*)`,
  'gm',
);

function readText(written: string, lookUp: (name: string) => string | undefined): string {
  const quote = /^(['"`])[\s\S]*\1$/.exec(written.length > 1 ? written : '')?.[1];
  const inner = quote === undefined ? written.replace(/#.*$/, '').trimEnd() : written.slice(1, -1);
  if (quote === "'" || quote === '`') return inner;
  // A backslash means something in double quotes only. A name that is not known stays as it is.
  const marks = quote === '"' ? /\\(["\\$nrtfv])|\$\{([\w.]+)\}/g : /()\$\{([\w.]+)\}/g;
  return inner.replace(marks, (whole, escaped?: string, name?: string) =>
    name === undefined ? (ESCAPES[escaped ?? ''] ?? escaped ?? whole) : (lookUp(name) ?? whole),
  );
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', f: '\f', v: '\v' };
