import type { KeyObject } from 'node:crypto';

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
  /** A secret never stands beside an algorithm of public keys, nor the other way round. */
  readonly algorithms: readonly TokenAlgorithm[];
  readonly key: KeyObject;
}

/** How an app's tokens are checked, and where in them it is said who holds them. */
export interface TokenPolicy {
  readonly keys: readonly TokenKey[];
  /** Where further public keys are published (RFC 7517). */
  readonly jwksUrl: string | undefined;
  /** Those allowed for keys of `jwksUrl`: algorithms of public keys only. */
  readonly jwksAlgorithms: readonly TokenAlgorithm[];
  /** `iss` has to be one of these; empty: it is not looked at. */
  readonly issuers: readonly string[];
  /** `aud` has to hold one of these; empty: it is not looked at. */
  readonly audiences: readonly string[];
  /** How far the clock of whoever signs may be off. */
  readonly clockToleranceSeconds: number;
  /** Refuse tokens that never end. */
  readonly requireExpiry: boolean;
  readonly claims: TokenClaims;
  /** Cookie that the auth endpoints take a token from; undefined: none. */
  readonly cookie: string | undefined;
}

/** Dotted paths of claims. Of several the first that is there counts. */
export interface TokenClaims {
  readonly userId: string;
  readonly roles: readonly string[];
  readonly userInfo: string;
  readonly watchlist: string;
}
