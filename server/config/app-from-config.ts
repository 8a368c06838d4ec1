import { createSecretKey } from 'node:crypto';
import { ChannelPattern } from '../../auth/channel-pattern.ts';
import type { Audience, ChannelRule } from '../../auth/channel-rules.ts';
import {
  PUBLIC_KEY_ALGORITHMS,
  SECRET_ALGORITHMS,
  type TokenAlgorithm,
  type TokenKey,
  type TokenPolicy,
} from '../../auth/token-claims.ts';
import type { App, AppLimits } from '../../channels/app.ts';
import type { CoalescingRule } from '../../channels/coalescer.ts';
import {
  type AppOptionName,
  type AppOptions,
  type CoalescingOptions,
  isLimitOption,
  keyPairsOf,
  type LimitOption,
} from './app-options.ts';
import {
  type AudienceOption,
  type ChannelRuleOptions,
  parsePublicKey,
  type TokenOptions,
} from './authorization-options.ts';
import type { Settings } from './schema.ts';
import { createWebhooks } from './webhook-options.ts';

/** The apps that the settings list. */
export function createApps(settings: Settings): App[] {
  const { array, guestWebhooks = [] } = settings.appManager;
  return array.apps.map((options) => createApp(options, settings, !guestWebhooks.includes(options.id)));
}

/**
 * The app as the broker knows it: what its options leave open comes from the settings of all apps.
 *
 * @param isTrusted - its webhooks stand in the configuration, so that the operator wants them where they are
 */
export function createApp(options: AppOptions, settings: Settings, isTrusted = false): App {
  const { auth, channels, coalescing, webhooks } = options;
  return {
    ...plainOptions(options),
    keys: keyPairsOf(options),
    tokens: auth?.jwt && createTokenPolicy(auth.jwt),
    channelRules: channels.map(createChannelRule),
    coalescing: coalescing.map(createCoalescingRule),
    webhooks: createWebhooks(webhooks),
    allowsPrivateTargets: isTrusted || settings.webhooks.allowPrivateTargets,
    encryptionMasterKey: masterKeyOf(options),
    limits: createLimits(options, settings),
  };
}

/** Options that become something else, or are for people. */
const NOT_PLAIN = ['key', 'secret', 'keys', 'name', 'auth', 'channels', 'coalescing', 'webhooks'] as const;
type PlainOptions = Omit<AppOptions, LimitOption | (typeof NOT_PLAIN)[number]>;

/** What the broker takes as it is written. */
function plainOptions(options: AppOptions): PlainOptions {
  const isPlain = (name: string): boolean =>
    !isLimitOption(name as AppOptionName) && !NOT_PLAIN.some((other) => other === name);
  return Object.fromEntries(Object.entries(options).filter(([name]) => isPlain(name))) as PlainOptions;
}

type LimitOptions = Partial<Pick<AppOptions, LimitOption>>;

/** The limits of an app; without options those of an app that sets none. */
export function createLimits(options: LimitOptions, settings: Settings): AppLimits {
  const { presence, channelLimits, eventLimits, clientEvents } = settings;
  return {
    maxConnections: options.maxConnections ?? -1,
    maxBackendEventsPerSecond: options.maxBackendEventsPerSecond ?? -1,
    maxClientEventsPerSecond: options.maxClientEventsPerSecond ?? clientEvents.maxPerSecondPerConnection,
    maxAppClientEventsPerSecond: options.maxAppClientEventsPerSecond ?? -1,
    maxReadRequestsPerSecond: options.maxReadRequestsPerSecond ?? -1,
    maxPresenceMembersPerChannel: options.maxPresenceMembersPerChannel ?? presence.maxMembersPerChannel,
    maxPresenceMemberBytes: bytesOf(options.maxPresenceMemberSizeInKb ?? presence.maxMemberSizeInKb),
    maxChannelNameLength: options.maxChannelNameLength ?? channelLimits.maxNameLength,
    maxEventChannelsAtOnce: options.maxEventChannelsAtOnce ?? eventLimits.maxChannelsAtOnce,
    maxEventNameLength: options.maxEventNameLength ?? eventLimits.maxNameLength,
    maxEventPayloadBytes: bytesOf(options.maxEventPayloadInKb ?? eventLimits.maxPayloadInKb),
    maxEventBatchSize: options.maxEventBatchSize ?? eventLimits.maxBatchSize,
    cacheTtlSeconds: options.cacheTtl ?? channelLimits.cacheTtl,
  };
}

function createCoalescingRule({ name, milliseconds }: CoalescingOptions): CoalescingRule {
  return { pattern: new ChannelPattern(name), milliseconds };
}

function masterKeyOf({ auth }: AppOptions): Uint8Array | undefined {
  return auth?.encryptionMasterKey === undefined ? undefined : Buffer.from(auth.encryptionMasterKey, 'base64');
}

function bytesOf(kilobytes: number): number {
  return Math.floor(kilobytes * 1024);
}

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
