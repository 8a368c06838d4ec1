import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';
import { isJsonObject } from '../../protocol/json.ts';
import { type AppOptions, appOptionsSchema, keyPairsOf } from '../config/app-options.ts';
import { appOption } from '../config/catalogue.ts';
import { placeholdersOf, randomAppId, randomKey, randomSecret } from '../config/credentials.ts';
import { readApp } from '../config/read-value.ts';
import { type DescribedIssue, describeIssues } from '../config/schema-issues.ts';
import { webhookWarnings } from '../config/webhook-options.ts';
import { invalidApp, MAX_PROBLEMS, type Problem } from './admin-error.ts';

type JsonObject = Readonly<Record<string, unknown>>;

/**
 * The app that somebody wants to have made. What is left out of id, key and secret is made up.
 *
 * @param isExposed - others than this machine reach the broker, and must not know its secrets
 * @throws {AdminError} `invalid-app`
 */
export function readNewApp(body: unknown, isExposed: boolean): AppOptions {
  const fields = readFields(body);
  const given = withoutNulls(fields);
  const hasKeys = Array.isArray(given.keys) && given.keys.length > 0;
  const needsPair = !hasKeys || 'key' in given || 'secret' in given;
  const made = needsPair && { key: randomKey(), secret: randomSecret() };
  return checked({ id: randomAppId(), ...made, ...given }, isExposed);
}

/**
 * An app with some fields changed: objects are merged, lists and all else replaced, null sets back to the default (RFC 7396).
 *
 * @throws {AdminError} `invalid-app`
 */
export function readChangedApp(before: AppOptions, body: unknown, isExposed: boolean): AppOptions {
  const fields = readFields(body);
  if ('id' in fields && fields.id !== before.id) {
    throw invalidApp([{ path: '/id', message: `can't be changed: make a new app, and delete ${before.id}` }]);
  }
  return checked(merge(withAllKeys(before, fields), fields), isExposed, before);
}

/** The stored first pair stands by itself: where `keys` is replaced, it is one of those that go. */
function withAllKeys(app: AppOptions, change: JsonObject): JsonObject {
  if (!('keys' in change) || 'key' in change || 'secret' in change) return app;
  const { key: _key, secret: _secret, ...others } = app;
  return { ...others, keys: keyPairsOf(app) };
}

/** A pair more, behind those that there are. */
export function withKey(app: AppOptions, pair: AppOptions['keys'][number]): AppOptions {
  return withPairs(app, [...keyPairsOf(app), pair]);
}

/** Without one of several pairs. */
export function withoutKey(app: AppOptions, key: string): AppOptions {
  return withPairs(
    app,
    keyPairsOf(app).filter((pair) => pair.key !== key),
  );
}

/** The first pair stands by itself, which is how databases have it. */
function withPairs(app: AppOptions, [first, ...keys]: AppOptions['keys']): AppOptions {
  return { ...app, key: first?.key, secret: first?.secret, keys };
}

/** An object whose names are those of options. */
function readFields(body: unknown): JsonObject {
  if (!isJsonObject(body)) {
    const message = 'expected an object with options of an app, such as { "name": "shop", "maxConnections": 100 }';
    throw invalidApp([{ path: '', message }]);
  }
  const { jwt } = isJsonObject(body.auth) ? body.auth : {};
  const keys = isJsonObject(jwt) && Array.isArray(jwt.keys) ? jwt.keys : [];
  const files = keys.flatMap((key: unknown, index) =>
    isJsonObject(key) && Object.hasOwn(key, 'publicKeyFile') ? [`/auth/jwt/keys/${index}/publicKeyFile`] : [],
  );
  if (files.length === 0) return body;
  const message = 'not possible here, as the API reads no files of the server: put the PEM text into publicKey';
  throw invalidApp(files.map((path) => ({ path, message })));
}

/** @param before - whose id and keys may be as they are */
function checked(fields: JsonObject, isExposed: boolean, before?: AppOptions): AppOptions {
  const { options, issues } = readApp(fields, MOST_ISSUES);
  if (issues.length > 0) throw invalidApp(issues.map(problemOf));
  const app = appOptionsSchema.parse(options);
  const pairProblem = problemOfPairs(app);
  if (pairProblem) throw invalidApp([pairProblem]);
  const unfit = [
    ...nameProblems(app, before),
    ...(isExposed ? placeholderProblems(app) : []),
    ...unsentProblems(app, before),
  ];
  if (unfit.length > 0) throw invalidApp(unfit);
  return withPairs(app, keyPairsOf(app));
}

/** Of webhooks that would never be sent something. Those that are there already are no reason to refuse another change. */
function unsentProblems(app: AppOptions, before?: AppOptions): Problem[] {
  const known = new Set(before && webhookWarnings(before).map(({ path }) => path.join('/')));
  const isSame = before !== undefined && isDeepStrictEqual(before.webhooks, app.webhooks);
  return webhookWarnings(app)
    .map(({ path, message }) => ({ path: path.join('/'), message }))
    .filter(({ path }) => !isSame || !known.has(path))
    .map(({ path, message }) => ({ path: `/webhooks/${path}`, message }));
}

/** Nothing that has to be escaped, or means something else, in a URL, a log, a name of Redis or a table. */
const SAFE_NAME = /^(?!\.+$)[\w.~-]{1,200}$/;
const UNSAFE = 'must have 1 to 200 characters, letters, digits and - _ . ~ only, and not be dots alone';

/** Ids and keys that are not to be made. Those that are there already, by SQL or from Soketi, go on. */
export function nameProblems(app: Partial<AppOptions>, before?: AppOptions): Problem[] {
  const known = new Set(before && keyPairsOf(before).map(({ key }) => key));
  const names = [
    { path: '/id', name: before ? undefined : app.id },
    { path: '/key', name: app.key },
    ...(app.keys ?? []).map(({ key }, index) => ({ path: `/keys/${index}/key`, name: key })),
  ];
  return names.flatMap(({ path, name }) =>
    name === undefined || known.has(name) || SAFE_NAME.test(name) ? [] : [{ path, message: UNSAFE }],
  );
}

/** What must not be secrets of an app that others reach, with JSON Pointers. */
export function placeholderProblems(app: Partial<AppOptions>): Problem[] {
  return placeholdersOf(app).map(({ path, problem }) => ({ path: `/${path.join('/')}`, message: problem }));
}

function problemOfPairs(app: AppOptions): Problem | undefined {
  const { key, secret, keys } = app;
  if (key === undefined && secret === undefined && keys.length === 0) {
    return { path: '/keys', message: 'an app needs at least one key' };
  }
  if (key === undefined && secret !== undefined)
    return { path: '/key', message: 'missing: secret is there without it' };
  if (key !== undefined && secret === undefined)
    return { path: '/secret', message: 'missing: key is there without it' };
  const names = keyPairsOf(app).map((pair) => pair.key);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  return twice === undefined ? undefined : { path: '/keys', message: `holds the key ${twice} twice` };
}

/** One more than is told shows that there are more. */
const MOST_ISSUES = MAX_PROBLEMS + 1;

/** What is wrong with a value, with JSON Pointers; of many problems a few more than are told. */
export function problemsOf(schema: z.ZodType, value: unknown): Problem[] {
  return describeIssues(schema, value, MOST_ISSUES).map(problemOf);
}

function problemOf({ path, isName, message, suggestion }: DescribedIssue): Problem {
  return {
    path: path.map((part) => `/${escapePointer(String(part))}`).join(''),
    message: isName ? 'unknown field' : message,
    ...(suggestion !== undefined && { suggestion }),
  };
}

/** A long or odd name is cut: it is only shown. */
function escapePointer(part: string): string {
  const short = part.length > 60 ? `${part.slice(0, 60)}…` : part;
  return short.replaceAll('~', '~0').replaceAll('/', '~1');
}

function merge(before: JsonObject, patch: JsonObject): JsonObject {
  const merged = new Map(Object.entries(before));
  for (const [name, value] of Object.entries(patch)) {
    const former = merged.get(name);
    // A name that is not known is wrong with null, too.
    if (value === null && merged.has(name)) merged.delete(name);
    else if (value === null && appOption(name)) continue;
    else if (isJsonObject(value)) merged.set(name, merge(isJsonObject(former) ? former : {}, value));
    else merged.set(name, value);
  }
  return Object.fromEntries(merged);
}

/** null is "not set" when an app is made, too. */
function withoutNulls(fields: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(fields).filter(([name, value]) => value !== null || !appOption(name)));
}
