import { elementTexts, memberText } from '../protocol/json.ts';

/** A part of a pattern: literal text, any characters, or the value of a claim. */
type Part = { readonly text: string } | { readonly any: true } | { readonly claim: string };

const PLACEHOLDER = /\{([^{}]+)\}|(\*)|([^{}*]+)/gy;

/** Occurs in no name and no pattern. */
const ANY_TEXT = '\0';

/** Claims of a token by name. A dotted path leads into objects: `realm_access.roles`. */
export type Claims = Readonly<Record<string, unknown>>;

/**
 * A channel name, or a pattern: `*` stands for any characters or none, `{sub}` for one or more, which must be the value of that
 * claim in `matchesFor`. Takes time in proportion to the length of name and pattern, and with claims
 * to the values in their lists.
 */
export class ChannelPattern {
  /** As it was written. */
  readonly text: string;
  /** Claims that the pattern names, each once. */
  readonly claims: readonly string[];
  readonly #parts: readonly Part[];

  /** @throws {SyntaxError} an unmatched brace, or nothing in between */
  constructor(text: string) {
    this.text = text;
    this.#parts = parse(text);
    this.claims = [...new Set(this.#parts.flatMap((part) => ('claim' in part ? [part.claim] : [])))];
  }

  /** Whether a name has this form, with anything in the place of claims. */
  matches(name: string): boolean {
    return matchParts(this.#parts, name);
  }

  /** Whether every name that another pattern matches has this form, too. */
  covers(other: ChannelPattern): boolean {
    // A character that occurs in no pattern is only matched by `*` or a claim.
    const nameWith = (any: string): string =>
      other.#parts.map((part) => ('text' in part ? part.text : 'any' in part ? any : ANY_TEXT)).join('');
    return this.matches(nameWith('')) && this.matches(nameWith(ANY_TEXT));
  }

  /** Whether a name has this form with what a token says in the place of claims. A claim that is a list stands for each of its values. */
  matchesFor(name: string, claims: Claims): boolean {
    if (this.claims.length === 0) return this.matches(name);
    // All positions in the name where the parts so far can end; a list of values makes several.
    let ends: ReadonlySet<number> = new Set([0]);
    for (const part of this.#parts) ends = endsAfter(part, name, ends, claims);
    return ends.has(name.length);
  }
}

/** What stands at a dotted path; a claim whose own name has dots (`https://example.com/roles`) comes first. */
export function claimAt(claims: Claims, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path];
  let value: unknown = claims;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Claims)[name];
  }
  return value;
}

/**
 * The JSON text of what `claimAt` finds.
 *
 * @param text - from which `claims` were read
 */
export function claimTextAt(text: string, claims: Claims, path: string): string | undefined {
  if (Object.hasOwn(claims, path)) return memberText(text, path);
  let found: string | undefined = text;
  for (const name of path.split('.')) {
    if (found === undefined) return undefined;
    found = found.startsWith('[') ? elementTexts(found)[Number(name)] : memberText(found, name);
  }
  return found;
}

/** A string, a number, or a list of those, as strings. Anything else can't be part of a name. */
export function textsOf(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((item) => (Array.isArray(item) ? [] : textsOf(item)));
  if (typeof value === 'string') return value === '' ? [] : [value];
  return Number.isSafeInteger(value) ? [String(value)] : [];
}

function endsAfter(part: Part, name: string, ends: ReadonlySet<number>, claims: Claims): ReadonlySet<number> {
  if ('any' in part) {
    const first = Math.min(...ends);
    return new Set(Array.from({ length: Math.max(name.length - first + 1, 0) }, (_, index) => first + index));
  }
  const texts =
    'text' in part ? [part.text] : textsOf(claimAt(claims, part.claim)).filter((text) => name.includes(text));
  const next = new Set<number>();
  for (const text of new Set(texts)) {
    for (const end of ends) if (name.startsWith(text, end)) next.add(end + text.length);
  }
  return next;
}

function parse(text: string): readonly Part[] {
  const parts: Part[] = [];
  let end = 0;
  for (const { 0: whole, 1: claim, 2: star, index } of text.matchAll(PLACEHOLDER)) {
    if (claim !== undefined) parts.push({ claim });
    else parts.push(star === undefined ? { text: whole } : { any: true });
    end = index + whole.length;
  }
  if (end !== text.length) throw new SyntaxError('a claim is written between { and }: private-user.{sub}');
  return parts;
}

/** Every literal takes its first possible position: anything may be between literals, so no backtracking is needed. */
function matchParts(parts: readonly Part[], name: string): boolean {
  let position = 0;
  /** What precedes the next literal: nothing (it must follow at once), or at least this many characters. */
  let gap: number | undefined;
  let text = '';
  const settle = (isLast: boolean): boolean => {
    if (gap === undefined) {
      if (!name.startsWith(text, position)) return false;
      position += text.length;
      return !isLast || position === name.length;
    }
    if (isLast) return name.endsWith(text) && name.length - text.length >= position + gap;
    const found = name.indexOf(text, position + gap);
    if (found < 0) return false;
    position = found + text.length;
    return true;
  };
  for (const part of parts) {
    if ('text' in part) {
      text += part.text;
      continue;
    }
    const least = 'claim' in part ? 1 : 0;
    if (text === '' && gap !== undefined) {
      gap += least;
      continue;
    }
    if (!settle(false)) return false;
    gap = least;
    text = '';
  }
  return settle(true);
}
