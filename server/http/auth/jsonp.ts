import { ApiError } from '../../../protocol/errors.ts';
import { quote } from '../../../protocol/json.ts';
import type { Answer } from '../answer.ts';

const MAX_CALLBACK_LENGTH = 100;
/** A function by its path: `Pusher.auth_callbacks['1']`, `jQuery36`, `callbacks[2].done`. */
const CALLBACK = /^[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*|\[\d+\]|\['[\w$]+'\])*$/;

/** @throws {ApiError} 400: what would run in the page is more than the name of a function */
export function checkedCallback(callback: string): string {
  if (callback.length <= MAX_CALLBACK_LENGTH && CALLBACK.test(callback)) return callback;
  const message = `callback is "${quote(callback, 60)}": it must be the path of a function such as Pusher.auth_callbacks['1'], of at most ${MAX_CALLBACK_LENGTH} characters`;
  throw new ApiError('invalid-callback', 400, message);
}

/**
 * A script that calls a function of the page with a value.
 *
 * @param callback - checked
 */
export function script(callback: string, value: unknown): Answer {
  // JSON allows what ends a line of a script, and what a page could take for markup.
  const text = JSON.stringify(value).replace(/[<\u2028\u2029]/g, escapeUnit);
  return { status: 200, contentType: 'application/javascript; charset=utf-8', body: `${callback}(${text});` };
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
