import { orUndefined } from './errors.ts';

export type JsonObject = { readonly [key: string]: unknown };

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value of a JSON text, or undefined (which JSON cannot express) when the text is not JSON. */
export function parseJson(text: string): unknown {
  return orUndefined(JSON.parse, text);
}

/** JSON text of a parsed value, or undefined when it is nested too deeply to be written again. */
export function encodeJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}

/** Shortens untrusted text, so that an error message that quotes it stays short. */
export function quote(text: string, maxLength = 100): string {
  return text.length <= maxLength ? text : `${text.slice(0, maxLength)}…`;
}

/**
 * Whether a text takes more than this many bytes in UTF-8.
 * Counts bytes only if the number of UTF-16 units does not decide it: one unit is at most three bytes.
 */
export function exceedsBytes(text: string, maxBytes: number): boolean {
  if (text.length * 3 <= maxBytes) return false;
  return text.length > maxBytes || Buffer.byteLength(text) > maxBytes;
}

/**
 * Finds parts of a JSON text as they were written. Payloads that are only passed on must not change: JavaScript has no number for
 * 1234567890123456789 or 1e400, writes 10.0 as 10, and keeps one of two fields with the same name.
 *
 * Every text must be one that `JSON.parse` accepted: nothing is checked again.
 */

/**
 * The value of a field, without the white space around it. Of several with the same name the last counts, as for `JSON.parse`.
 *
 * @param object - JSON text of an object
 * @param name - as `JSON.parse` reads it: the text may spell it with escapes
 */
export function memberText(object: string, name: string): string | undefined {
  let value: string | undefined;
  let at = skipSpace(object, skipSpace(object, 0) + 1);
  while (object.charCodeAt(at) === QUOTE) {
    const nameEnd = stringEnd(object, at);
    const start = skipSpace(object, skipSpace(object, nameEnd) + 1);
    const end = valueEnd(object, start);
    if (isName(object.slice(at, nameEnd), name)) value = object.slice(start, end);
    at = nextItem(object, end);
  }
  return value;
}

/**
 * The values of a list, each without the white space around it.
 *
 * @param array - JSON text of an array
 */
export function elementTexts(array: string): readonly string[] {
  const values: string[] = [];
  let at = skipSpace(array, skipSpace(array, 0) + 1);
  while (at < array.length && array.charCodeAt(at) !== CLOSING_BRACKET) {
    const end = valueEnd(array, at);
    values.push(array.slice(at, end));
    at = nextItem(array, end);
  }
  return values;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPENING_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSING_BRACKET = 0x5d;
const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;

function isName(literal: string, name: string): boolean {
  return literal.includes('\\') ? JSON.parse(literal) === name : literal.slice(1, -1) === name;
}

/** @param end - where an item of a list or object ends */
function nextItem(text: string, end: number): number {
  const at = skipSpace(text, end);
  return text.charCodeAt(at) === COMMA ? skipSpace(text, at + 1) : at;
}

function skipSpace(text: string, start: number): number {
  let at = start;
  while (isSpace(text.charCodeAt(at))) at += 1;
  return at;
}

function isSpace(unit: number): boolean {
  return unit === 0x20 || unit === 0x0a || unit === 0x0d || unit === 0x09;
}

/** @param start - of the opening quote */
function stringEnd(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
  return at + 1;
}

function valueEnd(text: string, start: number): number {
  switch (text.charCodeAt(start)) {
    case QUOTE:
      return stringEnd(text, start);
    case OPENING_BRACE:
    case OPENING_BRACKET:
      return containerEnd(text, start);
    default:
      return wordEnd(text, start);
  }
}

/** Counts instead of recursing: deep nesting must not overflow the stack. */
function containerEnd(text: string, start: number): number {
  let depth = 0;
  let at = start;
  while (at < text.length) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = stringEnd(text, at);
        continue;
      case OPENING_BRACE:
      case OPENING_BRACKET:
        depth += 1;
        break;
      case CLOSING_BRACE:
      case CLOSING_BRACKET:
        depth -= 1;
        if (depth === 0) return at + 1;
    }
    at += 1;
  }
  return at;
}

/** Of a number, true, false or null. */
function wordEnd(text: string, start: number): number {
  let at = start;
  while (at < text.length && !endsWord(text.charCodeAt(at))) at += 1;
  return at;
}

function endsWord(unit: number): boolean {
  return unit === COMMA || unit === CLOSING_BRACE || unit === CLOSING_BRACKET || isSpace(unit);
}
