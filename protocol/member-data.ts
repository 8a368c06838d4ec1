import { isUserId, MAX_USER_ID_LENGTH } from './channel-name.ts';
import { Refusal } from './errors.ts';
import { encodeJson, isJsonObject, memberText, parseJson, quote } from './json.ts';
import type { WireMember } from './server-message.ts';

/** Why a `channel_data` or `user_data` text can't be used; the message is for the client. */
export class MemberDataError extends Refusal {
  override readonly name = 'MemberDataError';
}

/**
 * Reads the `channel_data` of a presence subscription.
 *
 * @param text - `{"user_id": string | number, "user_info"?: any JSON}` as JSON. Pusher says object; Soketi and Reverb take
 *   whatever a presence callback returns: `true`, text, a list
 * @throws {MemberDataError}
 * @see Pusher, "Presence channels"
 */
export function parseChannelData(text: string): WireMember {
  const data = parseJson(text);
  if (!isJsonObject(data)) throw new MemberDataError('channel_data must be a JSON object in a string');
  const { user_id: rawId, user_info: info } = data;
  if (typeof rawId === 'number' && !Number.isSafeInteger(rawId)) {
    // Beyond 2^53 two users would become one, here and in every JavaScript client.
    throw new MemberDataError(`user_id ${rawId} is a number that cannot be represented exactly: send it as a string`);
  }
  const userId = typeof rawId === 'number' ? String(rawId) : rawId;
  if (!isUserId(userId)) {
    throw new MemberDataError(
      `channel_data must have a user_id: a string of 1 to ${MAX_USER_ID_LENGTH} characters, or an integer`,
    );
  }
  return { userId, userIdJson: JSON.stringify(rawId), userInfoJson: userInfoText(info, text) };
}

/** @param text - JSON text of the object that holds it as `user_info` */
function userInfoText(info: unknown, text: string): string | undefined {
  return isUserInfo(info) ? memberText(text, 'user_info') : undefined;
}

/** Whether a value says something about a user: null counts as not given. */
export function isUserInfo(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** Who signed in, from the `user_data` of `pusher:signin`. */
export interface UserData {
  readonly id: string;
  readonly userInfoJson: string | undefined;
  /** Ids of the users that this user watches; not yet cut to the limit. */
  readonly watchlist: readonly string[];
}

/**
 * @param text - `{"id": string, "user_info"?: any JSON, "watchlist"?: string[]}` as JSON; other keys are the application's
 * @throws {MemberDataError}
 * @see Pusher, "User authentication"
 */
export function parseUserData(text: string): UserData {
  const data = parseJson(text);
  if (!isJsonObject(data)) throw new MemberDataError('user_data must be a JSON object in a string');
  const { id, user_info: info, watchlist } = data;
  if (!isUserId(id)) {
    const got = typeof id === 'number' ? ` (got the number ${id}: make it a string)` : '';
    throw new MemberDataError(`user_data must have an id: a string of 1 to ${MAX_USER_ID_LENGTH} characters${got}`);
  }
  return { id, userInfoJson: userInfoText(info, text), watchlist: parseWatchlist(watchlist) };
}

function parseWatchlist(value: unknown): readonly string[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new MemberDataError('watchlist must be an array of user ids');
  const ids = new Set<string>();
  for (const entry of value) {
    const id = typeof entry === 'number' ? String(entry) : entry;
    if (!isUserId(id)) {
      throw new MemberDataError(`watchlist holds ${quote(encodeJson(entry) ?? '…', 40)}, which is not a user id`);
    }
    ids.add(id);
  }
  return [...ids];
}
