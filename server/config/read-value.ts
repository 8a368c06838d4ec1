import { getNodeValue, type Node } from 'jsonc-parser';
import * as z from 'zod';
import type { JsonObject } from '../../protocol/json.ts';
import type { AppOptions } from './app-options.ts';
import { appOption, appOptions, type Setting } from './catalogue.ts';
import { nearest } from './config-error.ts';
import { isProblem, type JsonSource, parseJson, variableSource } from './json-source.ts';
import { type DescribedIssue, describeIssues, PLAIN_ERRORS, shown } from './schema-issues.ts';
import { isTrue, type SettingKind, unitOf, unwrap } from './setting.ts';
import { type WebhookOptions, webhooksSchema } from './webhook-options.ts';

/** A value as a source has it. */
export type RawValue =
  /** A node of a file or variable, in which texts may stand for numbers and the other way round. */
  | { readonly from: 'json'; readonly node: Node; readonly source: JsonSource }
  /** The text of a variable, a flag or a column. */
  | { readonly from: 'text'; readonly text: string }
  /** A value of a request or a database, which must have the very type. */
  | { readonly from: 'value'; readonly value: unknown };

export type ReadValue =
  | { readonly ok: true; readonly value: unknown }
  /** `refused`: a value that is right elsewhere, but not possible here. */
  | { readonly ok: false; readonly refused: boolean; readonly issues: readonly DescribedIssue[] };

/**
 * Reads and checks one value.
 *
 * @param max - issues at most, of a value that a stranger may send
 */
export function readValue(setting: Setting, raw: RawValue, max?: number): ReadValue {
  const { kind, schema, meta } = setting;
  const written = interpret(kind, raw);
  const value = meta.mayBeText && typeof written === 'string' ? readAnything(written) : written;
  if (isStructure(setting)) {
    const issues = describeIssues(schema, value, max);
    return issues.length > 0 ? { ok: false, refused: false, issues } : { ok: true, value: schema.parse(value) };
  }
  const result = schema.safeParse(value, PLAIN_ERRORS);
  if (result.success) return { ok: true, value: result.data };

  const got = showRaw(raw, value, meta.secret !== undefined);
  const choices = choicesOf(setting);
  const isWord = typeof value === 'string';
  if (meta.refusal !== undefined && isWord) {
    return failed(`${got} is not possible: ${meta.refusal}. Possible: ${choices?.join(', ')}`, undefined, true);
  }
  const [complaint] = result.error.issues;
  if (kind === 'text' && isWord && complaint !== undefined) {
    return failed(`${complaint.message}${value === '' ? '' : `, got ${got}`}`);
  }
  return failed(
    `expected ${expectation(setting)}, got ${got}`,
    choices && isWord ? nearest(value, choices) : undefined,
  );
}

function failed(message: string, suggestion?: string, refused = false): ReadValue {
  const issue = { path: [], isName: false, message, ...(suggestion !== undefined && { suggestion }) };
  return { ok: false, refused, issues: [issue] };
}

/** Whether a value has parts, each of which may be wrong. */
export function isStructure({ kind }: Setting): boolean {
  return kind === 'structure' || kind === 'keys';
}

/** What a setting takes, for people: `a whole number from 0 to 65535`. */
export function expectation(setting: Setting, unit?: string): string {
  switch (setting.kind) {
    case 'flag':
      return 'true or false';
    case 'number':
      return describeNumber(setting, unit);
    case 'text':
      return 'a text';
    case 'choice':
      return `one of ${choicesOf(setting)?.join(', ')}`;
    case 'list':
      return 'a list of texts';
    case 'auto':
      return 'a whole number of at least 1, or auto';
    case 'addresses':
      return 'a list of "host:port" or { "host", "port" }';
    case 'options':
      return 'an object ({ … })';
    case 'switch':
      return 'true, false or an object ({ … })';
    case 'keys':
      return 'a list of { "key", "secret" }';
    case 'apps':
      return 'a list of apps';
    case 'structure':
    case 'anything':
      return 'anything';
  }
}

/** The same, with the unit of a number: `a whole number of seconds from 1 to 900`. */
export function expectationWithUnit(setting: Setting): string {
  return expectation(setting, unitOf(setting.schema));
}

export function choicesOf(setting: Setting): string[] | undefined {
  const schema = unwrap(setting.schema);
  return schema instanceof z.ZodEnum ? schema.options.map(String) : undefined;
}

function describeNumber(setting: Setting, unit: string | undefined): string {
  const schema = unwrap(setting.schema);
  if (!(schema instanceof z.ZodNumber)) return 'a number';
  const what = `${schema.format === 'safeint' ? 'a whole number' : 'a number'}${unit === undefined ? '' : ` of ${unit}`}`;
  const { minValue, maxValue } = schema;
  const hasMaximum = maxValue !== null && maxValue < Number.MAX_SAFE_INTEGER;
  if (minValue === -1 && !hasMaximum) return `${what} of at least 0, or -1 for no limit`;
  return hasMaximum ? `${what} from ${minValue} to ${maxValue}` : `${what} of at least ${minValue}`;
}

/**
 * What a raw value means for a setting of this kind: a string, number, boolean, list or anything else. Whether that is
 * valid, the schema decides; a value that can't be understood is given back as it stands.
 */
function interpret(kind: SettingKind, raw: RawValue): unknown {
  switch (raw.from) {
    case 'json':
      return interpretNode(kind, raw.node, raw.source);
    case 'text':
      return interpretText(kind, raw.text);
    case 'value':
      return raw.value;
  }
}

function interpretNode(kind: SettingKind, node: Node, source: JsonSource): unknown {
  const plain = plainValue(node);
  const isText = typeof plain === 'string';
  switch (kind) {
    case 'flag':
      return isText || typeof plain === 'number' ? readFlag(String(plain)) : plain;
    case 'number':
      return isText ? readNumber(plain) : plain;
    case 'text':
    case 'choice':
      return exactValue(node, source);
    case 'list':
      return isText ? [plain] : exactValue(node, source);
    case 'keys':
      return withPlainNames(exactValue(node, source));
    case 'auto':
    case 'switch':
      return isText ? interpretText(kind, plain) : plain;
    case 'addresses':
      return isText ? interpretText(kind, plain) : readAddresses(plain);
    default:
      return plain;
  }
}

function interpretText(kind: SettingKind, text: string): unknown {
  switch (kind) {
    case 'flag':
      return readFlag(unquote(text));
    case 'number':
      return readNumber(unquote(text));
    case 'auto':
      return unquote(text).trim() === 'auto' ? 'auto' : readNumber(unquote(text));
    case 'switch':
      return text.trim().startsWith('{') ? readAnything(text) : readFlag(unquote(text));
    case 'addresses':
      return readAddresses(text.trim().startsWith('[') ? readAnything(text) : readList(text));
    case 'list':
      return readList(text);
    case 'text':
    case 'choice':
      return unquote(text);
    default:
      return readAnything(text);
  }
}

/** The value of a node of any type; jsonc-parser keeps it in two places. */
export function plainValue(node: Node): unknown {
  return node.type === 'object' || node.type === 'array' ? getNodeValue(node) : node.value;
}

/**
 * The same with numbers as texts, exactly as they are written: a key of digits may be given as a number, but must not come back as `1e+21`
 * or without its last digits.
 */
function exactValue(node: Node, source: JsonSource): unknown {
  if (node.type === 'number') return source.text.slice(node.offset, node.offset + node.length);
  if (node.type === 'array') return (node.children ?? []).map((item) => exactValue(item, source));
  if (node.type !== 'object') return node.value;
  const properties = (node.children ?? []).flatMap(({ children: [name, value] = [] }) =>
    name && value ? [[String(name.value), exactValue(value, source)] as const] : [],
  );
  return Object.fromEntries(properties);
}

/** Pairs of a database may have `Key` and `SECRET`. */
function withPlainNames(pairs: unknown): unknown {
  if (!Array.isArray(pairs)) return pairs;
  return pairs.map((pair: unknown) => {
    if (typeof pair !== 'object' || pair === null || Array.isArray(pair)) return pair;
    return Object.fromEntries(
      Object.entries(pair).map(([name, value]) => [/^(key|secret)$/i.test(name) ? name.toLowerCase() : name, value]),
    );
  });
}

/** Variables are "JSON, else text": so a text in double quotes, as `docker --env-file` passes it on, loses them. */
export function unquote(text: string): string {
  if (!/^\s*".*"\s*$/s.test(text)) return text;
  try {
    return JSON.parse(text) as string;
  } catch {
    return text;
  }
}

function readFlag(text: string): unknown {
  if (isTrue(text)) return true;
  return /^(0|false|no|off)$/i.test(text.trim()) ? false : text;
}

function readNumber(text: string): unknown {
  const trimmed = text.trim();
  return /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(trimmed) ? Number(trimmed) : text;
}

/** `["a", "b"]`, or `a, b`. */
function readList(text: string): unknown {
  if (text.trim().startsWith('[')) {
    const source = variableSource({ kind: 'default' }, text);
    const parsed = parseJson(source);
    return isProblem(parsed) ? text : exactValue(parsed, source);
  }
  return unquote(text)
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean);
}

/** Servers of Redis: `host:port`, or `redis://user:password@host:port`, becomes an object; one alone becomes a list. */
function readAddresses(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return (Array.isArray(value) ? value : [value]).map((item: unknown) => {
    if (typeof item === 'string') return readAddress(item) ?? item;
    if (typeof item !== 'object' || item === null || !('port' in item)) return item;
    return { ...item, port: typeof item.port === 'string' ? readNumber(item.port) : item.port };
  });
}

/** A server of Redis out of `host:port` or a URL. */
export interface ReadAddress {
  readonly host: string;
  readonly port?: number;
  readonly username?: string;
  readonly password?: string;
}

/** @returns undefined for what is no address */
export function readAddress(text: string): ReadAddress | undefined {
  try {
    const url = new URL(text.includes('://') ? text : `redis://${text}`);
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
    return {
      host: decodeURIComponent(host),
      ...(url.port !== '' && { port: Number(url.port) }),
      ...(url.username !== '' && { username: decodeURIComponent(url.username) }),
      ...(url.password !== '' && { password: decodeURIComponent(url.password) }),
    };
  } catch {
    return undefined;
  }
}

function readAnything(text: string): unknown {
  const parsed = parseJson(variableSource({ kind: 'default' }, text));
  return isProblem(parsed) ? text : plainValue(parsed);
}

/** A wrong value as it was written: `1e400` is too large to be a number, and would be shown as null. */
function showRaw(raw: RawValue, value: unknown, isSecret: boolean): string {
  if (raw.from === 'json' && raw.node.type === 'number' && !isSecret) {
    return String(exactValue(raw.node, raw.source)).slice(0, 60);
  }
  if (raw.from === 'json') return shown(plainValue(raw.node), isSecret);
  if (raw.from === 'value' || value === '' || typeof value === 'object') return shown(value, isSecret);
  return shown(raw.text, isSecret);
}

/**
 * Reads webhooks of which wrong ones are to be left out.
 *
 * @param given - a list, or a text that holds it as JSON
 */
export function readWebhooks(given: unknown): {
  readonly webhooks: readonly WebhookOptions[];
  readonly issues: readonly DescribedIssue[];
} {
  const value = typeof given === 'string' ? readAnything(given) : given;
  const issues = describeIssues(webhooksSchema, value);
  const wrong = new Set(issues.map(({ path: [index] }) => index));
  const webhooks = Array.isArray(value) ? value.filter((_, index) => !wrong.has(index)) : [];
  return { webhooks: webhooksSchema.parse(webhooks), issues };
}

export interface ReadApp {
  /** Those that are right. */
  readonly options: Partial<AppOptions>;
  /** What is wrong with others; each path begins with the name of the option. */
  readonly issues: readonly DescribedIssue[];
}

/**
 * Reads options of an app that stand in an object, as JSON has them: in the body of a request, or in a column. null is not set.
 *
 * @param max - issues at most, of objects that a stranger may send
 */
export function readApp(given: JsonObject, max = Number.POSITIVE_INFINITY): ReadApp {
  const options: Record<string, unknown> = {};
  const issues: DescribedIssue[] = [];
  for (const [name, setting] of appOptions) {
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    if (value === undefined || value === null) continue;
    const read = readValue(setting, { from: 'value', value }, max);
    if (read.ok) options[name] = read.value;
    else issues.push(...read.issues.map((issue) => ({ ...issue, path: [name, ...issue.path] })));
  }
  const unknown = Object.keys(given).filter((name) => !appOption(name));
  for (const name of unknown.slice(0, max)) {
    const suggestion = nearest(name, appOptions.keys());
    issues.push({ path: [name], isName: true, message: 'unknown setting', ...(suggestion && { suggestion }) });
  }
  return { options, issues: issues.slice(0, max) };
}
