import type { Node } from 'jsonc-parser';
import type { AppOptionName } from './app-options.ts';
import { appOptions } from './catalogue.ts';
import { readStructure, type StructureReader } from './check-structure.ts';
import { checkValue } from './check-value.ts';
import type { ConfigProblem } from './config-error.ts';
import { type AppDraft, createAppDraft, type Entry } from './draft.ts';
import { keyName } from './json-key.ts';
import { type Origin, whereIs } from './origin.ts';
import { exactText } from './raw-value.ts';
import { nearest } from './suggest.ts';

/** The columns of Soketi's SQL tables whose names do not follow from the option's. */
const irregularSpellings: readonly (readonly [string, AppOptionName])[] = [
  ['max_backend_events_per_sec', 'maxBackendEventsPerSecond'],
  ['max_client_events_per_sec', 'maxClientEventsPerSecond'],
  ['max_read_req_per_sec', 'maxReadRequestsPerSecond'],
];

const optionBySpelling: ReadonlyMap<string, AppOptionName> = new Map([
  ...[...appOptions.keys()].flatMap((name) => spellingsOf(name).map((spelling) => [spelling, name] as const)),
  ...irregularSpellings,
]);

/** `maxConnections`, `MaxConnections`, `max_connections`. */
function spellingsOf(name: string): string[] {
  const pascal = name.charAt(0).toUpperCase() + name.slice(1);
  return [name, pascal, name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)];
}

/** Reads app objects out of one JSON source, into drafts. */
export interface AppReader extends StructureReader {
  /** Told when a source sets the same option twice; the later one wins. */
  repeated(label: string, first: Origin, second: Origin): void;
}

/** Reads `[{…}, {…}]`. */
export function readAppList(reader: AppReader, node: Node, label: string): AppDraft[] {
  return (node.children ?? []).map((item, index) => {
    const draft = createAppDraft(`${label}[${index}]`, reader.source.originAt(item.offset));
    readApp(reader, item, draft);
    return draft;
  });
}

/** Reads `{…}` with the options of one app. */
export function readApp(reader: AppReader, node: Node, draft: AppDraft): void {
  if (node.type !== 'object') {
    reader.problems.push({
      where: whereIs(reader.source.originAt(node.offset)),
      message: `${draft.label}: expected an object with id, key and secret.`,
    });
    return;
  }
  for (const { children: [key, value] = [] } of node.children ?? []) {
    if (key !== undefined && value !== undefined) readAppOption(reader, String(key.value), key, value, draft);
  }
}

/** Reads one option, in any of its spellings. `null` is an empty column of a database: not set. */
export function readAppOption(reader: AppReader, spelling: string, key: Node, value: Node, draft: AppDraft): void {
  const name = optionBySpelling.get(spelling);
  const setting = name === undefined ? undefined : appOptions.get(name);
  if (name === undefined || setting === undefined) {
    reader.problems.push(unknownAppOption(spelling, draft, reader.source.originAt(key.offset)));
    return;
  }
  if (value.type === 'null') return;

  const label = draft.optionLabel(name);
  const origin = reader.source.originAt(value.offset);
  if (name === 'keys') {
    const pairs = readKeyPairs(reader, value, label);
    if (pairs !== undefined) setOption(reader, draft, name, { value: pairs, origin });
    return;
  }
  if (setting.kind === 'structure') {
    const structure = readStructure(reader, setting, value, label);
    if (structure !== undefined) setOption(reader, draft, name, { value: structure, origin });
    return;
  }
  const checked = checkValue(setting, { from: 'json', node: value, source: reader.source }, label, origin);
  if (checked.ok) setOption(reader, draft, name, { value: checked.value, origin });
  else reader.problems.push(checked.problem);
}

function setOption(reader: AppReader, draft: AppDraft, name: AppOptionName, entry: Entry): void {
  const before = draft.options.get(name);
  if (before !== undefined) reader.repeated(draft.optionLabel(name), before.origin, entry.origin);
  draft.options.set(name, entry);
}

function unknownAppOption(spelling: string, draft: AppDraft, origin: Origin): ConfigProblem {
  const suggestion = nearest(spelling, appOptions.keys());
  const problem = { where: whereIs(origin), message: `${draft.optionLabel(keyName(spelling))}: unknown setting.` };
  return suggestion === undefined ? problem : { ...problem, suggestion };
}

/** Reads `[{ "key", "secret" }]`; undefined when a problem was reported. */
export function readKeyPairs(
  reader: AppReader,
  node: Node,
  label: string,
): { key: unknown; secret: unknown }[] | undefined {
  const { source, problems } = reader;
  const before = problems.length;
  const report = (at: Node, message: string): void => {
    problems.push({ where: whereIs(source.originAt(at.offset)), message });
  };
  if (node.type !== 'array') {
    report(node, `${label}: expected a list of { "key", "secret" }.`);
    return undefined;
  }
  const pairs = (node.children ?? []).map((item, index) => {
    const pair: { key: unknown; secret: unknown } = { key: undefined, secret: undefined };
    const itemLabel = `${label}[${index}]`;
    if (item.type !== 'object') {
      report(item, `${itemLabel}: expected an object with key and secret.`);
      return pair;
    }
    for (const { children: [key, value] = [] } of item.children ?? []) {
      if (key === undefined || value === undefined) continue;
      const name = String(key.value).toLowerCase();
      if (name === 'key' || name === 'secret') pair[name] = readPairText(reader, name, value, `${itemLabel}.${name}`);
      else report(key, `${itemLabel}.${keyName(String(key.value))}: unknown setting. A pair has key and secret.`);
    }
    const complete = pair.key !== undefined && pair.secret !== undefined;
    if (!complete && problems.length === before) report(item, `${itemLabel}: needs both key and secret.`);
    return pair;
  });
  return problems.length === before ? pairs : undefined;
}

function readPairText(reader: AppReader, name: 'key' | 'secret', node: Node, label: string): unknown {
  const setting = appOptions.get(name);
  if (setting === undefined || exactText(node, reader.source) === undefined) return undefined;
  const origin = reader.source.originAt(node.offset);
  const checked = checkValue(setting, { from: 'json', node, source: reader.source }, label, origin);
  if (checked.ok) return checked.value;
  reader.problems.push(checked.problem);
  return undefined;
}
