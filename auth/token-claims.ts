import type { KeyObject } from 'node:crypto';
import { isUserId, MAX_USER_ID_LENGTH } from '../protocol/channel-name.ts';
import { encodeJson, quote } from '../protocol/json.ts';
import { isUserInfo } from '../protocol/member-data.ts';
import { type Claims, claimAt, claimTextAt, textsOf } from './channel-pattern.ts';
import { type Grant, TokenError } from './grant.ts';

/** Seconds since 1970 beyond which a time can only be meant in milliseconds (the year 33658). */
const MAX_TIME_SECONDS = 1e12;

/**
 * How far an issuer's clock may always be ahead: a token that was just made must not be refused because a clock
 * is slightly off. This only accepts a token earlier, never longer.
 */
const EARLY_SECONDS = 5;

/** Claims that OAuth defines as several words in one string (RFC 6749, 3.3; `scp` at Microsoft). */
const SPACED_CLAIM = /(?:^|[./])(?:scope|scp)$/;

/**
 * What a token grants whose signature is good.
 *
 * @param nowSeconds - seconds since 1970
 * @param text - JSON text of the claims
 * @throws {TokenError} 401: expired, not yet valid, for another audience, or with an invalid claim
 */
export function grantFrom(policy: TokenPolicy, claims: Claims, nowSeconds: number, text: string): Grant {
  const expiry = verifyTimes(policy, claims, nowSeconds);
  verifyIssuer(policy, claims);
  verifyAudience(policy, claims);
  const userInfo = claimAt(claims, policy.claims.userInfo);
  return {
    userId: userIdOf(claimAt(claims, policy.claims.userId), policy.claims.userId),
    roles: rolesOf(claims, policy.claims.roles),
    userInfoJson: isUserInfo(userInfo) ? claimTextAt(text, claims, policy.claims.userInfo) : undefined,
    watchlist: textsOf(claimAt(claims, policy.claims.watchlist)).filter(isUserId),
    claims,
    issuedAtSeconds: earliestIssue(policy, timeOf(claims, 'iat'), nowSeconds),
    expiresAtSeconds: expiry,
  };
}

/** When what the token opens ends. */
function verifyTimes(
  { clockToleranceSeconds, requireExpiry }: TokenPolicy,
  claims: Claims,
  nowSeconds: number,
): number | undefined {
  const latestStart = nowSeconds + Math.max(clockToleranceSeconds, EARLY_SECONDS);
  for (const name of ['nbf', 'iat'] as const) {
    const time = timeOf(claims, name);
    if (time === undefined || time <= latestStart) continue;
    const what = name === 'nbf' ? 'is not valid before' : 'was issued at';
    const message = `The token ${what} (${name}) a time that is ${secondsText(time - nowSeconds)} from now: ${clockText(clockToleranceSeconds)}`;
    throw new TokenError('token-not-yet-valid', message);
  }
  const expiry = timeOf(claims, 'exp');
  if (expiry === undefined) {
    if (!requireExpiry) return undefined;
    const message =
      'The token never expires: it has no exp. Have the issuer set one, or set auth.jwt.requireExpiry to false';
    throw new TokenError('token-no-expiry', message);
  }
  if (expiry > nowSeconds) return expiry;
  if (expiry + clockToleranceSeconds > nowSeconds) return expiry + clockToleranceSeconds;
  const message = `The token expired ${secondsText(nowSeconds - expiry)} ago: get a fresh one. If it is fresh, ${clockText(clockToleranceSeconds)}`;
  throw new TokenError('token-expired', message);
}

/** The earliest moment at which a token can have been issued, for all that the clocks may differ. */
function earliestIssue(
  { clockToleranceSeconds }: TokenPolicy,
  issuedAt: number | undefined,
  nowSeconds: number,
): number | undefined {
  if (issuedAt === undefined) return undefined;
  return Math.min(issuedAt - clockToleranceSeconds, nowSeconds);
}

function timeOf(claims: Claims, name: 'exp' | 'nbf' | 'iat'): number | undefined {
  if (!Object.hasOwn(claims, name)) return undefined;
  const time = claims[name];
  if (typeof time !== 'number' || !Number.isFinite(time)) {
    throw new TokenError('token-malformed', `The token's ${name} must be a number: seconds since 1970`);
  }
  if (time > MAX_TIME_SECONDS) {
    const message = `The token's ${name} is ${time}: it must be in seconds since 1970, not in milliseconds`;
    throw new TokenError('token-malformed', message);
  }
  return time;
}

function secondsText(seconds: number): string {
  return `${Math.ceil(seconds)} s`;
}

function clockText(clockToleranceSeconds: number): string {
  return `set the clocks of issuer and broker by NTP, or allow for the difference (auth.jwt.clockToleranceSeconds, now ${clockToleranceSeconds})`;
}

function verifyIssuer({ issuers }: TokenPolicy, { iss }: Claims): void {
  if (issuers.length === 0 || issuers.some((issuer) => issuer === iss)) return;
  const message = `The token's issuer (iss) is ${shown(iss)}, but the app takes tokens of ${listed(issuers)} (auth.jwt.issuer)`;
  throw new TokenError('token-issuer', message);
}

function verifyAudience({ audiences }: TokenPolicy, { aud }: Claims): void {
  const given: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  if (audiences.length === 0 || audiences.some((audience) => given.includes(audience))) return;
  const message = `The token is for (aud) ${shown(aud)}, but the app takes tokens for ${listed(audiences)} (auth.jwt.audience)`;
  throw new TokenError('token-audience', message);
}

function shown(value: unknown): string {
  if (value === undefined) return 'not given';
  return quote(typeof value === 'string' ? value : (encodeJson(value) ?? 'nested too deeply'));
}

function listed(values: readonly string[]): string {
  return quote(values.join(' or '), 300);
}

function userIdOf(value: unknown, path: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  const userId = Number.isSafeInteger(value) ? String(value) : value;
  if (isUserId(userId)) return userId;
  const message = `The token's ${path} can't be a user id: it must be a string of 1 to ${MAX_USER_ID_LENGTH} characters without control characters, or an integer below 2^53 (auth.jwt.claims.userId)`;
  throw new TokenError('token-user', message);
}

/**
 * The roles at the first path that has a value. A list has one role per entry. A string is one role, including its
 * spaces; but in a claim named `scope` or `scp` each word is a role.
 */
function rolesOf(claims: Claims, paths: readonly string[]): readonly string[] {
  for (const path of paths) {
    const value = claimAt(claims, path);
    if (value === undefined || value === null) continue;
    if (typeof value === 'string' && SPACED_CLAIM.test(path)) return value.split(' ').filter((word) => word !== '');
    return textsOf(value);
  }
  return [];
}

export const SECRET_ALGORITHMS = ['HS256', 'HS384', 'HS512'] as const;
export const PUBLIC_KEY_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
] as const;
/** Every algorithm that a token may be signed with; `none` is not one. */
export const TOKEN_ALGORITHMS = [...SECRET_ALGORITHMS, ...PUBLIC_KEY_ALGORITHMS] as const;
/** RFC 7518, 3.3: "A key of size 2048 bits or larger MUST be used". */
export const MIN_RSA_BITS = 2048;

export type TokenAlgorithm = (typeof TOKEN_ALGORITHMS)[number];

/** A key that tokens of an app may be signed with. */
export interface TokenKey {
  /** A token whose header names another key is not checked with this one. Undefined: fits any. */
  readonly kid: string | undefined;
  /** A secret is never combined with an algorithm for public keys, nor a public key with one for secrets. */
  readonly algorithms: readonly TokenAlgorithm[];
  readonly key: KeyObject;
}

/** How an app's tokens are checked, and which claims describe the holder. */
export interface TokenPolicy {
  readonly keys: readonly TokenKey[];
  /** Where further public keys are published (RFC 7517). */
  readonly jwksUrl: string | undefined;
  /** Those allowed for keys of `jwksUrl`: algorithms of public keys only. */
  readonly jwksAlgorithms: readonly TokenAlgorithm[];
  /** `iss` must be one of these; empty: not checked. */
  readonly issuers: readonly string[];
  /** `aud` must contain one of these; empty: not checked. */
  readonly audiences: readonly string[];
  /** How far the clock of whoever signs may be off. */
  readonly clockToleranceSeconds: number;
  /** Refuse tokens without an expiry. */
  readonly requireExpiry: boolean;
  readonly claims: TokenClaims;
  /** Cookie that the auth endpoints take a token from; undefined: none. */
  readonly cookie: string | undefined;
}

/** Dotted paths of claims. The first one that is present counts. */
export interface TokenClaims {
  readonly userId: string;
  readonly roles: readonly string[];
  readonly userInfo: string;
  readonly watchlist: string;
}
