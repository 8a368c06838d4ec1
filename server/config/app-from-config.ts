import { ChannelPattern } from '../../auth/channel-pattern.ts';
import type { App, AppLimits } from '../../channels/app.ts';
import type { CoalescingRule } from '../../channels/coalescer.ts';
import type { AppOptions } from './app-options.ts';
import { createChannelRule, createTokenPolicy } from './authorization-from-config.ts';
import type { CoalescingOptions } from './coalescing-options.ts';
import type { Settings } from './schema.ts';

/** The apps that the settings list. */
export function createApps(settings: Settings): App[] {
  return settings.appManager.array.apps.map((options) => createApp(options, settings));
}

/** The app as the broker knows it: what its options leave open comes from the settings of all apps. */
export function createApp(options: AppOptions, settings: Settings): App {
  return {
    id: options.id,
    keys: keyPairsOf(options),
    enabled: options.enabled,
    forceTls: options.forceTls,
    allowedOrigins: options.allowedOrigins,
    allowMissingOrigin: options.allowMissingOrigin,
    enableClientMessages: options.enableClientMessages,
    enableUserAuthentication: options.enableUserAuthentication,
    enableSubscriptionCountEvents: options.enableSubscriptionCountEvents,
    enableWatchlistEvents: options.enableWatchlistEvents,
    tokens: options.auth?.jwt && createTokenPolicy(options.auth.jwt),
    channelRules: options.channels.map(createChannelRule),
    feeds: options.feeds,
    coalescing: options.coalescing.map(createCoalescingRule),
    encryptionMasterKey: masterKeyOf(options),
    limits: createLimits(options, settings),
  };
}

type LimitOption = Extract<keyof AppOptions, `max${string}` | 'cacheTtl'>;
type LimitOptions = Partial<Pick<AppOptions, LimitOption>>;

/** Whether an option is a number that bounds the app, and not one of what it is or may do. */
export function isLimitOption(name: keyof AppOptions): name is LimitOption {
  return name.startsWith('max') || name === 'cacheTtl';
}

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

/** The pair of `key` and `secret` first, then `keys`; a pair given twice counts once. */
export function keyPairsOf(options: Partial<Pick<AppOptions, 'key' | 'secret' | 'keys'>>): AppOptions['keys'] {
  const { key, secret, keys = [] } = options;
  if (key === undefined || secret === undefined) return keys;
  return [{ key, secret }, ...keys.filter((pair) => pair.key !== key || pair.secret !== secret)];
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
