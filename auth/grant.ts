import { Refusal } from '../protocol/errors.ts';
import { isJsonObject, parseJson } from '../protocol/json.ts';
import type { Claims } from './channel-pattern.ts';

/** What a verified token says about its holder. */
export interface Grant {
  /** A valid user id; undefined if the token names no user. */
  readonly userId: string | undefined;
  readonly roles: readonly string[];
  /** What others see of the user, as JSON text. */
  readonly userInfoJson: string | undefined;
  /** Users that the user watches. */
  readonly watchlist: readonly string[];
  /** All claims of the token; of a grant that is kept, only those that channel rules need. */
  readonly claims: Claims;
  /** The earliest moment at which it can have been issued, in seconds since 1970; undefined if the token does not say. */
  readonly issuedAtSeconds: number | undefined;
  /** Seconds since 1970 at which what the token opened ends; undefined: never. */
  readonly expiresAtSeconds: number | undefined;
}

/** Whether a grant has expired. */
export function hasEnded(
  grant: Grant | undefined,
  nowMs: number,
): grant is Grant & { readonly expiresAtSeconds: number } {
  return grant?.expiresAtSeconds !== undefined && grant.expiresAtSeconds * 1000 <= nowMs;
}

/** Why a token is refused. The message is for people, and contains no usable part of the token. */
export class TokenError extends Refusal {
  override readonly name = 'TokenError';
  /** Stable name of the fault, for logs, tests and docs/errors.md. */
  readonly id: string;
  /** 401, or 503 if it can't be decided now. */
  readonly status: 401 | 503;

  constructor(id: string, message: string, status: 401 | 503 = 401, options?: ErrorOptions) {
    super(message, options);
    this.id = id;
    this.status = status;
  }
}

/**
 * A grant inside `channel_data` or `user_data`, which the signature of `auth` covers: access that a token opened ends when
 * the token does, on whichever node the client is, and the client can't omit the limit.
 */
interface SignedGrant {
  readonly iat?: number;
  readonly exp?: number;
  readonly roles: readonly string[];
  readonly claims: Claims;
}

/** The `channel_data` for the holder of a token, as JSON text. */
export function encodeChannelData(grant: Grant, kept: Grant): string {
  return encode('user_id', grant, kept);
}

/** The `user_data` for the holder of a token, as JSON text. */
export function encodeUserData(grant: Grant, kept: Grant): string {
  return encode('id', grant, kept);
}

/** @param kept - the part of the grant that is included */
function encode(idName: 'id' | 'user_id', { userId, userInfoJson, watchlist }: Grant, kept: Grant): string {
  const { issuedAtSeconds, expiresAtSeconds, roles, claims } = kept;
  const signed: SignedGrant = {
    ...(issuedAtSeconds !== undefined && { iat: issuedAtSeconds }),
    ...(expiresAtSeconds !== undefined && { exp: expiresAtSeconds }),
    roles,
    claims,
  };
  const fields = [
    ...(userId === undefined ? [] : [`"${idName}":${JSON.stringify(userId)}`]),
    ...(userInfoJson === undefined ? [] : [`"user_info":${userInfoJson}`]),
    ...(idName === 'id' && watchlist.length > 0 ? [`"watchlist":${JSON.stringify(watchlist)}`] : []),
    `"grant":${JSON.stringify(signed)}`,
  ];
  return `{${fields.join(',')}}`;
}

/** The grant in a signed text, or undefined where the application signed it without one. */
export function grantIn(data: string): Grant | undefined {
  if (!data.includes('"grant"')) return undefined;
  const parsed = parseJson(data);
  if (!isJsonObject(parsed) || !isJsonObject(parsed.grant)) return undefined;
  const { iat, exp, roles, claims } = parsed.grant;
  // The application's own field with the same name.
  if (!Array.isArray(roles) || !isJsonObject(claims)) return undefined;
  const userId = parsed.user_id ?? parsed.id;
  return {
    userId: typeof userId === 'string' || typeof userId === 'number' ? String(userId) : undefined,
    roles: roles.filter((role) => typeof role === 'string'),
    userInfoJson: undefined,
    watchlist: [],
    claims,
    issuedAtSeconds: isTime(iat) ? iat : undefined,
    expiresAtSeconds: exp === undefined || isTime(exp) ? exp : LONG_AGO,
  };
}

/** An expiry that can't be read counts as passed. */
const LONG_AGO = 0;
/** The latest time that a Date can represent. */
const MAX_SECONDS = 8.64e12;

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Math.abs(value) <= MAX_SECONDS;
}
