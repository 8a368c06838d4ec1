import { type Command, InvalidArgumentError } from 'commander';
import { isUserId, MAX_USER_ID_LENGTH } from '../../protocol/channel-name.ts';
import { isJsonObject, type JsonObject, parseJson, quote } from '../../protocol/json.ts';

export interface TokenFlags {
  readonly config?: string;
  readonly app?: string;
  readonly sub?: string;
  readonly role?: readonly string[];
  readonly ttl?: number;
  readonly info?: ReturnType<typeof parseUserInfo>;
  readonly claim?: readonly (readonly [string, unknown])[];
}

/** Gives a command the flags of `kulkul token`. */
export function withTokenFlags(command: Command): Command {
  return command
    .option('--app <key or id>', 'app that the token is for (default: the only one)')
    .option('--sub <user id>', 'user that the token is for (default: none)', orInvalid(parseUserId))
    .option('--role <role>', 'role of the user; repeatable', collect)
    .option('--ttl <time>', 'lifetime: 30s, 15m, 1h, 7d (default: 1h)', orInvalid(parseTtl))
    .option('--info <json>', 'what others see of the user, a JSON object', orInvalid(parseUserInfo))
    .option(
      '--claim <name=value>',
      'another claim, JSON or text; repeatable',
      (text, before: TokenFlags['claim'] = []) => [...before, orInvalid(parseClaim)(text)],
    );
}

function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

/** Reports an invalid value with the name of its flag. */
function orInvalid<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      if (error instanceof DevelopmentTokenError) throw new InvalidArgumentError(error.message);
      throw error;
    }
  };
}

/** The token can't be made. The text says what to correct. */
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
  throw new DevelopmentTokenError(`A user id has 1 to ${MAX_USER_ID_LENGTH} characters, without control characters.`);
}

export function parseUserInfo(text: string): JsonObject {
  const info = parseJson(text);
  if (isJsonObject(info)) return info;
  throw new DevelopmentTokenError('It must be a JSON object, such as \'{"name":"Ann"}\'.');
}

/** `name=value`: the value is JSON, or otherwise plain text. */
export function parseClaim(text: string): readonly [name: string, value: unknown] {
  const equals = text.indexOf('=');
  if (equals <= 0) throw new DevelopmentTokenError(`${quote(text, 40)} is not name=value.`);
  const given = text.slice(equals + 1);
  const value = parseJson(given);
  return [text.slice(0, equals), value === undefined ? given : value];
}
