import { readFileSync } from 'node:fs';
import path from 'node:path';
import { appOptions, appsPath, type Setting, settings } from './catalogue.ts';
import { nearest } from './config-error.ts';
import { JsonReader } from './config-file.ts';
import { isProblem, parseJson, variableSource } from './json-source.ts';
import { appAliases, REVERB_ONLY, readLaravelApp, warnOfOthers } from './laravel.ts';
import { type Merge, settingLabel } from './merge.ts';
import type { Origin } from './origin.ts';
import { isStructure, unquote } from './read-value.ts';
import { scalingVariable } from './redis-settings.ts';
import { type Alias, isTrue } from './setting.ts';
import { ineffectiveSettings } from './soketi-settings.ts';

/** A variable that has a value; an empty one counts as not set. */
export interface Variable {
  readonly name: string;
  readonly text: string;
  readonly origin: Origin;
}

export type Variables = ReadonlyMap<string, Variable>;

/** Laravel's Redis as a URL, which counts more than its parts. */
const REDIS_URL: Alias = {
  ...scalingVariable('REDIS_URL'),
  note: '`database.redis.host` and what else is in the URL, where `REVERB_SCALING_ENABLED` is true',
};

const named = [...settings.values(), ...appOptions.values()];
/** Variables of other programs that set a setting. */
export const settingAliases: readonly Alias[] = [
  ...named.flatMap(({ path: setting, meta }) =>
    (meta.aliases ?? []).map((alias) => {
      const where = alias.onlyWith === undefined ? '' : `, where \`${alias.onlyWith}\` is true`;
      return { note: `\`${setting}\`${where}`, ...alias };
    }),
  ),
  REDIS_URL,
];

const ineffectivePathByVariable: ReadonlyMap<string, string> = new Map(
  [...ineffectiveSettings].filter(([, name]) => name !== '').map(([setting, name]) => [name, setting]),
);
const soketiNames: ReadonlySet<string> = new Set([
  ...named.flatMap(({ meta }) => meta.soketi ?? []),
  ...ineffectivePathByVariable.keys(),
]);
const ownNames: ReadonlySet<string> = new Set(named.map(({ variable }) => variable));
const reverbNames: ReadonlySet<string> = new Set(
  [...settingAliases, ...appAliases.flatMap(({ variables }) => variables)]
    .map(({ name }) => name)
    .concat(REVERB_ONLY)
    .filter((name) => name.startsWith('REVERB_')),
);

/** The variables of the environment and of the `.env` file in the working directory; the environment wins. */
export function collectVariables(merge: Merge, env: Environment, cwd: string): Variables {
  const variables = new Map<string, Variable>();
  const add = (name: string, text: string | undefined, dotenv: boolean): void => {
    if (text === undefined || text.trim() === '' || isLink(name, text)) return;
    variables.set(name, { name, text, origin: { kind: 'variable', name, dotenv } });
  };
  for (const [name, text] of readDotenv(merge, env, cwd)) add(name, text, true);
  for (const [name, text] of Object.entries(env)) add(name, text, false);
  return variables;
}

function readDotenv(merge: Merge, env: Environment, cwd: string): ReadonlyMap<string, string> {
  try {
    return parseDotenv(readFileSync(path.join(cwd, '.env'), 'utf8').replace(/^\uFEFF/, ''), env);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    // A folder of that name is somebody else's: Python's virtual environments are called so.
    if (!['ENOENT', 'ENOTDIR', 'EISDIR'].includes(code)) merge.report('.env', `the file can't be read (${code}).`);
    return new Map();
  }
}

/**
 * Kubernetes and Docker tell containers about a service named `redis` or `kulkul` in variables like `REDIS_PORT=tcp://10.0.0.1:6379`. They look
 * like settings, but say nothing that was meant for one.
 */
function isLink(name: string, text: string): boolean {
  return name.endsWith('_PORT') && /^(tcp|udp|sctp):\/\//.test(text);
}

/** Others of that kind, which are nobody's settings by their names. */
const LINK_NAMES = /_SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)$|_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/;

/**
 * Merges the variables over what a file has said. For one setting, ours (`KULKUL_…`) win over Soketi's, and Soketi's over the aliases.
 */
export function readEnvironment(merge: Merge, variables: Variables): void {
  const put = (setting: Setting, { name, convert, onlyWith }: Alias): void => {
    if (onlyWith !== undefined && !isTrue(variables.get(onlyWith)?.text ?? '')) return;
    const variable = variables.get(name);
    const text = variable && (convert ? convert(variable.text) : variable.text);
    if (variable && text !== undefined) putText(merge, setting.path, setting, { ...variable, text });
  };
  const withVariables = [...settings.values()].filter(({ kind }) => kind !== 'apps');
  for (const setting of withVariables) for (const alias of setting.meta.aliases ?? []) put(setting, alias);
  const redisHost = settings.get('database.redis.host');
  if (redisHost) put(redisHost, REDIS_URL);
  for (const setting of withVariables) for (const name of namesOf(setting)) put(setting, { name });
  readApps(merge, variables);
  reportUnknown(merge, variables);
}

/** Of the variables of a setting the strongest last. */
function namesOf({ meta, variable }: Setting): string[] {
  return meta.soketi === undefined ? [variable] : [meta.soketi, variable];
}

function readApps(merge: Merge, variables: Variables): void {
  const listed = variables.get(settings.get(appsPath)?.variable ?? '');
  if (listed) readAppList(merge, listed);
  const number = merge.appNumbers()[0] ?? '0';
  const strongId = variables.get('KULKUL_DEFAULT_APP_ID') ?? variables.get('SOKETI_DEFAULT_APP_ID');
  const laravel = readLaravelApp(merge, variables, number, strongId && unquote(strongId.text));
  for (const setting of appOptions.values()) {
    for (const name of namesOf(setting)) {
      const variable = variables.get(name);
      if (!variable) continue;
      if (!merge.apps.has(number)) merge.apps.set(number, variable.origin);
      putText(merge, `${appsPath}.${number}.${setting.path}`, setting, variable);
    }
  }
  warnOfOthers(merge, variables, laravel);
}

function putText(merge: Merge, where: string, setting: Setting, { text, origin }: Variable): void {
  if (!isStructure(setting)) {
    merge.put(where, setting, { from: 'text', text }, origin);
    return;
  }
  const source = variableSource(origin, text);
  const node = parseJson(source, `${settingLabel(where)}: `);
  if (isProblem(node)) merge.reportAt(where, node);
  else merge.put(where, setting, { from: 'json', node, source }, origin);
}

/** `KULKUL_APP_MANAGER_ARRAY_APPS`: all apps as JSON, instead of the file's. */
function readAppList(merge: Merge, { text, origin }: Variable): void {
  const source = variableSource(origin, text);
  const root = parseJson(source, `${appsPath}: `);
  if (isProblem(root)) merge.report(root.where, root.message);
  else if (root.type !== 'array') merge.report(origin, `${appsPath}: expected a list of apps as JSON.`);
  else {
    merge.dropApps(origin);
    new JsonReader(merge, source).readApps([], root, root);
  }
}

/**
 * Variables with our prefix that mean nothing are errors. Those with Soketi's are named in the warning, known or not: whoever moves here from Soketi brings more
 * than we have a use for. Of those with Reverb's, which an application may have of its own, only those are named that look like slips.
 */
function reportUnknown(merge: Merge, variables: Variables): void {
  for (const { name, origin } of variables.values()) {
    if (LINK_NAMES.test(name)) continue;
    if (name.startsWith('KULKUL_') && !ownNames.has(name)) {
      merge.report(origin, 'unknown variable.', nearestVariable(name, ownNames));
    } else if (name.startsWith('SOKETI_')) reportSoketi(merge, name);
    const meant = meantBy(name);
    if (meant !== undefined) merge.warnings.push(`The variable ${name} is not read: did you mean ${meant}?`);
  }
}

/** The variable that was meant by one that may be another program's. */
function meantBy(name: string): string | undefined {
  if (name.startsWith('DEFAULT_APP_')) return soketiNames.has(`SOKETI_${name}`) ? `SOKETI_${name}` : undefined;
  if (!name.startsWith('REVERB_') || reverbNames.has(name)) return undefined;
  return nearestVariable(name, reverbNames);
}

function reportSoketi(merge: Merge, name: string): void {
  const ineffective = ineffectivePathByVariable.get(name);
  if (ineffective !== undefined) merge.ineffective.add(`${ineffective} (${name})`);
  if (soketiNames.has(name)) return;
  const suggestion = nearestVariable(name, soketiNames);
  merge.ineffective.add(suggestion ? `${name} (unknown; did you mean ${suggestion}?)` : `${name} (unknown)`);
}

/** Without the prefix, which they have in common and which would make any two of them look alike. */
function nearestVariable(name: string, candidates: ReadonlySet<string>): string | undefined {
  const prefix = name.slice(0, name.indexOf('_') + 1);
  const rest = name.slice(prefix.length);
  // The name of the same setting in the other's spelling.
  const other = named.find(({ variable, meta }) =>
    [variable, meta.soketi].some((one) => one?.slice(one.indexOf('_') + 1) === rest),
  );
  if (other && prefix !== 'REVERB_')
    return prefix === 'SOKETI_' ? (other.meta.soketi ?? other.variable) : other.variable;
  const names = [...candidates].map((candidate) => candidate.slice(prefix.length));
  const found = nearest(rest, names) ?? withSameEnd(rest, names);
  return found && prefix + found;
}

/** `DB_REDIS_HOST` for `ADAPTER_REDIS_HOST`: the last two words are the same. */
function withSameEnd(name: string, names: readonly string[]): string | undefined {
  const end = /_[A-Z0-9]+_[A-Z0-9]+$/.exec(`_${name}`)?.[0];
  return end === undefined ? undefined : names.find((candidate) => `_${candidate}`.endsWith(end));
}

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
