import path from 'node:path';
import type { Node } from 'jsonc-parser';
import { appOption, appOptions, appsPath, type Setting, sectionOf, sections, settings } from './catalogue.ts';
import { nearest } from './config-error.ts';
import { fileSource, isProblem, type JsonSource, parseJson, variableSource } from './json-source.ts';
import { FLAT_APP, type Merge, settingLabel } from './merge.ts';
import { keyName, type Origin, whereIs } from './origin.ts';
import { explainReadError, readNoted } from './read-file.ts';
import { plainValue } from './read-value.ts';
import { redisClientOptions, redisConnectionPath } from './redis-settings.ts';
import { ineffectiveSettings, isIneffectiveSection } from './soketi-settings.ts';

/** The flat form names its only app at the top level. */
export const flatAppNames: ReadonlyMap<string, string> = new Map([
  ['appId', 'id'],
  ['appKey', 'key'],
  ['appSecret', 'secret'],
  ['appName', 'name'],
]);

/**
 * Reads a configuration file: JSON with comments, nested objects and dotted names mixed at will.
 *
 * @param file - absolute path
 * @param cwd - the working directory, below which paths are shown as relative ones
 */
export function readConfigFile(merge: Merge, file: string, cwd: string): void {
  const shownAs = shownPath(file, cwd);
  let text: string;
  try {
    text = readNoted(merge.files, file);
  } catch (error) {
    merge.report(shownAs, explainReadError(error, 'A relative path starts at the working directory.'));
    return;
  }
  const source = fileSource(shownAs, text);
  const root =
    text.trim() === ''
      ? { where: shownAs, message: 'the file is empty. An empty configuration is {}.' }
      : parseJson(source);
  if (isProblem(root)) merge.report(root.where, root.message);
  else new JsonReader(merge, source).readSection(root, '');
}

/**
 * Reads settings that a program hands over, as they would stand in a configuration file.
 *
 * @param values - as `JSON.parse` makes them
 */
export function readConfigValues(merge: Merge, values: Readonly<Record<string, unknown>>): void {
  const source = variableSource({ kind: 'argument' }, JSON.stringify(values));
  const root = parseJson(source);
  if (isProblem(root)) merge.report(root.where, root.message);
  else new JsonReader(merge, source).readSection(root, '');
}

/** A path as people know it: relative to the working directory where it lies below that, absolute otherwise. */
function shownPath(file: string, cwd: string): string {
  const relative = path.relative(cwd, file);
  return relative === '' || relative.startsWith('..') || path.isAbsolute(relative) ? file : relative;
}

/** Finds out which settings the names in a JSON text mean, and merges their values. */
export class JsonReader {
  readonly #merge: Merge;
  readonly #source: JsonSource;
  /** Where the list of apps as a whole stands. */
  #listedAt: Origin | undefined;

  constructor(merge: Merge, source: JsonSource) {
    this.#merge = merge;
    this.#source = source;
  }

  readSection(node: Node, section: string): void {
    if (node.type === 'object') {
      for (const [key, value] of propertiesOf(node)) this.#readName(section, String(key.value).split('.'), key, value);
      return;
    }
    // An ineffective group may hold what it likes as long as it is named.
    if (isIneffectiveSection(section) && !sections.has(section)) this.#merge.ineffective.add(section);
    else {
      const message = `${section || 'the file'}: expected an object ({ … }), got ${typeName(node)}.`;
      // What stands here may be meant for the app.
      const option = appOption(section) && `${appsPath}[].${section}`;
      this.#merge.report(this.#originOf(node), message, option);
    }
  }

  /** Follows a name, dotted or not, down to the group or setting that it means. */
  #readName(parent: string, [name = '', ...rest]: readonly string[], key: Node, value: Node): void {
    const here = parent === '' ? name : `${parent}.${name}`;
    const setting = settings.get(here);
    const hasParts = setting === undefined || setting.kind === 'options' || setting.kind === 'switch';
    const isOption = setting === undefined && sections.get(parent)?.isOpen && !sections.has(here);
    if (here === appsPath) this.readApps(rest, key, value);
    else if (ineffectiveSettings.has(here)) this.#merge.ineffective.add(keyName([here, ...rest].join('.')));
    else if (isOption && parent === redisConnectionPath && !redisClientOptions.has(name))
      this.#passOver(here, rest, key);
    else if (isOption || (setting && rest.length > 0 && hasParts)) {
      this.#merge.putPart(here, rest, plainValue(value), this.#originOf(value));
    } else if (setting && rest.length === 0) this.#put(here, setting, value);
    else if (parent === '' && rest.length === 0 && flatAppNames.has(name)) this.#readFlat(name, key, value);
    else if (parent === '' && rest.length === 0 && name === '$schema') return;
    else if (!sections.has(here) && !isIneffectiveSection(here)) this.#reportUnknown(key, parent, name, rest);
    else if (rest.length > 0) this.#readName(here, rest, key, value);
    else this.readSection(value, here);
  }

  /** Reads the list of apps, one app of it (`….apps.0`), or one option of one app (`….apps.0.id`). */
  readApps([number, ...option]: readonly string[], key: Node, value: Node): void {
    if (number === undefined) {
      this.#readAppList(value);
      return;
    }
    if (!/^(0|[1-9]\d{0,5})$/.test(number)) {
      this.#report(key, `${appsPath}.${keyName(number)}: expected the number of an app, counted from 0.`);
      return;
    }
    this.#addApp(number, key);
    // No option has parts that are named by a dot, so that what lies beyond makes the name an unknown one.
    if (option.length > 0) this.#readOption(number, option.join('.'), key, value);
    else this.#readApp(number, value);
  }

  /** `[{…}, {…}]`, or `{ "0": {…}, "1.id": … }`, which is what dotted names come to when they are half written out. */
  #readAppList(list: Node): void {
    if (list.type === 'object') {
      for (const [key, value] of propertiesOf(list)) this.readApps(String(key.value).split('.'), key, value);
    } else if (list.type !== 'array') {
      this.#report(list, `${appsPath}: expected a list of apps.`);
    } else if (this.#listedAt) {
      this.#report(list, `${appsPath}: listed a second time; the first list is at ${whereIs(this.#listedAt)}.`);
    } else {
      this.#listedAt = this.#originOf(list);
      for (const [index, app] of (list.children ?? []).entries()) {
        this.#addApp(String(index), app);
        this.#readApp(String(index), app);
      }
    }
  }

  #readApp(number: string, app: Node): void {
    if (app.type !== 'object') {
      this.#report(app, `${settingLabel(`${appsPath}.${number}`)}: expected an object with id, key and secret.`);
      return;
    }
    for (const [key, value] of propertiesOf(app)) this.#readOption(number, String(key.value), key, value);
  }

  #readOption(number: string, spelling: string, key: Node, value: Node): void {
    const name = optionBySpelling.get(spelling);
    const setting = name === undefined ? undefined : appOption(name);
    if (setting) {
      this.#put(`${appsPath}.${number}.${name}`, setting, value);
      return;
    }
    const label = settingLabel(`${appsPath}.${number}`);
    const suggestion = nearest(spelling, appOptions.keys());
    this.#merge.report(this.#originOf(key), `${label}.${keyName(spelling)}: unknown setting.`, suggestion);
  }

  #readFlat(name: string, key: Node, value: Node): void {
    this.#addApp(FLAT_APP, key);
    this.#readOption(FLAT_APP, flatAppNames.get(name) ?? '', key, value);
  }

  #addApp(number: string, at: Node): void {
    if (!this.#merge.apps.has(number)) this.#merge.apps.set(number, this.#originOf(at));
  }

  #put(where: string, setting: Setting, node: Node): void {
    this.#merge.put(where, setting, { from: 'json', node, source: this.#source }, this.#originOf(node));
  }

  /** An option of the Redis client that it does not know. */
  #passOver(here: string, rest: readonly string[], key: Node): void {
    const known = [...settings.keys()].filter((one) => sectionOf(one) === redisConnectionPath);
    const names = [...known.map((one) => one.slice(redisConnectionPath.length + 1)), ...redisClientOptions];
    const suggestion = nearest(here.slice(redisConnectionPath.length + 1), names);
    const question = suggestion === undefined ? '' : ` Did you mean ${suggestion}?`;
    const label = `${keyName([here, ...rest].join('.'))} (${whereIs(this.#originOf(key))})`;
    this.#merge.warnings.push(`${label} is no option of the connection to Redis: passed over.${question}`);
  }

  #reportUnknown(key: Node, parent: string, name: string, rest: readonly string[]): void {
    const label = keyName([...(parent === '' ? [] : parent.split('.')), name, ...rest].join('.'));
    const suggestion = nearest(name, namesIn(parent)) ?? sameNameElsewhere(name);
    this.#merge.report(this.#originOf(key), `${label}: unknown setting.`, suggestion);
  }

  #report(at: Node, message: string): void {
    this.#merge.report(this.#originOf(at), message);
  }

  #originOf({ offset }: Node): Origin {
    return this.#source.originAt(offset);
  }
}

/** The columns of Soketi's SQL tables whose names do not follow from the option's. */
const IRREGULAR_SPELLINGS = [
  ['max_backend_events_per_sec', 'maxBackendEventsPerSecond'],
  ['max_client_events_per_sec', 'maxClientEventsPerSecond'],
  ['max_read_req_per_sec', 'maxReadRequestsPerSecond'],
] as const;

/** `maxConnections`, `MaxConnections`, `max_connections`. */
const optionBySpelling: ReadonlyMap<string, string> = new Map<string, string>([
  ...[...appOptions.keys()].flatMap((name) => [
    [name, name] as const,
    [name.charAt(0).toUpperCase() + name.slice(1), name] as const,
    [name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), name] as const,
  ]),
  ...IRREGULAR_SPELLINGS,
]);

function propertiesOf(node: Node): [key: Node, value: Node][] {
  return (node.children ?? []).flatMap(({ children: [key, value] = [] }) => (key && value ? [[key, value]] : []));
}

/** What may stand in a group. */
function namesIn(parent: string): Set<string> {
  const prefix = parent === '' ? '' : `${parent}.`;
  const paths = [...settings.keys(), ...ineffectiveSettings.keys(), ...(parent === '' ? flatAppNames.keys() : [])];
  const below = paths.filter((one) => one.startsWith(prefix)).map((one) => one.slice(prefix.length));
  return new Set(below.map((one) => one.split('.', 1)[0] ?? one));
}

/** The full path of a setting that was written in the wrong group. */
function sameNameElsewhere(name: string): string | undefined {
  const elsewhere = [...settings.keys()].find((one) => one.endsWith(`.${name}`));
  return elsewhere ?? (appOption(name) && `${appsPath}[].${name}`);
}

function typeName({ type }: Node): string {
  const names: Readonly<Record<string, string>> = { array: 'a list', object: 'an object', string: 'a text' };
  return names[type] ?? type;
}
