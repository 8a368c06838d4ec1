import { createHmac, createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import jwt from 'jsonwebtoken';
import { PUBLIC_KEY_ALGORITHMS, SECRET_ALGORITHMS, type TokenKey, type TokenPolicy } from '../../auth/token-claims.ts';

export const SECRET = 'a secret of thirty-two characters';
/** Seconds since 1970 that tests of tokens take for now. */
export const NOW_SECONDS = 1_800_000_000;

export interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

export const rsaPair = (): KeyPair => generateKeyPairSync('rsa', { modulusLength: 2048 });
export const ecPair = (namedCurve = 'P-256'): KeyPair => generateKeyPairSync('ec', { namedCurve });

export function secretKey(fields: Partial<TokenKey> & { readonly secret?: string } = {}): TokenKey {
  const { secret = SECRET, ...others } = fields;
  return { kid: undefined, algorithms: SECRET_ALGORITHMS, key: createSecretKey(Buffer.from(secret)), ...others };
}

export function rsaKey({ publicKey }: KeyPair, fields: Partial<TokenKey> = {}): TokenKey {
  const algorithms = PUBLIC_KEY_ALGORITHMS.filter((name) => !name.startsWith('ES'));
  return { kid: undefined, algorithms, key: publicKey, ...fields };
}

/** One secret, any issuer and audience. */
export function tokenPolicy(fields: Partial<TokenPolicy> = {}): TokenPolicy {
  return {
    keys: [secretKey()],
    jwksUrl: undefined,
    jwksAlgorithms: PUBLIC_KEY_ALGORITHMS,
    issuers: [],
    audiences: [],
    clockToleranceSeconds: 0,
    requireExpiry: true,
    claims: { userId: 'sub', roles: ['roles', 'role'], userInfo: 'user_info', watchlist: 'watchlist' },
    cookie: undefined,
    ...fields,
  };
}

export interface Signing {
  readonly key?: KeyObject;
  readonly alg?: string;
  /** Beside `alg`. */
  readonly header?: Readonly<Record<string, unknown>>;
}

/** A token as an issuer signs it, whatever its claims are; good for a minute after `NOW_SECONDS` unless they say otherwise. */
export function sign(claims: object = {}, signing: Signing = {}): string {
  const { key = createSecretKey(Buffer.from(SECRET)), alg = 'HS256', header = {} } = signing;
  // As text: an issuer may write what jsonwebtoken would not.
  return jwt.sign(JSON.stringify({ exp: NOW_SECONDS + 60, ...claims }), key, {
    algorithm: alg as jwt.Algorithm,
    header: { ...header, alg },
  });
}

/** Bytes of any kind, signed with HS256. */
export function signBytes(header: unknown, payload: Uint8Array, secret: string | Buffer = SECRET): string {
  const signed = `${encodePart(header)}.${Buffer.from(payload).toString('base64url')}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

/** Three parts of any content, without a key. */
export function assemble(header: unknown, payload: unknown, signature = ''): string {
  return `${encodePart(header)}.${encodePart(payload)}.${signature}`;
}

export function encodePart(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
