import jwt from 'jsonwebtoken';
import type { Claims } from '../../auth/channel-pattern.ts';
import { SECRET_ALGORITHMS, type TokenAlgorithm, type TokenKey, type TokenPolicy } from '../../auth/token-policy.ts';
import type { App } from '../../channels/app.ts';
import { isJsonObject, type JsonObject } from '../../protocol/json.ts';
import { DevelopmentTokenError } from './token-values.ts';

/** What a token for development is to say. */
export interface DevelopmentToken {
  readonly userId?: string | undefined;
  readonly roles: readonly string[];
  readonly ttlSeconds: number;
  /** Goes where the app looks for facts about the user. */
  readonly userInfo?: JsonObject | undefined;
  /** Further claims by name or dotted path; they win over all others. */
  readonly claims: ReadonlyMap<string, unknown>;
}

/**
 * Signs a token which the app takes, with the first of its secrets. What it says stands where the app looks for it.
 *
 * @param nowSeconds - seconds since 1970
 * @throws {DevelopmentTokenError} the app takes no tokens, or has no secret; a claim has no place
 */
export function signDevelopmentToken(app: App, token: DevelopmentToken, nowSeconds: number): string {
  const policy = app.tokens;
  if (policy === undefined) {
    throw new DevelopmentTokenError(
      `app ${app.id} takes no tokens: add "auth": { "jwt": { "keys": [{ "secret": "…" }] } } to its options`,
    );
  }
  const { key, kid, algorithm } = signingKey(policy, app.id);
  const header = kid === undefined ? { alg: algorithm } : { alg: algorithm, kid };
  // As text, so that it says whatever it is told to, an end in the past included.
  return jwt.sign(JSON.stringify(claimsOf(policy, token, nowSeconds)), key, { algorithm, header });
}

function signingKey(
  { keys }: TokenPolicy,
  appId: string,
): Pick<TokenKey, 'key' | 'kid'> & { algorithm: TokenAlgorithm } {
  for (const { key, kid, algorithms } of keys) {
    const algorithm = SECRET_ALGORITHMS.find((name) => algorithms.includes(name));
    if (key.type === 'secret' && algorithm !== undefined) return { key, kid, algorithm };
  }
  throw new DevelopmentTokenError(
    `app ${appId} has no secret to sign with: its tokens come from an issuer with a private key. ` +
      'For development add { "secret": "…" } to its auth.jwt.keys (and HS256 to auth.jwt.algorithms, where that is set)',
  );
}

function claimsOf(policy: TokenPolicy, token: DevelopmentToken, nowSeconds: number): Claims {
  const { userId, roles, userInfo, ttlSeconds } = token;
  const [issuer] = policy.issuers;
  const [audience] = policy.audiences;
  const [rolesPath] = policy.claims.roles;
  const claims: Record<string, unknown> = {};
  const issuedAt = Math.floor(nowSeconds);
  for (const [path, value] of [
    ['iss', issuer],
    ['aud', audience],
    ['iat', issuedAt],
    ['exp', issuedAt + ttlSeconds],
    [policy.claims.userId, userId],
    [rolesPath, roles.length === 0 ? undefined : roles],
    [policy.claims.userInfo, userInfo],
    ...token.claims,
  ] as const) {
    if (path !== undefined && value !== undefined) put(claims, path, value);
  }
  return claims;
}

/** A dotted path leads into objects, but the name of a claim that is a URL has dots of its own. */
function put(claims: Record<string, unknown>, path: string, value: unknown): void {
  const names = path.includes('/') ? [path] : path.split('.');
  const last = names.pop() ?? '';
  let section = claims;
  for (const name of names) {
    if (!Object.hasOwn(section, name)) define(section, name, {});
    const next = section[name];
    if (!isJsonObject(next))
      throw new DevelopmentTokenError(`the claim ${path} has no place: ${name} is not an object`);
    section = next as Record<string, unknown>;
  }
  define(section, last, value);
}

/** An assignment would not do for `__proto__`. */
function define(section: object, name: string, value: unknown): void {
  Object.defineProperty(section, name, { value, enumerable: true, configurable: true, writable: true });
}
