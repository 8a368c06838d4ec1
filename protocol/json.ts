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

/** Shortens text that came from outside, so that an error message quotes it without becoming as long as it. */
export function quote(text: string, maxLength = 100): string {
  return text.length <= maxLength ? text : `${text.slice(0, maxLength)}…`;
}

/**
 * Whether a text takes more than this many bytes in UTF-8.
 * Counts only when the number of UTF-16 units leaves it open: one unit is at most three bytes.
 */
export function exceedsBytes(text: string, maxBytes: number): boolean {
  if (text.length * 3 <= maxBytes) return false;
  return text.length > maxBytes || Buffer.byteLength(text) > maxBytes;
}
