import type { CoalescingOptions } from './app-options.ts';
import type { AudienceOption, AuthOptions, ChannelRuleOptions, TokenOptions } from './authorization-options.ts';
import type { FeedOptions } from './feed-options.ts';
import { maskSecrets } from './mask.ts';
import { parsePublicKey } from './token-key.ts';

/** A part of a setting, `jwt.keys.0`, and its value as people are shown it. */
type Part = readonly [path: string, value: string];

/** What is set of an option of an app that is an object or a list, one line for each part, secrets masked. */
export function describeStructure(option: string, value: unknown): readonly Part[] {
  switch (option) {
    case 'auth':
      return describeAuth(value as AuthOptions);
    case 'feeds':
      return describeFeeds(value as FeedOptions[]);
    case 'coalescing':
      return describeCoalescing(value as CoalescingOptions[]);
    default:
      return describeChannels(value as ChannelRuleOptions[]);
  }
}

function describeAuth({ jwt, encryptionMasterKey }: AuthOptions): readonly Part[] {
  const masterKey: Part[] = encryptionMasterKey === undefined ? [] : [['encryptionMasterKey', '•••']];
  if (jwt === undefined) return masterKey;
  const { keys, ...others } = jwt;
  const parts = Object.entries(others).flatMap(([name, value]): Part[] => {
    const isUnset = value === undefined || (Array.isArray(value) && value.length === 0);
    return isUnset ? [] : [[`jwt.${name}`, showValue(value)]];
  });
  return [...keys.map((key, index): Part => [`jwt.keys.${index}`, describeKey(key)]), ...parts, ...masterKey];
}

function describeChannels(rules: readonly ChannelRuleOptions[]): readonly Part[] {
  return rules.map((rule, index) => [String(index), describeRule(rule)]);
}

function describeFeeds(feeds: readonly FeedOptions[]): readonly Part[] {
  return feeds.map(({ path, channel, format, last, echo }, index) => {
    const switches = [...(last ? ['last'] : []), ...(echo ? ['echo'] : [])];
    return [String(index), [`${path} reads ${channel}`, `format ${format}`, ...switches].join(', ')];
  });
}

function describeCoalescing(rules: readonly CoalescingOptions[]): readonly Part[] {
  return rules.map(({ name, milliseconds }, index) => [String(index), `${JSON.stringify(name)}, ${milliseconds} ms`]);
}

function describeKey({ kid, secret, publicKey = '', algorithms }: TokenOptions['keys'][number]): string {
  const what = secret === undefined ? `public key (${parsePublicKey(publicKey).description})` : 'secret •••';
  return [
    ...(kid === undefined ? [] : [`kid ${JSON.stringify(kid)}`]),
    what,
    ...(algorithms === undefined ? [] : [algorithms.join(' ')]),
  ].join(', ');
}

function describeRule({ name, subscribe, clientEvents, publish }: ChannelRuleOptions): string {
  const lists = Object.entries({ subscribe, clientEvents, publish }).flatMap(([what, audiences]) =>
    audiences === undefined ? [] : [`${what} ${audiences.map(describeAudience).join(' or ') || 'application'}`],
  );
  return [JSON.stringify(name), ...lists].join(', ');
}

function describeAudience(audience: AudienceOption): string {
  if (typeof audience === 'string') return audience;
  const { roles, own } = audience;
  const parts = [...(roles === undefined ? [] : [`role ${roles.join('/')}`]), ...(own ? ['own'] : [])];
  return parts.join(' and ') || 'token';
}

function showValue(value: unknown): string {
  if (Array.isArray(value)) return value.map((item) => maskSecrets(String(item))).join(', ');
  return maskSecrets(JSON.stringify(value));
}
