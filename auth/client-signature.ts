import { PusherError, SubscriptionError } from '../protocol/errors.ts';
import { quote } from '../protocol/json.ts';
import { type AppKey, equalSignatures, findAppKey, hmacHex } from './hmac.ts';

/** What is wrong with an `auth` string. */
interface AuthProblem {
  readonly id: 'auth-format' | 'auth-unknown-key' | 'auth-signature';
  readonly message: string;
}

/**
 * The `auth` of `pusher:subscribe`, as backends make it.
 *
 * @param channelData - JSON text exactly as it is sent; undefined where none is
 * @see Pusher, "Authorizing users"
 */
export function signChannelAuth(pair: AppKey, socketId: string, channel: string, channelData?: string): string {
  return `${pair.key}:${hmacHex(pair.secret, signedText(socketId, channel, channelData))}`;
}

function signedText(socketId: string, channel: string, channelData: string | undefined): string {
  return channelData === undefined ? `${socketId}:${channel}` : `${socketId}:${channel}:${channelData}`;
}

/**
 * Checks the `auth` of `pusher:subscribe` for a private or presence channel.
 *
 * @param auth - `"<app key>:<64 lower-case hex digits>"`, as received; undefined when the client sent none
 * @param channelData - JSON text exactly as received; signed whenever it is present, on private channels too
 * @throws {SubscriptionError} `AuthError` 401: malformed, a key that is not the app's, or a wrong signature
 * @see Pusher, "Authorizing users": hex HMAC-SHA256 of `socketId:channel[:channelData]`
 */
export function verifyChannelAuth(
  keys: readonly AppKey[],
  socketId: string,
  channel: string,
  auth: string | undefined,
  channelData: string | undefined,
): void {
  const signed = signedText(socketId, channel, channelData);
  const formatMessage = `Auth value for subscription to ${channel} is invalid: should be of format 'key:signature'`;
  const problem = authProblem(keys, auth, signed, formatMessage);
  if (problem) throw new SubscriptionError(problem.id, channel, 'AuthError', 401, problem.message);
}

/**
 * Checks the `auth` of `pusher:signin`.
 *
 * @param userData - JSON text exactly as received
 * @throws {PusherError} malformed, a key that is not the app's, or a wrong signature
 * @see Pusher, "Authenticating users": hex HMAC-SHA256 of `socketId::user::userData`
 */
export function verifyUserAuth(keys: readonly AppKey[], socketId: string, auth: string, userData: string): void {
  const formatMessage = 'Invalid format: auth must have the format key:signature';
  const problem = authProblem(keys, auth, `${socketId}::user::${userData}`, formatMessage);
  if (problem) throw new PusherError(problem.id, problem.message);
}

function authProblem(
  keys: readonly AppKey[],
  auth: string | undefined,
  signed: string,
  formatMessage: string,
): AuthProblem | undefined {
  const colon = auth?.indexOf(':') ?? -1;
  if (auth === undefined || colon <= 0) {
    return { id: 'auth-format', message: formatMessage };
  }
  const key = auth.slice(0, colon);
  const signature = auth.slice(colon + 1);
  const pair = findAppKey(keys, key);
  if (!pair) {
    return { id: 'auth-unknown-key', message: `Invalid key in subscription auth data: '${quote(key, 64)}'` };
  }
  if (!equalSignatures(hmacHex(pair.secret, signed), signature)) {
    return {
      id: 'auth-signature',
      message: `Invalid signature: Expected HMAC SHA256 hex digest of ${quote(signed, 300)}, but got ${quote(signature, 64)}`,
    };
  }
  return undefined;
}
