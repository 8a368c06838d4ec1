import type { Node } from 'jsonc-parser';
import { type AppReader, readApp, readAppList, readAppOption } from './app-list.ts';
import type { AppOptionName } from './app-options.ts';
import { type AppDraft, createAppDraft } from './draft.ts';
import { keyName } from './json-key.ts';
import { type Origin, whereIs } from './origin.ts';

export const appsPath = 'appManager.array.apps';

/** The flat form names its only app at the top level. */
export const flatAppNames: ReadonlyMap<string, AppOptionName> = new Map([
  ['appId', 'id'],
  ['appKey', 'key'],
  ['appSecret', 'secret'],
  ['appName', 'name'],
]);

/** The apps that one file describes, in whichever of its forms. */
export interface FileAppsReader extends AppReader {
  /** By index in the list; an option may be given as `appManager.array.apps.0.id`, too. */
  readonly listed: Map<number, AppDraft>;
  /** Where the list as a whole stands. */
  listedAt: Origin | undefined;
  flat: AppDraft | undefined;
}

/** Reads `appId` and its like; false if `name` is none of them. */
export function readFlatApp(reader: FileAppsReader, name: string, key: Node, value: Node): boolean {
  const option = flatAppNames.get(name);
  if (option === undefined) return false;
  reader.flat ??= createAppDraft('appId', reader.source.originAt(key.offset), flatOptionLabel);
  readAppOption(reader, option, key, value, reader.flat);
  return true;
}

/** `id` is called `appId` in the flat form. */
function flatOptionLabel(option: string): string {
  return `app${option.charAt(0).toUpperCase()}${option.slice(1)}`;
}

/** Reads the list of apps, one app of it (`….apps.0`), or one option of one app (`….apps.0.id`). */
export function readApps(reader: FileAppsReader, rest: readonly string[], key: Node, value: Node): void {
  const [index, option, ...beyond] = rest;
  if (index === undefined) {
    if (value.type === 'array') readWholeList(reader, value);
    else if (value.type === 'object') readNumberedApps(reader, value);
    else report(reader, value, `${appsPath}: expected a list of apps.`);
    return;
  }
  if (!/^(0|[1-9]\d{0,5})$/.test(index)) {
    report(reader, key, `${appsPath}.${keyName(index)}: expected the number of an app, counted from 0.`);
    return;
  }
  const app = listedApp(reader, Number(index), reader.source.originAt(key.offset));
  if (option === undefined) readApp(reader, value, app);
  // No option has parts that are named by a dot, so that what lies beyond makes the name an unknown one.
  else readAppOption(reader, [option, ...beyond].join('.'), key, value, app);
}

/** Reads `{ "0": {…}, "1.id": … }`, which is what dotted names come to when they are half written out. */
function readNumberedApps(reader: FileAppsReader, value: Node): void {
  for (const { children: [key, item] = [] } of value.children ?? []) {
    if (key !== undefined && item !== undefined) readApps(reader, String(key.value).split('.'), key, item);
  }
}

function readWholeList(reader: FileAppsReader, value: Node): void {
  const origin = reader.source.originAt(value.offset);
  if (reader.listedAt !== undefined) {
    report(reader, value, `${appsPath}: listed a second time; the first list is at ${whereIs(reader.listedAt)}.`);
    return;
  }
  reader.listedAt = origin;
  for (const [index, app] of readAppList(reader, value, appsPath).entries()) {
    const before = reader.listed.get(index);
    if (before === undefined) {
      reader.listed.set(index, app);
      continue;
    }
    for (const [name, entry] of app.options) {
      const earlier = before.options.get(name);
      if (earlier !== undefined) reader.repeated(`${app.label}.${name}`, earlier.origin, entry.origin);
      before.options.set(name, entry);
    }
  }
}

function listedApp(reader: FileAppsReader, index: number, origin: Origin): AppDraft {
  const listed = reader.listed.get(index) ?? createAppDraft(`${appsPath}[${index}]`, origin);
  reader.listed.set(index, listed);
  return listed;
}

/** The flat app first, then the list in its order. */
export function collectApps(reader: FileAppsReader): AppDraft[] {
  const listed = [...reader.listed].sort(([a], [b]) => a - b);
  for (const [position, [index, app]] of listed.entries()) {
    if (position === index) continue;
    const where = whereIs(app.origin);
    reader.problems.push({ where, message: `${app.label}: the apps before it are missing; they count from 0.` });
    break;
  }
  const apps = listed.map(([, app]) => app);
  return reader.flat === undefined ? apps : [reader.flat, ...apps];
}

function report(reader: FileAppsReader, at: Node, message: string): void {
  reader.problems.push({ where: whereIs(reader.source.originAt(at.offset)), message });
}
