import { createPublicKey, type KeyObject } from 'node:crypto';
import * as z from 'zod';
import { ChannelPattern } from '../../auth/channel-pattern.ts';
import {
  MIN_RSA_BITS,
  PUBLIC_KEY_ALGORITHMS,
  SECRET_ALGORITHMS,
  TOKEN_ALGORITHMS,
  type TokenAlgorithm,
} from '../../auth/token-claims.ts';
import { about, filled, text, upToAnHour } from './setting.ts';

/** One text, or a list of them. */
const oneOrMore = () =>
  z
    .union([filled(), z.array(filled())], { error: 'expected a text or a list of texts' })
    .transform((value) => [value].flat());
const algorithms = () => z.array(z.enum(TOKEN_ALGORITHMS)).min(1, 'must name one at least').optional();

/** Of HMAC-SHA256 no fewer bytes than the hash has (RFC 7518, 3.2). */
const MIN_SECRET_LENGTH = 32;
const SHORT_SECRET = `has fewer than ${MIN_SECRET_LENGTH} characters: whoever has one token can try secrets until one fits. openssl rand -base64 32 makes a good one`;

const PEM = /-----BEGIN [A-Z ]+-----/;

/** Whether that is what is wrong with a secret. */
function isShort(secret: string): boolean {
  return secret !== '' && secret.length < MIN_SECRET_LENGTH && !PEM.test(secret);
}

const publicKeySchema = filled().superRefine((pem, context) => {
  const parsed = tryParse(pem);
  if (pem !== '' && parsed instanceof TypeError) context.addIssue({ code: 'custom', message: parsed.message });
});

/** A key that tokens may be signed with. One of `secret`, `publicKey` and `publicKeyFile`. */
export const tokenKeySchema = z
  .strictObject({
    kid: about(
      filled().optional(),
      'The key that a token names in its header as `kid`. A token that names another is not checked with this one.',
    ),
    secret: about(
      filled()
        .refine((value) => !PEM.test(value), {
          error: 'is a key in PEM, of which no secret can be made: a public key goes into publicKey',
        })
        .optional(),
      'Secret for HS256, HS384 and HS512; 32 characters or more.',
      { secret: 'always' },
    ),
    publicKey: about(
      publicKeySchema.optional(),
      'Public key, or a certificate with one, as PEM: RSA from 2048 bits on, or EC on P-256, P-384 or P-521.',
      { secret: 'always' },
    ),
    publicKeyFile: about(
      filled().optional(),
      'PEM file with the key instead. A relative path starts at the folder of the configuration file (in a variable, at the working directory). It is read again when it changes. Only in files and variables.',
    ),
    algorithms: about(algorithms(), 'Which of the algorithms that fit the key are accepted. Unset: all of them.'),
  })
  .superRefine((key, context) => {
    const given = [key.secret, key.publicKey, key.publicKeyFile].filter((value) => value !== undefined);
    if (given.length !== 1) {
      context.addIssue({ code: 'custom', message: 'needs one of secret, publicKey and publicKeyFile' });
      return;
    }
    if (key.secret !== undefined && isShort(key.secret)) {
      context.addIssue({ code: 'custom', path: ['secret'], message: SHORT_SECRET });
    }
    const fitting = fittingAlgorithms(key);
    for (const [index, algorithm] of (key.algorithms ?? []).entries()) {
      if (fitting === undefined || fitting.includes(algorithm)) continue;
      const message = `${algorithm} goes with ${key.secret === undefined ? 'another kind of key' : 'a public key, not with a secret'} (possible here: ${fitting.join(', ')})`;
      context.addIssue({ code: 'custom', path: ['algorithms', index], message });
    }
  });

const claimsSchema = z.strictObject({
  userId: about(filled().default('sub'), 'Claim with the id of the user. A dot leads into an object.'),
  roles: about(
    oneOrMore().default(['roles', 'role']),
    'Claim with the roles, a list or a string; of several names the first one present counts. Keycloak: `realm_access.roles`.',
  ),
  userInfo: about(
    filled().default('user_info'),
    'Claim with what others in a presence channel see of the user: any JSON.',
  ),
  watchlist: about(filled().default('watchlist'), 'Claim with the ids of users whom a signed-in user watches.'),
});

export const tokenOptionsSchema = z
  .strictObject({
    keys: about(z.array(tokenKeySchema).default([]), 'Keys that tokens may be signed with.', { secret: 'always' }),
    jwksUrl: about(
      z.url({ protocol: /^https?$/, error: 'must be a URL that begins with https:// or http://' }).optional(),
      'Where the issuer publishes its public keys (JWKS). They are fetched when they are needed, and kept.',
    ),
    algorithms: about(algorithms(), 'The only algorithms accepted. Unset: those that fit each key; `none` never.'),
    issuer: about(oneOrMore().default([]), 'The claim `iss` must be this, or one of these. Empty: not checked.'),
    audience: about(oneOrMore().default([]), 'The claim `aud` must contain this, or one of these. Empty: not checked.'),
    clockToleranceSeconds: about(
      upToAnHour().default(0),
      'Seconds that the clock of the issuer may be off, up to 3600.',
    ),
    requireExpiry: about(z.boolean().default(true), 'Refuse tokens without `exp`, which never end.'),
    claims: about(claimsSchema.prefault({}), 'Which claims say who the user is.'),
    cookie: about(
      filled()
        .regex(/^[\w!#$%&'*+.^`|~-]+$/, 'must be the name of a cookie')
        .optional(),
      'Cookie that the auth endpoints take a token from. Unset: none.',
    ),
  })
  .superRefine(({ keys, jwksUrl, algorithms: allowed }, context) => {
    if (keys.length === 0 && jwksUrl === undefined) {
      context.addIssue({ code: 'custom', message: 'needs keys, or a jwksUrl: without one no token can be checked' });
    }
    if (allowed === undefined || allowed.length === 0) return;
    for (const [index, key] of keys.entries()) {
      const fitting = fittingAlgorithms(key)?.filter((name) => key.algorithms?.includes(name) ?? true);
      if (fitting === undefined || fitting.some((name) => allowed.includes(name))) continue;
      const message = `would never be used: its ${fitting.join(', ')} is not among auth.jwt.algorithms`;
      context.addIssue({ code: 'custom', path: ['keys', index], message });
    }
    if (jwksUrl !== undefined && allowed.every((name) => SECRET_ALGORITHMS.some((secret) => secret === name))) {
      const message = 'would never be used: auth.jwt.algorithms has none of public keys';
      context.addIssue({ code: 'custom', path: ['jwksUrl'], message });
    }
  });

export const authOptionsSchema = z.strictObject({
  jwt: about(tokenOptionsSchema.optional(), 'How tokens of the users are checked. Unset: the app takes none.'),
  encryptionMasterKey: about(
    text()
      .refine((value) => /^[A-Za-z0-9+/]{43}=$/.test(value), {
        error: 'must be 32 bytes in Base64 (openssl rand -base64 32)',
      })
      .optional(),
    'Master key from which the auth endpoints derive the keys of encrypted channels: 32 bytes in Base64, the same as in the application. Unset: they open no encrypted channels.',
    { secret: 'always' },
  ),
});

const audienceSchema = z.union(
  [
    z.enum(['anyone', 'application', 'token', 'own']),
    z
      .strictObject({
        roles: z
          .union([filled(), z.array(filled()).min(1, 'must name one at least')], {
            error: 'expected a role or a list of roles',
          })
          .transform((value) => [value].flat())
          .optional(),
        own: z.boolean().default(false),
      })
      .refine(({ roles, own }) => own || roles !== undefined, {
        error: 'asks for nothing, and so would let every token in: add roles, or write "token"',
      }),
  ],
  { error: 'expected anyone, application, token, own or { "roles": [...] }' },
);
const audiences = () =>
  z
    .union([audienceSchema, z.array(audienceSchema)], {
      error: 'expected anyone, application, token, own, { "roles": [...] } or a list of those',
    })
    .transform((value) => [value].flat() as z.output<typeof audienceSchema>[])
    .optional();

export const channelRuleSchema = z
  .strictObject({
    name: about(
      filled().refine(isPattern, { error: 'has a { without its }, or nothing between them' }),
      'Name of the channels: `*` stands for any characters, `{sub}` for what that claim of a token says.',
    ),
    subscribe: about(
      audiences(),
      'Who may subscribe. Unset: `own` where the name holds a claim; else `application` for private and presence channels, `anyone` for others.',
    ),
    clientEvents: about(audiences(), 'Who of the subscribers may send client events. Unset: `anyone`.'),
    publish: about(audiences(), 'Who may publish over HTTP. Unset: `application`.'),
  })
  .superRefine(({ name, ...who }, context) => {
    if (!isPattern(name)) return;
    const [claim] = new ChannelPattern(name).claims;
    const lists = Object.entries(who).filter(([, given]) => given !== undefined);
    const asking = lists.find(([, given]) =>
      // What is wrong in itself comes as it was written.
      [given ?? []].flat().some((audience) => audience === 'own' || (typeof audience === 'object' && audience.own)),
    );
    if (asking !== undefined && claim === undefined) {
      const message = '"own" needs a claim in the name, as in private-user.{sub}';
      context.addIssue({ code: 'custom', path: [asking[0]], message });
    } else if (asking === undefined && claim !== undefined && who.subscribe !== undefined) {
      const message = `nothing in this rule asks for "own", so that {${claim}} would let everyone in: add own, or write *`;
      context.addIssue({ code: 'custom', path: ['subscribe'], message });
    }
  });

/** Rules in their order. */
export const channelRulesSchema = z.array(channelRuleSchema);

export type TokenOptions = z.output<typeof tokenOptionsSchema>;
export type AuthOptions = z.output<typeof authOptionsSchema>;
export type ChannelRuleOptions = z.output<typeof channelRuleSchema>;
export type AudienceOption = z.output<typeof audienceSchema>;

function isPattern(name: string): boolean {
  try {
    new ChannelPattern(name);
    return true;
  } catch {
    return false;
  }
}

function tryParse(pem: string): PublicTokenKey | TypeError {
  try {
    return parsePublicKey(pem);
  } catch (error) {
    if (error instanceof TypeError) return error;
    throw error;
  }
}

/** Undefined where the key itself is not there, or is wrong. */
function fittingAlgorithms(key: {
  secret?: string | undefined;
  publicKey?: string | undefined;
}): readonly TokenAlgorithm[] | undefined {
  if (key.secret !== undefined) return SECRET_ALGORITHMS;
  const parsed = key.publicKey === undefined ? undefined : tryParse(key.publicKey);
  return parsed === undefined || parsed instanceof TypeError ? undefined : parsed.algorithms;
}

const CURVES: Readonly<Record<string, { readonly name: string; readonly algorithm: TokenAlgorithm }>> = {
  prime256v1: { name: 'P-256', algorithm: 'ES256' },
  secp384r1: { name: 'P-384', algorithm: 'ES384' },
  secp521r1: { name: 'P-521', algorithm: 'ES512' },
};

/** A public key, and what tokens signed with its other half may say of how they are. */
export interface PublicTokenKey {
  readonly key: KeyObject;
  readonly algorithms: readonly TokenAlgorithm[];
  /** `RSA, 2048 bits`, `EC, P-256`. */
  readonly description: string;
}

/**
 * Reads a public key, or a certificate that holds one.
 *
 * @param pem - PEM text
 * @throws {TypeError} why no token can be checked with it; the text is fit to follow the name of a setting
 */
export function parsePublicKey(pem: string): PublicTokenKey {
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)) {
    throw new TypeError(
      'holds a private key, which has no place here: make the public one of it with openssl pkey -pubout',
    );
  }
  const key = readKey(pem);
  const { asymmetricKeyType: type, asymmetricKeyDetails: { modulusLength = 0, namedCurve = '' } = {} } = key;
  if (type === 'rsa') {
    if (modulusLength < MIN_RSA_BITS) {
      throw new TypeError(`is an RSA key of ${modulusLength} bits: it must have ${MIN_RSA_BITS} at least`);
    }
    const algorithms = PUBLIC_KEY_ALGORITHMS.filter((name) => !name.startsWith('ES'));
    return { key, algorithms, description: `RSA, ${modulusLength} bits` };
  }
  const curve = type === 'ec' ? CURVES[namedCurve] : undefined;
  if (curve === undefined) {
    const what = type === 'ec' ? `an EC key on the curve ${namedCurve}` : `a key of the type ${type}`;
    throw new TypeError(`is ${what}: it must be RSA, or EC on P-256, P-384 or P-521`);
  }
  return { key, algorithms: [curve.algorithm], description: `EC, ${curve.name}` };
}

function readKey(pem: string): KeyObject {
  try {
    return createPublicKey(pem);
  } catch (cause) {
    throw new TypeError('is not a public key in PEM (-----BEGIN PUBLIC KEY-----)', { cause });
  }
}
