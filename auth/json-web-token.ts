import jwt from 'jsonwebtoken';
import { isJsonObject, parseJson, quote } from '../protocol/json.ts';
import type { Claims } from './channel-pattern.ts';
import { type Grant, TokenError } from './grant.ts';
import { grantFrom, SECRET_ALGORITHMS, type TokenAlgorithm, type TokenKey, type TokenPolicy } from './token-claims.ts';

/** Longest token that is read, `Bearer ` included. Browsers limit headers to less. */
export const MAX_TOKEN_BYTES = 16 * 1024;

const BEARER = /^Bearer +/i;
const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]*$/;
const UTF_8 = new TextDecoder('utf-8', { fatal: true });

/** What a token says about how it is signed. */
export interface TokenHeader {
  readonly alg: TokenAlgorithm;
  /** The key that it is signed with. */
  readonly kid: string | undefined;
}

/** A token that has been read, but not verified: nothing in it can be trusted. */
export interface UnverifiedToken {
  /** Without `Bearer `. */
  readonly text: string;
  readonly header: TokenHeader;
  readonly unverifiedClaims: Claims;
  /** JSON text of the claims. */
  readonly payload: string;
}

/** Removes the `Bearer ` of an `Authorization` header. */
export function withoutBearer(auth: string): string {
  return auth.replace(BEARER, '');
}

/**
 * Distinguishes a token from a signature of the application, `KEY:signature`. Also true of a damaged token, such
 * as a truncated one: `readToken` says what is wrong with it.
 */
export function isToken(auth: string): boolean {
  if (auth.includes(':')) return false;
  const token = withoutBearer(auth);
  // {" in Base64: how the header of every token begins.
  return token !== auth || token.startsWith('eyJ') || COMPACT.test(token);
}

/**
 * Reads a token without trusting it: checks its form, and whether the app accepts its algorithm.
 *
 * @param auth - as received, which may begin with `Bearer `
 * @throws {TokenError} `token-too-large`, `token-malformed`, `token-algorithm`
 */
export function readToken(policy: TokenPolicy, auth: string): UnverifiedToken {
  // A text has at least as many bytes as UTF-16 units.
  const length = auth.length > MAX_TOKEN_BYTES ? auth.length : Buffer.byteLength(auth);
  if (length > MAX_TOKEN_BYTES) {
    const message = `The token is ${length} bytes long, limit ${MAX_TOKEN_BYTES}: put fewer claims into it`;
    throw new TokenError('token-too-large', message);
  }
  const text = withoutBearer(auth);
  const parts = text.split('.');
  const [first = '', second = ''] = parts;
  if (parts.length !== 3) throw malformed(`it has ${parts.length} parts between dots`);
  if (!COMPACT.test(text)) throw malformed('a part is empty, or has characters that are not Base64url');
  const header = readHeader(policy, parseClaims(decode(first, 'header'), 'header'));
  const payload = decode(second, 'payload');
  return { text, header, unverifiedClaims: parseClaims(payload, 'payload'), payload };
}

/** Keys among these that may have signed a token: secrets only for HS256, HS384 and HS512, public keys only for the others. */
export function tokenKeysFor(keys: readonly TokenKey[], { alg, kid }: TokenHeader): readonly TokenKey[] {
  const type = isSecretAlgorithm(alg) ? 'secret' : 'public';
  return keys.filter(
    (key) =>
      key.key.type === type &&
      key.algorithms.includes(alg) &&
      (key.kid === undefined || kid === undefined || key.kid === kid),
  );
}

/**
 * Checks a token's signature, times and audience.
 *
 * @param keys - those that may have signed it (`tokenKeysFor`); one match is enough
 * @param nowSeconds - seconds since 1970
 * @throws {TokenError} 401
 */
export function verifyToken(
  policy: TokenPolicy,
  { text, header, unverifiedClaims, payload }: UnverifiedToken,
  keys: readonly TokenKey[],
  nowSeconds: number,
): Grant {
  if (keys.length === 0) throw unknownKey(header);
  if (!keys.some(({ key }) => isSignedWith(text, header, key))) {
    const message = `The token's signature (${keyText(header)}) is wrong: it was made with a different key than the app's, or the token was changed on the way`;
    throw new TokenError('token-signature', message);
  }
  return grantFrom(policy, unverifiedClaims, nowSeconds, payload);
}

function isSignedWith(text: string, { alg }: TokenHeader, key: TokenKey['key']): boolean {
  try {
    // grantFrom checks times and audience, with messages of our own.
    jwt.verify(text, key, { algorithms: [alg], ignoreExpiration: true, ignoreNotBefore: true });
    return true;
  } catch {
    return false;
  }
}

function readHeader(policy: TokenPolicy, { alg, kid, crit }: Claims): TokenHeader {
  const allowed = allowedAlgorithms(policy);
  const known = allowed.find((algorithm) => algorithm === alg);
  if (known === undefined) {
    const given = typeof alg === 'string' ? `signed with alg ${quote(alg, 40)}` : 'without an alg that is a string';
    const message = `Tokens ${given} are not accepted: the app allows ${allowed.join(', ') || 'none'} (auth.jwt.algorithms, and the types of its keys)`;
    throw new TokenError('token-algorithm', message);
  }
  // RFC 7515, 4.1.11: whoever does not understand what is critical must refuse.
  if (crit !== undefined) throw malformed('its header requires extensions (crit), and none is supported');
  if (kid !== undefined && typeof kid !== 'string') throw malformed('kid in its header must be text');
  return { alg: known, kid };
}

function allowedAlgorithms({ keys, jwksUrl, jwksAlgorithms }: TokenPolicy): readonly TokenAlgorithm[] {
  const published = jwksUrl === undefined ? [] : jwksAlgorithms.filter((algorithm) => !isSecretAlgorithm(algorithm));
  return [...new Set([...keys.flatMap(({ algorithms }) => algorithms), ...published])];
}

function isSecretAlgorithm(algorithm: TokenAlgorithm): boolean {
  return (SECRET_ALGORITHMS as readonly string[]).includes(algorithm);
}

function decode(part: string, what: string): string {
  try {
    return UTF_8.decode(Buffer.from(part, 'base64url'));
  } catch {
    throw malformed(`its ${what} is not UTF-8`);
  }
}

function parseClaims(text: string, what: string): Claims {
  const value = parseJson(text);
  if (!isJsonObject(value)) throw malformed(`its ${what} is not a JSON object`);
  return value;
}

function malformed(problem: string): TokenError {
  const message = `The token can't be read: ${problem}. Send it whole and unchanged, as header.payload.signature`;
  return new TokenError('token-malformed', message);
}

/** No key of the app, nor one that is published, may have signed it. */
export function unknownKey(header: TokenHeader): TokenError {
  const message = `The token is signed with a key that the app does not have (${keyText(header)}): see auth.jwt of the app`;
  return new TokenError('token-unknown-key', message);
}

function keyText({ alg, kid }: TokenHeader): string {
  return kid === undefined ? `${alg}, no kid` : `${alg}, kid ${quote(kid, 64)}`;
}
