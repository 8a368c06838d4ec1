import type { Node } from 'jsonc-parser';
import { appsPath, conditionOf, type Setting, settings } from './catalogue.ts';
import type { ConfigProblem } from './config-error.ts';
import type { JsonSource } from './json-source.ts';
import { type Origin, type Path, whereIs } from './origin.ts';
import { isStructure, type RawValue, readAddress, readValue, unquote } from './read-value.ts';
import type { DescribedIssue } from './schema-issues.ts';

/** An effective value and where it comes from. */
export interface Entry {
  readonly value: unknown;
  readonly origin: Origin;
  /** The JSON that it was written as: what is wrong inside has a place of its own there. */
  readonly written?: { readonly node: Node; readonly source: JsonSource };
  /** It was part of the URL of another setting. */
  readonly isPart?: boolean;
}

/** Something wrong, which may turn out to have no effect. */
interface Finding {
  /** The setting with a wrong value, when it is that. */
  readonly path?: string;
  readonly problem: ConfigProblem;
  readonly isRefused?: boolean;
}

/** The app of the flat form, before those that are listed. */
export const FLAT_APP = 'flat';
const APP_PREFIX = `${appsPath}.`;
const FLAT_NAMES: ReadonlySet<string> = new Set(['id', 'key', 'secret', 'name']);

/**
 * What all sources say, merged: the values of settings by dotted path, `appManager.array.apps.0.id`, each with its origin. Sources are read in the order of
 * precedence: what comes later replaces. Values are read and checked one by one as they come; structures and rules between settings are
 * for the end.
 */
export class Merge {
  readonly entries = new Map<string, Entry>();
  /** Where each app stands, by its number in the list, or `FLAT_APP`. */
  readonly apps = new Map<string, Origin>();
  /** What was read, see `ReadFiles`. */
  readonly files = new Map<string, string>();
  /** Settings and variables without effect that were set, as they are named in the warning. */
  readonly ineffective = new Set<string>();
  readonly warnings: string[] = [];
  #findings: Finding[] = [];

  report(origin: Origin | string, message: string, suggestion?: string): void {
    this.#findings.push({ problem: problemAt(origin, message, suggestion) });
  }

  /** Reports what is wrong with the value of a setting. */
  reportAt(path: string, problem: ConfigProblem, isRefused = false): void {
    this.#findings.push({ path, problem, isRefused });
  }

  /** Whether a value was given for a setting that is wrong. */
  isWrong(path: string): boolean {
    return this.#findings.some((finding) => finding.path === path);
  }

  /** Sets a value, unless it is wrong. Text that is empty says nothing in a file, and null neither where that is usual. */
  put(path: string, setting: Setting, raw: RawValue, origin: Origin): void {
    if (origin.kind === 'file' && raw.from === 'json' && raw.node.value === '') return;
    const isOfApp = path.startsWith(APP_PREFIX);
    if (isNull(raw) && isOfApp && raw.from === 'json') return;
    if (isNull(raw) && !isOfApp && setting.isNullable) {
      this.entries.delete(path);
      return;
    }
    if (path === 'database.redis.host' && this.#putRedisUrl(raw, origin)) return;
    const written = raw.from === 'json' && isStructure(setting) ? { node: raw.node, source: raw.source } : undefined;
    if (written) {
      this.#set(path, { value: undefined, origin, written });
      return;
    }
    const read = readValue(setting, raw);
    if (read.ok) this.#set(path, { value: read.value, origin });
    for (const issue of read.ok ? [] : read.issues) {
      this.reportAt(path, problemOf(settingLabel(path), issue, origin), !read.ok && read.refused);
    }
  }

  /** Sets the option of a client or driver as it stands, or one name of an object: `database.redis.tls.ca`. */
  putPart(path: string, names: readonly string[], value: unknown, origin: Origin): void {
    const before = this.entries.get(path)?.value;
    const part = names.reduceRight<unknown>((inner, name) => Object.fromEntries([[name, inner]]), value);
    const isBoth = names.length > 0 && typeof before === 'object' && before !== null;
    this.entries.set(path, { value: isBoth ? { ...before, ...(part as object) } : part, origin });
  }

  /** Replaces a value by what follows from it. */
  replace(path: string, value: unknown, origin?: Origin): void {
    const before = this.entries.get(path);
    this.entries.set(path, { value, origin: origin ?? before?.origin ?? { kind: 'default' } });
  }

  #set(path: string, entry: Entry): void {
    const { origin: before, isPart } = this.entries.get(path) ?? {};
    const { origin } = entry;
    if (before?.kind === 'file' && origin.kind === 'file' && !isPart) {
      this.warnings.push(
        `${settingLabel(path)} is set twice in ${origin.file}: line ${origin.line} replaces line ${before.line}.`,
      );
    }
    this.entries.set(path, entry);
    this.#forgive((other) => other === path, origin);
  }

  /** A wrong value that another source replaces does no harm. */
  #forgive(isReplaced: (path: string) => boolean, by?: Origin): void {
    const replaced = this.#findings.filter(({ path }) => path !== undefined && isReplaced(path));
    for (const { problem } of by ? replaced : []) {
      const why = problem.message.replace(/\.$/, '');
      this.warnings.push(`${why} (${problem.where}). ${by && whereIs(by)} replaces it.`);
    }
    this.#findings = this.#findings.filter((finding) => !replaced.includes(finding));
  }

  /** Takes `rediss://user:password@host:6380/0` apart; false for what is none. */
  #putRedisUrl(raw: RawValue, origin: Origin): boolean {
    const text = raw.from === 'text' ? unquote(raw.text) : raw.from === 'json' ? raw.node.value : raw.value;
    const [, scheme = ''] = typeof text === 'string' ? (/^(rediss?|tls|tcp):\/\//.exec(text) ?? []) : [];
    const address = scheme === '' ? undefined : readAddress(String(text));
    if (!address) return false;
    const db = /^\w+:\/\/[^/]*\/(\d+)/.exec(String(text))?.[1];
    const parts = {
      ...address,
      ...(db !== undefined && { db }),
      ...(/^(rediss|tls)$/.test(scheme) && { tls: 'true' }),
    };
    for (const [name, value] of Object.entries(parts)) {
      const path = `database.redis.${name}`;
      const setting = settings.get(path);
      // What stands beside the URL in a file was written for its own sake.
      const isBeside = name !== 'host' && origin.kind === 'file' && this.entries.get(path)?.origin.kind === 'file';
      if (setting && !isBeside) this.#putText(path, setting, String(value), origin);
    }
    return true;
  }

  /** Exactly, quotes included. */
  #putText(path: string, setting: Setting, text: string, origin: Origin): void {
    const read = readValue(setting, { from: 'text', text: setting.kind === 'text' ? JSON.stringify(text) : text });
    if (read.ok) this.#set(path, { value: read.value, origin, isPart: true });
    for (const issue of read.ok ? [] : read.issues) this.reportAt(path, problemOf(path, issue, origin));
  }

  /** The effective value of a setting. */
  valueOf(path: string): unknown {
    return (this.entries.get(path) ?? { value: settings.get(path)?.defaultValue }).value;
  }

  /** A setting that was given something else than 0, false, an empty text or an empty list. */
  filled(path: string): Entry | undefined {
    const entry = this.entries.get(path);
    const isEmptyList = Array.isArray(entry?.value) && entry.value.length === 0;
    return entry?.value && !isEmptyList ? entry : undefined;
  }

  /** Whether what a setting, or an option of a client, needs for any effect is there. */
  hasEffect(path: string): boolean {
    const condition = conditionOf(path);
    return condition === undefined || condition.is.includes(String(this.valueOf(condition.setting)));
  }

  /** The apps in their order, by number or `FLAT_APP`. */
  appNumbers(): string[] {
    const numbers = [...this.apps.keys()].filter((number) => number !== FLAT_APP);
    const sorted = numbers.sort((one, other) => Number(one) - Number(other));
    return this.apps.has(FLAT_APP) ? [FLAT_APP, ...sorted] : sorted;
  }

  /** What is said about each app, by its number: in one pass, as there may be thousands. */
  optionsByApp(): ReadonlyMap<string, ReadonlyMap<string, Entry>> {
    const apps = new Map([...this.apps.keys()].map((number) => [number, new Map<string, Entry>()]));
    for (const [path, entry] of this.entries) {
      if (!path.startsWith(APP_PREFIX)) continue;
      const dot = path.indexOf('.', APP_PREFIX.length);
      apps.get(path.slice(APP_PREFIX.length, dot))?.set(path.slice(dot + 1), entry);
    }
    return apps;
  }

  /**
   * Forgets all apps.
   *
   * @param by - the source that replaces them
   */
  dropApps(by?: Origin): void {
    const isOfApp = (path: string): boolean => path.startsWith(APP_PREFIX);
    for (const path of [...this.entries.keys()].filter(isOfApp)) this.entries.delete(path);
    this.#forgive(isOfApp, by);
    this.apps.clear();
  }

  /** What is wrong and has an effect, in the order in which it was found. */
  problems(): ConfigProblem[] {
    return this.#findings.flatMap(({ path, problem, isRefused }, index) => {
      if (path === undefined) return [problem];
      // Of several drivers that are not possible only the last was meant to be used.
      const isReplaced = isRefused && this.#findings.findLastIndex((other) => other.path === path) !== index;
      return isReplaced || !this.hasEffect(path) ? [] : [problem];
    });
  }
}

/** How people are told which setting is meant: `appManager.array.apps[0].id`, or `appId` in the flat form. */
export function settingLabel(path: string): string {
  const [, number = '', option = ''] = /^appManager\.array\.apps\.(\w+)(?:\.(.+))?$/.exec(path) ?? [];
  if (number === '') return path;
  if (number === FLAT_APP && FLAT_NAMES.has(option)) return `app${option.charAt(0).toUpperCase()}${option.slice(1)}`;
  const app = `${appsPath}[${number === FLAT_APP ? 0 : number}]`;
  return option === '' ? app : `${app}.${option}`;
}

export function problemAt(origin: Origin | string, message: string, suggestion?: string): ConfigProblem {
  const where = typeof origin === 'string' ? origin : whereIs(origin);
  return { where, message, ...(suggestion !== undefined && { suggestion }) };
}

function problemOf(label: string, { message, suggestion }: DescribedIssue, origin: Origin): ConfigProblem {
  return problemAt(origin, `${label}: ${message}.`, suggestion);
}

/**
 * Where something inside a value stands; of what is missing, where it should be.
 *
 * @param isName - the name at the end of the path, not the value
 */
export function placeOf({ origin, written }: Entry, path: Path, isName = false): Origin {
  if (!written) return origin;
  let place = written.node;
  for (const [index, part] of path.entries()) {
    const child = childOf(place, part);
    if (child === undefined) break;
    place = isName && index === path.length - 1 ? child.name : child.value;
  }
  return written.source.originAt(place.offset);
}

/** Of a name that is there twice the last counts. */
function childOf(node: Node, part: string | number): { readonly name: Node; readonly value: Node } | undefined {
  if (typeof part === 'number') {
    const item = node.type === 'array' ? node.children?.[part] : undefined;
    return item && { name: item, value: item };
  }
  const property =
    node.type === 'object' ? node.children?.findLast(({ children }) => children?.[0]?.value === part) : undefined;
  const [name, value] = property?.children ?? [];
  return name && value && { name, value };
}

function isNull(raw: RawValue): boolean {
  if (raw.from === 'json') return raw.node.type === 'null';
  return raw.from === 'text' && raw.text.trim() === 'null';
}
