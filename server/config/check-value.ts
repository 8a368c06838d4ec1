import type { Node } from 'jsonc-parser';
import * as z from 'zod';
import { type Setting, unwrap } from './catalogue.ts';
import type { ConfigProblem } from './config-error.ts';
import type { JsonSource } from './json-source.ts';
import { MASK, maskSecrets } from './mask.ts';
import { type Origin, whereIs } from './origin.ts';
import { exactText, interpret, type RawValue } from './raw-value.ts';
import { nearest } from './suggest.ts';

/**
 * Instead of zod's own words, which nobody is shown, and which zod 4.6 fails to find for values such as
 * `{ "constructor": { "name": {} } }`.
 */
export const PLAIN_ERRORS = { error: (): string => 'is not possible' };

export type Checked =
  | { readonly ok: true; readonly value: unknown }
  /** `refused`: a value that is right elsewhere, but not possible here; it does no harm where a stronger source replaces it. */
  | { readonly ok: false; readonly refused: boolean; readonly problem: ConfigProblem };

/**
 * Reads and checks one value.
 *
 * @param label - the setting as people know it: `appManager.array.apps[0].maxConnections`
 */
export function checkValue(setting: Setting, raw: RawValue, label: string, origin: Origin): Checked {
  const candidate = interpret(setting.kind, raw);
  const result = setting.schema.safeParse(candidate, PLAIN_ERRORS);
  if (result.success) return { ok: true, value: result.data };

  const got = show(raw, candidate, label);
  const choices = choicesOf(setting);
  const { refusal } = setting.meta;
  if (refusal !== undefined && typeof candidate === 'string') {
    const message = `${label}: ${got} is not possible: ${refusal}. Possible: ${choices?.join(', ')}.`;
    return { ok: false, refused: true, problem: { where: whereIs(origin), message } };
  }
  const complaint = result.error.issues[0];
  if (setting.kind === 'text' && typeof candidate === 'string' && complaint !== undefined) {
    return failed(origin, `${label}: ${complaint.message}${candidate === '' ? '' : `, got ${got}`}.`);
  }
  const suggestion = choices && typeof candidate === 'string' ? nearest(candidate, choices) : undefined;
  return failed(origin, `${label}: expected ${expectation(setting)}, got ${got}.`, suggestion);
}

function failed(origin: Origin, message: string, suggestion?: string): Checked {
  const problem = { where: whereIs(origin), message };
  return { ok: false, refused: false, problem: suggestion === undefined ? problem : { ...problem, suggestion } };
}

/** What a setting takes, for people: `a whole number from 0 to 65535`. */
export function expectation(setting: Setting): string {
  switch (setting.kind) {
    case 'flag':
      return 'true or false';
    case 'number':
      return describeNumber(setting);
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
      return 'what docs/authorization.md describes';
    case 'anything':
      return 'anything';
  }
}

function choicesOf(setting: Setting): string[] | undefined {
  const schema = unwrap(setting.schema);
  return schema instanceof z.ZodEnum ? schema.options.map(String) : undefined;
}

function describeNumber(setting: Setting): string {
  const schema = unwrap(setting.schema);
  if (!(schema instanceof z.ZodNumber)) return 'a number';
  const what = schema.format === 'safeint' ? 'a whole number' : 'a number';
  const { minValue, maxValue } = schema;
  const hasMaximum = maxValue !== null && maxValue < Number.MAX_SAFE_INTEGER;
  if (minValue === -1) return `${what} of at least 0, or -1 for no limit`;
  return hasMaximum ? `${what} from ${minValue} to ${maxValue}` : `${what} of at least ${minValue}`;
}

const secretNames: ReadonlySet<string> = new Set(['key', 'keys', 'secret', 'password', 'pass', 'passphrase', 'token']);

/** Whether the value of a setting is to be kept out of messages, by its last name: `ssl.passphrase`, `appKey`. */
export function isSecret(label: string): boolean {
  const name = label.slice(label.lastIndexOf('.') + 1).replace(/\[\d+\]$/, '');
  return secretNames.has(name.toLowerCase()) || /(Key|Secret|Password)$/.test(name);
}

/** A number as it stands there: `1e400` is too large to be one, and would be shown as null. */
function asWritten(node: Node, source: JsonSource): string {
  return node.type === 'number' ? String(exactText(node, source)) : JSON.stringify(node.value);
}

/** A wrong value, short and on one line; of objects and lists only the type, for they may hold secrets. */
function show(raw: RawValue, candidate: unknown, label: string): string {
  if (raw.from === 'json' && (raw.node.type === 'object' || raw.node.type === 'array')) {
    return raw.node.type === 'object' ? 'an object' : 'a list';
  }
  if (candidate === '') return 'an empty text';
  if (raw.from === 'text' && typeof candidate === 'object' && candidate !== null) {
    return Array.isArray(candidate) ? 'a list' : 'an object';
  }
  if (isSecret(label)) return MASK;
  const text = raw.from === 'text' ? JSON.stringify(raw.text) : asWritten(raw.node, raw.source);
  const masked = maskSecrets(text);
  return masked.length > 60 ? `${masked.slice(0, 60)}…` : masked;
}
