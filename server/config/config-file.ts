import path from 'node:path';
import type { Node } from 'jsonc-parser';
import { isDriverOption } from './app-database-settings.ts';
import { appOptions, type Setting, sections, settings } from './catalogue.ts';
import { type Draft, putSetting } from './draft.ts';
import { appsPath, collectApps, type FileAppsReader, flatAppNames, readApps, readFlatApp } from './file-apps.ts';
import { ineffectiveSettings, isIneffectiveSection, isIneffectiveSetting } from './ineffective-settings.ts';
import { keyName } from './json-key.ts';
import { fileSource, isProblem, parseJson } from './json-source.ts';
import { whereIs } from './origin.ts';
import { plainValue } from './raw-value.ts';
import { explainReadError, readNoted } from './read-file.ts';
import { redisClientOptions, redisConnectionPath } from './redis-settings.ts';
import { nearest } from './suggest.ts';

interface FileReader extends FileAppsReader {
  readonly draft: Draft;
}

/**
 * Reads a configuration file into the draft: JSON with comments, nested objects and dotted names mixed at will.
 *
 * @param file - absolute path
 * @param shownAs - the path as people are told it
 */
export function readConfigFile(draft: Draft, file: string, shownAs: string): void {
  const text = readText(draft, file, shownAs);
  if (text === undefined) return;
  if (text.trim() === '') {
    draft.problems.push({ where: shownAs, message: 'the file is empty. An empty configuration is {}.' });
    return;
  }
  const source = fileSource(shownAs, text);
  const root = parseJson(source);
  if (isProblem(root)) {
    draft.problems.push(root);
    return;
  }
  const reader: FileReader = {
    source,
    draft,
    folder: path.dirname(file),
    problems: draft.problems,
    warnings: draft.warnings,
    files: draft.files,
    listed: new Map(),
    listedAt: undefined,
    flat: undefined,
    repeated(label, first, second) {
      if (first.kind !== 'file' || second.kind !== 'file') return;
      draft.warnings.push(`${label} is set twice in ${shownAs}: line ${second.line} replaces line ${first.line}.`);
    },
  };
  readSection(reader, root, '');
  draft.apps = collectApps(reader);
}

function readText(draft: Draft, file: string, shownAs: string): string | undefined {
  try {
    return readNoted(draft.files, file);
  } catch (error) {
    const message = explainReadError(error, 'A relative path starts at the working directory.');
    draft.problems.push({ where: shownAs, message });
    return undefined;
  }
}

function readSection(reader: FileReader, node: Node, sectionPath: string): void {
  if (node.type !== 'object') {
    // An ineffective group may hold what it likes as long as it is named.
    if (isIneffectiveSection(sectionPath) && !sections.has(sectionPath)) reader.draft.ineffective.add(sectionPath);
    else report(reader, node, `${sectionPath || 'the file'}: expected an object ({ … }), got ${typeName(node)}.`);
    return;
  }
  for (const { children: [key, value] = [] } of node.children ?? []) {
    if (key !== undefined && value !== undefined) readProperty(reader, sectionPath, key, value);
  }
}

/** Follows a name, dotted or not, down to the group or setting that it means. */
function readProperty(reader: FileReader, sectionPath: string, key: Node, value: Node): void {
  const segments = String(key.value).split('.');
  let parent = sectionPath;
  for (const [index, segment] of segments.entries()) {
    const here = parent === '' ? segment : `${parent}.${segment}`;
    const rest = segments.slice(index + 1);
    if (readLeaf(reader, parent, here, rest, key, value)) return;
    if (!sections.has(here) && !isIneffectiveSection(here)) {
      reportUnknown(reader, key, parent, segment, rest);
      return;
    }
    parent = here;
  }
  readSection(reader, value, parent);
}

/** Reads what is no group; false if `here` may be one. */
function readLeaf(
  reader: FileReader,
  parent: string,
  here: string,
  rest: readonly string[],
  key: Node,
  value: Node,
): boolean {
  if (here === appsPath) {
    readApps(reader, rest, key, value);
    return true;
  }
  if (isIneffectiveSetting(here)) {
    reader.draft.ineffective.add(keyName([here, ...rest].join('.')));
    return true;
  }
  const setting = settings.get(here);
  if (setting === undefined && parent === redisConnectionPath) {
    readRedisClientOption(reader, here, rest, key, value);
    return true;
  }
  if (setting === undefined && isDriverOption(here)) {
    putPart(reader, here, rest, value);
    return true;
  }
  if (setting !== undefined && rest.length > 0 && isObjectSetting(setting)) {
    putPart(reader, here, rest, value);
    return true;
  }
  if (rest.length > 0) return false;
  if (parent === '' && readTopLevelExtra(reader, here, key, value)) return true;
  if (setting !== undefined) readSetting(reader, setting, value);
  return setting !== undefined;
}

/** An option of the Redis client beside our own. It is not looked into, only known by name. */
function readRedisClientOption(
  reader: FileReader,
  here: string,
  rest: readonly string[],
  key: Node,
  value: Node,
): void {
  const name = here.slice(redisConnectionPath.length + 1);
  if (redisClientOptions.has(name)) {
    putPart(reader, here, rest, value);
    return;
  }
  const known = [...settings.keys()].filter((path) => path.startsWith(`${redisConnectionPath}.`));
  const names = [...known.map((path) => path.slice(redisConnectionPath.length + 1)), ...redisClientOptions];
  const suggestion = nearest(name, names);
  const question = suggestion === undefined ? '' : ` Did you mean ${suggestion}?`;
  const label = keyName([here, ...rest].join('.'));
  const where = whereIs(reader.source.originAt(key.offset));
  reader.draft.warnings.push(`${label} (${where}) is no option of the connection to Redis: passed over.${question}`);
}

function isObjectSetting({ kind }: Setting): boolean {
  return kind === 'options' || kind === 'switch';
}

/** Sets a value whole or, as in `database.redis.tls.ca`, one name of an object beside those that it has. */
function putPart(reader: FileReader, path: string, rest: readonly string[], value: Node): void {
  const before = reader.draft.settings.get(path)?.value;
  const part = rest.reduceRight<unknown>((inner, name) => Object.fromEntries([[name, inner]]), plainValue(value));
  const isBoth = rest.length > 0 && typeof before === 'object' && before !== null;
  const merged: unknown = isBoth ? { ...before, ...(part as object) } : part;
  reader.draft.settings.set(path, { value: merged, origin: reader.source.originAt(value.offset) });
}

/** `$schema`, which editors want, and the app of the flat form. */
function readTopLevelExtra(reader: FileReader, name: string, key: Node, value: Node): boolean {
  return name === '$schema' || readFlatApp(reader, name, key, value);
}

function readSetting(reader: FileReader, setting: Setting, value: Node): void {
  const origin = reader.source.originAt(value.offset);
  const before = reader.draft.settings.get(setting.path);
  const isTaken = putSetting(reader.draft, setting, { from: 'json', node: value, source: reader.source }, origin);
  if (isTaken && before !== undefined) reader.repeated(setting.path, before.origin, origin);
}

function reportUnknown(reader: FileReader, key: Node, parent: string, segment: string, rest: readonly string[]): void {
  const label = [...(parent === '' ? [] : parent.split('.')), segment, ...rest].join('.');
  const suggestion = nearest(segment, namesIn(parent)) ?? sameNameElsewhere(segment);
  const problem = {
    where: whereIs(reader.source.originAt(key.offset)),
    message: `${keyName(label)}: unknown setting.`,
  };
  reader.problems.push(suggestion === undefined ? problem : { ...problem, suggestion });
}

/** What may stand in a group. */
function namesIn(parent: string): Set<string> {
  const prefix = parent === '' ? '' : `${parent}.`;
  const paths = [...settings.keys(), ...ineffectiveSettings.keys(), ...(parent === '' ? flatAppNames.keys() : [])];
  const below = paths.filter((path) => path.startsWith(prefix)).map((path) => path.slice(prefix.length));
  return new Set(below.map((path) => path.split('.', 1)[0] ?? path));
}

/** The full path of a setting that was written in the wrong group. */
function sameNameElsewhere(name: string): string | undefined {
  for (const path of settings.keys()) {
    if (path.endsWith(`.${name}`)) return path;
  }
  return [...appOptions.keys()].some((option) => option === name) ? `${appsPath}[].${name}` : undefined;
}

function report(reader: FileReader, at: Node, message: string): void {
  reader.problems.push({ where: whereIs(reader.source.originAt(at.offset)), message });
}

function typeName(node: Node): string {
  switch (node.type) {
    case 'array':
      return 'a list';
    case 'object':
      return 'an object';
    case 'string':
      return 'a text';
    default:
      return node.type;
  }
}

/** A path as people know it: relative to the working directory where it lies below that, absolute otherwise. */
export function shownPath(file: string, cwd: string): string {
  const relative = path.relative(cwd, file);
  return relative === '' || relative.startsWith('..') || path.isAbsolute(relative) ? file : relative;
}
