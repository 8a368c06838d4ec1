import { isUserId, MAX_USER_ID_LENGTH } from '../../protocol/channel-name.ts';
import { isJsonObject, type JsonObject, parseJson, quote } from '../../protocol/json.ts';

/** The token can't be made. The text says what to mend. */
export class DevelopmentTokenError extends Error {
  override readonly name = 'DevelopmentTokenError';
}

const UNIT_SECONDS = new Map([
  ['s', 1],
  ['m', 60],
  ['h', 3600],
  ['d', 86_400],
]);
const MAX_TTL_SECONDS = 3650 * 86_400;

/** `30s`, `15m`, `1h` or `7d`, in seconds. */
export function parseTtl(text: string): number {
  const [, count, unit = ''] = /^(\d{1,10})([smhd])$/.exec(text) ?? [];
  const seconds = Number(count) * (UNIT_SECONDS.get(unit) ?? Number.NaN);
  if (seconds > 0 && seconds <= MAX_TTL_SECONDS) return seconds;
  throw new DevelopmentTokenError(
    'It must be a number with s, m, h or d, such as 30s, 15m, 1h or 7d, and at most 3650d.',
  );
}

export function parseUserId(text: string): string {
  if (isUserId(text)) return text;
  throw new DevelopmentTokenError(
    `A user id has 1 to ${MAX_USER_ID_LENGTH} characters, none of them a control character.`,
  );
}

export function parseUserInfo(text: string): JsonObject {
  const info = parseJson(text);
  if (isJsonObject(info)) return info;
  throw new DevelopmentTokenError('It must be a JSON object, such as \'{"name":"Ann"}\'.');
}

/** `name=value`: the value is JSON, or else the text as it is. */
export function parseClaim(text: string): readonly [name: string, value: unknown] {
  const equals = text.indexOf('=');
  if (equals <= 0) throw new DevelopmentTokenError(`${quote(text, 40)} is not name=value.`);
  const given = text.slice(equals + 1);
  const value = parseJson(given);
  return [text.slice(0, equals), value === undefined ? given : value];
}
