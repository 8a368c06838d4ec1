import { createSecretKey } from 'node:crypto';
import { ChannelPattern } from '../../auth/channel-pattern.ts';
import type { Audience, ChannelRule } from '../../auth/channel-rules.ts';
import {
  PUBLIC_KEY_ALGORITHMS,
  SECRET_ALGORITHMS,
  type TokenAlgorithm,
  type TokenKey,
  type TokenPolicy,
} from '../../auth/token-policy.ts';
import type { AudienceOption, ChannelRuleOptions, TokenOptions } from './authorization-options.ts';
import { parsePublicKey } from './token-key.ts';

/** @throws {TypeError} a key that is none, or is in a file that was not read */
export function createTokenPolicy(options: TokenOptions): TokenPolicy {
  const { algorithms, keys, jwksUrl, issuer, audience, clockToleranceSeconds, requireExpiry, claims, cookie } = options;
  const isAllowed = (algorithm: TokenAlgorithm): boolean => algorithms?.includes(algorithm) ?? true;
  return {
    keys: keys.map((key) => createTokenKey(key, isAllowed)),
    jwksUrl,
    jwksAlgorithms: PUBLIC_KEY_ALGORITHMS.filter(isAllowed),
    issuers: issuer,
    audiences: audience,
    clockToleranceSeconds,
    requireExpiry,
    claims,
    cookie,
  };
}

function createTokenKey(
  { kid, secret, publicKey = '', algorithms }: TokenOptions['keys'][number],
  isAllowed: (algorithm: TokenAlgorithm) => boolean,
): TokenKey {
  if (secret !== undefined) {
    const key = createSecretKey(Buffer.from(secret));
    return { kid, key, algorithms: (algorithms ?? SECRET_ALGORITHMS).filter(isAllowed) };
  }
  const { key, algorithms: possible } = parsePublicKey(publicKey);
  return { kid, key, algorithms: (algorithms ?? possible).filter((one) => possible.includes(one) && isAllowed(one)) };
}

export function createChannelRule({ name, subscribe, clientEvents, publish }: ChannelRuleOptions): ChannelRule {
  const pattern = new ChannelPattern(name);
  return {
    pattern,
    subscribe: subscribe?.map(createAudience) ?? [defaultAudience(pattern)],
    clientEvents: clientEvents?.map(createAudience) ?? [{ kind: 'anyone' }],
    publish: publish?.map(createAudience) ?? [{ kind: 'application' }],
  };
}

/** A name that holds claims says by itself for whom it is. */
function defaultAudience({ claims }: ChannelPattern): Audience {
  return claims.length > 0 ? { kind: 'holder', roles: undefined, isOwn: true } : { kind: 'public' };
}

function createAudience(option: AudienceOption): Audience {
  if (option === 'own') return { kind: 'holder', roles: undefined, isOwn: true };
  return typeof option === 'string' ? { kind: option } : { kind: 'holder', roles: option.roles, isOwn: option.own };
}
