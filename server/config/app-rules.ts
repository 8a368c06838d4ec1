import path from 'node:path';
import { ChannelPattern } from '../../auth/channel-pattern.ts';
import type { ChannelRule } from '../../auth/channel-rules.ts';
import { channelKindOf } from '../../protocol/channel-name.ts';
import { isJsonObject } from '../../protocol/json.ts';
import { isLoopback } from '../client-address.ts';
import { createChannelRule } from './app-from-config.ts';
import { type AppOptions, appOptionsSchema, keyPairsOf } from './app-options.ts';
import { appOption, appsPath, settings } from './catalogue.ts';
import { type Credentials, placeholdersOf } from './credentials.ts';
import { prefixProblem } from './feed-options.ts';
import { type Entry, type Merge, placeOf, settingLabel } from './merge.ts';
import { labelOf, type Origin, type Path, whereIs } from './origin.ts';
import { explainReadError, readNoted } from './read-file.ts';
import { isStructure, plainValue, readValue } from './read-value.ts';
import { folderOf } from './rules.ts';
import { webhookWarnings } from './webhook-options.ts';

const generated: Origin = { kind: 'generated' };
const CREDENTIALS = ['id', 'key', 'secret'] as const;

/**
 * Gives random credentials to the app when the configuration names none; an app that only variables for app 0 speak of, and
 * none of them about its credentials, counts as such. Returns whether it did.
 */
export function generateCredentials(merge: Merge, credentials: Credentials): boolean {
  const [first, ...others] = merge.appNumbers();
  if (others.length > 0 || (first !== undefined && !isNameless(merge, first))) return false;
  const number = first ?? '0';
  if (first === undefined) merge.apps.set(number, generated);
  for (const name of CREDENTIALS) merge.replace(`${appsPath}.${number}.${name}`, credentials[name], generated);
  return true;
}

function isNameless(merge: Merge, number: string): boolean {
  const origin = merge.apps.get(number);
  const isListed = origin?.kind !== 'variable' || origin.name === settings.get(appsPath)?.variable;
  return !isListed && ![...CREDENTIALS, 'keys'].some((name) => merge.entries.has(`${appsPath}.${number}.${name}`));
}

/** One app of the configuration, and how people are told of it. */
class AppCheck {
  readonly options: Partial<AppOptions>;
  readonly origin: Origin;
  readonly #merge: Merge;
  readonly #path: string;

  constructor(merge: Merge, number: string, options: ReadonlyMap<string, Entry> | undefined) {
    this.#merge = merge;
    this.#path = `${appsPath}.${number}`;
    this.origin = merge.apps.get(number) ?? { kind: 'default' };
    this.options = Object.fromEntries([...(options ?? [])].map(([name, { value }]) => [name, value]));
  }

  label(option: string): string {
    return settingLabel(`${this.#path}.${option}`);
  }

  originOf(option: string): Origin {
    return this.#merge.entries.get(`${this.#path}.${option}`)?.origin ?? this.origin;
  }

  isWrong(option: string): boolean {
    return this.#merge.isWrong(`${this.#path}.${option}`);
  }

  report(option: string, message: string, inner: Path = []): void {
    this.#merge.report(this.originOf(option), `${labelOf(this.label(option), inner)}: ${message}.`);
  }

  /** `apps[0].channels[1] (soketi.config.json:2:3)`, at the beginning of a warning. */
  place(option: string, inner: Path): string {
    return `${labelOf(this.label(option), inner)} (${whereIs(this.originOf(option))})`;
  }

  warn(warning: string): void {
    this.#merge.warnings.push(warning);
  }
}

/** The options of every app, in order; none where there is a problem. What is missing or given twice is reported. */
export function finishApps(merge: Merge, fileFolder: string, cwd: string): AppOptions[] {
  reportGap(merge);
  for (const [where, entry] of merge.entries) {
    if (entry.written) finishStructure(merge, where, entry, folderOf(entry, fileFolder, cwd));
  }
  const taken = {
    ids: new Map<string, AppCheck>(),
    keys: new Map<string, AppCheck>(),
    paths: new Map<string, AppCheck>(),
  };
  const host = String(merge.valueOf('host'));
  const options = merge.optionsByApp();
  const apps = merge.appNumbers().map((number) => new AppCheck(merge, number, options.get(number)));
  for (const app of apps) {
    reportMissing(app);
    if (app.options.id !== undefined) reportTaken(taken.ids, app.options.id, app, 'id');
    for (const { key } of keyPairsOf(app.options)) {
      const isOwn = app.options.key === key && taken.keys.get(key) !== app;
      reportTaken(taken.keys, key, app, isOwn ? 'key' : 'keys');
    }
    checkFeeds(app, taken.paths, String(merge.valueOf('pathPrefix')));
    for (const { path: where, problem } of isLoopback(host) ? [] : placeholdersOf(app.options)) {
      const [name, ...inner] = where;
      app.report(String(name), `${problem}. On ${host} others can reach the broker`, inner);
    }
    warnOfRules(app);
    warnOfWebhooks(app);
  }
  // What is missing is a problem, too.
  return merge.problems().length > 0 ? [] : apps.map((app) => appOptionsSchema.parse(app.options));
}

function reportGap(merge: Merge): void {
  const listed = merge.appNumbers().filter((number) => /^\d/.test(number));
  const first = listed.find((number, index) => Number(number) !== index);
  const origin = first === undefined ? undefined : merge.apps.get(first);
  if (!origin) return;
  merge.report(origin, `${settingLabel(`${appsPath}.${first}`)}: the apps before it are missing; they count from 0.`);
}

/** Reads and checks an object or list with a form of its own. */
function finishStructure(merge: Merge, where: string, entry: Entry, folder: string): void {
  const option = where.slice(where.lastIndexOf('.') + 1);
  const setting = settings.get(where) ?? appOption(option);
  if (!entry.written || !setting || !isStructure(setting)) return;
  const label = settingLabel(where);
  const report = (inner: Path, message: string, isName = false, suggestion?: string): void => {
    const place = whereIs(placeOf(entry, inner, isName));
    merge.reportAt(where, {
      where: place,
      message: `${labelOf(label, inner)}: ${message}.`,
      ...(suggestion !== undefined && { suggestion }),
    });
  };
  const keys = option === 'auth' ? readKeyFiles(merge, entry, folder, report) : undefined;
  const raw = keys ? { from: 'value' as const, value: keys.value } : { from: 'json' as const, ...entry.written };
  const read = readValue(setting, raw);
  merge.entries.delete(where);
  if (read.ok) {
    if (!merge.isWrong(where)) merge.entries.set(where, { value: read.value, origin: entry.origin });
    if (option === 'auth') warnOfPlainJwks(merge, entry, label, read.value as NonNullable<AppOptions['auth']>);
    return;
  }
  for (const { path: inner, isName, message, suggestion } of read.issues) {
    // A public key that came out of a file stands there as the name of the file.
    const isOfFile = inner.at(-1) === 'publicKey' && keys?.fromFiles.has(Number(inner.at(-2)));
    report(isOfFile ? [...inner.slice(0, -1), 'publicKeyFile'] : inner, message, isName, suggestion);
  }
}

/** The value of `auth`, with what is in the files of `publicKeyFile` as `publicKey`. */
function readKeyFiles(
  merge: Merge,
  { written }: Entry,
  folder: string,
  report: (inner: Path, message: string) => void,
): { value: unknown; fromFiles: ReadonlySet<number> } {
  const value = written && plainValue(written.node);
  const jwt = isJsonObject(value) ? value.jwt : undefined;
  const fromFiles = new Set<number>();
  if (!isJsonObject(value) || !isJsonObject(jwt) || !Array.isArray(jwt.keys)) return { value, fromFiles };
  const keys = jwt.keys.map((key: unknown, index): unknown => {
    // Beside a key that is written out it is a mistake, which the schema tells.
    if (!isJsonObject(key) || typeof key.publicKeyFile !== 'string' || 'publicKey' in key || 'secret' in key)
      return key;
    const { publicKeyFile, ...others } = key;
    const content = readKeyFile(merge, folder, publicKeyFile, (message) =>
      report(['jwt', 'keys', index, 'publicKeyFile'], message),
    );
    if (content === undefined) return key;
    fromFiles.add(index);
    return { ...others, publicKey: content };
  });
  return { value: { ...value, jwt: { ...jwt, keys } }, fromFiles };
}

function readKeyFile(merge: Merge, folder: string, name: string, fail: (why: string) => void): string | undefined {
  if (name === '') return undefined;
  if (name.includes('-----BEGIN')) {
    fail('expected the name of a file, got a key. A public key that is written out goes into publicKey');
    return undefined;
  }
  const file = path.resolve(folder, name);
  try {
    const content = readNoted(merge.files, file);
    if (content.trim() !== '') return content;
    fail(`${file} is empty`);
  } catch (error) {
    const why = explainReadError(error, 'A relative path starts at the folder of the configuration file.');
    fail(`${file}: ${why.replace(/\.$/, '')}`);
  }
  return undefined;
}

/** Keys that are fetched in the clear could be changed on their way to this machine. */
function warnOfPlainJwks(merge: Merge, entry: Entry, label: string, { jwt }: NonNullable<AppOptions['auth']>): void {
  if (jwt?.jwksUrl === undefined) return;
  const { protocol, hostname } = new URL(jwt.jwksUrl);
  if (protocol !== 'http:' || isLoopback(hostname)) return;
  const inner = ['jwt', 'jwksUrl'];
  merge.warnings.push(
    `${labelOf(label, inner)} (${whereIs(placeOf(entry, inner))}) is fetched without TLS: whoever is on the way there can put in keys of his own. Use https.`,
  );
}

function reportMissing(app: AppCheck): void {
  const { id, key, secret, keys = [] } = app.options;
  const needsPair = key !== undefined || secret !== undefined || keys.length === 0;
  const missing = CREDENTIALS.filter((name) =>
    name === 'id' ? id === undefined : needsPair && app.options[name] === undefined,
  );
  // A value that is wrong is there.
  const absent = missing.filter((name) => !app.isWrong(name) && !(name !== 'id' && app.isWrong('keys')));
  for (const name of absent) app.report(name, 'missing. An app needs id, key and secret');
}

/** The second app with an id or key could never be reached. */
function reportTaken(taken: Map<string, AppCheck>, value: string, app: AppCheck, name: 'id' | 'key' | 'keys'): void {
  const other = taken.get(value);
  taken.set(value, other ?? app);
  if (other === app) app.report(name, 'holds the same key twice, with different secrets');
  else if (other) {
    const what = name === 'id' ? `id ${JSON.stringify(value)}` : 'key';
    app.report(name, `the ${what} is taken by another app (${whereIs(other.origin)})`);
  }
}

/** What is wrong with feeds that are right in themselves. */
function checkFeeds(app: AppCheck, taken: Map<string, AppCheck>, pathPrefix: string): void {
  const { auth, feeds = [] } = app.options;
  for (const [index, { path: url, channel }] of feeds.entries()) {
    const other = taken.get(url);
    const problem = other
      ? `is the path of a feed of another app, too (${whereIs(other.originOf('feeds'))})`
      : prefixProblem(url, pathPrefix);
    if (problem !== undefined) app.report('feeds', `${url} ${problem}`, [index, 'path']);
    taken.set(url, other ?? app);
    const { isPrivate, isPresence } = channelKindOf(channel);
    if (auth?.jwt !== undefined || !(isPrivate || isPresence)) continue;
    app.warn(
      `${app.place('feeds', [index, 'channel'])}: nobody can read ${channel} there, as it takes a token and the app takes none: auth.jwt says how they are checked.`,
    );
  }
}

function warnOfRules(app: AppCheck): void {
  const { auth, channels = [] } = app.options;
  // Rules for holders of tokens admit nobody in an app that takes none.
  const useless = auth?.jwt ? -1 : channels.findIndex((options) => asksForToken(createChannelRule(options)));
  if (useless !== -1) {
    app.warn(
      `${app.place('channels', [useless])} is for holders of tokens, but the app takes none: auth.jwt says how they are checked.`,
    );
  }
  // The first rule that matches decides: what stands behind a wider one is never looked at, however narrow it is.
  const patterns = channels.map(({ name }) => new ChannelPattern(name));
  for (const [index, pattern] of patterns.entries()) {
    const first = patterns.findIndex((other) => other.covers(pattern));
    if (first >= index) continue;
    const wider = `${app.label('channels')}[${first}] (${channels[first]?.name})`;
    app.warn(
      `${app.place('channels', [index])} never applies: ${wider} stands before it and matches all that ${pattern.text} matches. Put the narrow rule first.`,
    );
  }
}

function asksForToken({ subscribe, clientEvents, publish }: ChannelRule): boolean {
  return [...subscribe, ...clientEvents, ...publish].some(({ kind }) => kind === 'token' || kind === 'holder');
}

function warnOfWebhooks(app: AppCheck): void {
  for (const { path: inner, message } of webhookWarnings(app.options)) {
    app.warn(`${app.place('webhooks', inner)} ${message}.`);
  }
}
