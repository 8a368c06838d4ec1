import { orUndefined } from '../protocol/errors.ts';

/** Query parameters of a signed request, as the signature sees them: decoded, names in lower case. */
export interface RequestParams {
  /** Last value of each plain parameter. */
  readonly single: ReadonlyMap<string, string>;
  /** `name[]=a&name[]=b`, values in the given order, under `name`. */
  readonly lists: ReadonlyMap<string, readonly string[]>;
  /** The text that the signature covers, if the query without the signature already is that text, as SDKs send it. */
  readonly canonical: string | undefined;
}

/** `name[]` and `name[0]`: the forms in which lists are sent. */
const LIST_NAME = /^(.+)\[\d*\]$/;
const SIGNATURE = 'auth_signature';
/** More than any request has. Parameters beyond that are not read: they would only make a refusal expensive. */
const MAX_PAIRS = 1000;

/**
 * Reads a raw query string.
 *
 * @param plusIsSpace - read `+` as a space, as in forms; SDKs mean the character itself
 */
export function parseParams(query: string, plusIsSpace = false): RequestParams {
  const single = new Map<string, string>();
  const lists = new Map<string, string[]>();
  const isRaw = !plusIsSpace && !query.includes('%') && !query.endsWith('&');
  let canonical = isRaw ? query : undefined;
  let last = '';
  let pairs = 0;
  for (let start = 0; start < query.length && pairs < MAX_PAIRS; pairs += 1) {
    const next = query.indexOf('&', start);
    const end = next < 0 ? query.length : next;
    const pair = query.slice(start, end);
    const equals = pair.indexOf('=');
    const sent = decode(equals < 0 ? pair : pair.slice(0, equals), plusIsSpace);
    const name = sent.toLowerCase();
    const value = equals < 0 ? '' : decode(pair.slice(equals + 1), plusIsSpace);
    const list = name.endsWith(']') ? LIST_NAME.exec(name)?.[1] : undefined;
    if (canonical !== undefined) {
      const isPlain = equals >= 0 && name === sent && list === undefined;
      const isOutOfOrder = name === SIGNATURE ? single.has(name) : name <= last;
      if (!isPlain || isOutOfOrder) canonical = undefined;
      else if (name === SIGNATURE) canonical = without(query, start, end);
      else last = name;
    }
    if (pair !== '' && list === undefined) {
      single.set(name, value);
    } else if (list !== undefined) {
      const values = lists.get(list);
      if (values) values.push(value);
      else lists.set(list, [value]);
    }
    start = end + 1;
  }
  return { single, lists, canonical };
}

/** A query without one of its pairs. */
function without(query: string, start: number, end: number): string {
  return start === 0 ? query.slice(end + 1) : query.slice(0, start - 1) + query.slice(end);
}

function decode(text: string, plusIsSpace: boolean): string {
  const spaced = plusIsSpace ? text.replaceAll('+', ' ') : text;
  if (!spaced.includes('%')) return spaced;
  return orUndefined(decodeURIComponent, spaced) ?? spaced;
}

/** How a list enters the signed text: `k[]=a&k[]=b` (Ruby and the hosted verifier) or `k=a,b` (PHP). */
export type ListStyle = 'brackets' | 'commas';

/** The third line of the signed text: all parameters but the signature, sorted by name, values never escaped. */
export function canonicalParams(params: RequestParams, lists: ListStyle): string {
  if (params.canonical !== undefined) return params.canonical;
  const names = [...params.single.keys()];
  for (const name of params.lists.keys()) {
    if (!params.single.has(name)) names.push(name);
  }
  let text = '';
  for (const name of names.sort()) {
    const value = params.single.get(name);
    if (value !== undefined && name !== SIGNATURE) text += `&${name}=${value}`;
    const values = params.lists.get(name);
    if (values)
      text += lists === 'commas' ? `&${name}=${values.join(',')}` : values.map((each) => `&${name}[]=${each}`).join('');
  }
  return text.slice(1);
}
