import type { App } from '../../channels/app.ts';
import type { AppOptions } from './app-options.ts';
import type { Settings } from './schema.ts';

/** The app as the broker knows it: what its options leave open comes from the settings of all apps. */
export function createApp(options: AppOptions, settings: Settings): App {
  const { presence, channelLimits, eventLimits, clientEvents } = settings;
  return {
    id: options.id,
    keys: keyPairsOf(options),
    enabled: options.enabled,
    forceTls: options.forceTls,
    allowedOrigins: options.allowedOrigins,
    enableClientMessages: options.enableClientMessages,
    enableUserAuthentication: options.enableUserAuthentication,
    enableSubscriptionCountEvents: options.enableSubscriptionCountEvents,
    enableWatchlistEvents: options.enableWatchlistEvents,
    limits: {
      maxConnections: options.maxConnections,
      maxBackendEventsPerSecond: options.maxBackendEventsPerSecond,
      maxClientEventsPerSecond: options.maxClientEventsPerSecond ?? clientEvents.maxPerSecondPerConnection,
      maxAppClientEventsPerSecond: options.maxAppClientEventsPerSecond,
      maxReadRequestsPerSecond: options.maxReadRequestsPerSecond,
      maxPresenceMembersPerChannel: options.maxPresenceMembersPerChannel ?? presence.maxMembersPerChannel,
      maxPresenceMemberBytes: bytesOf(options.maxPresenceMemberSizeInKb ?? presence.maxMemberSizeInKb),
      maxChannelNameLength: options.maxChannelNameLength ?? channelLimits.maxNameLength,
      maxEventChannelsAtOnce: options.maxEventChannelsAtOnce ?? eventLimits.maxChannelsAtOnce,
      maxEventNameLength: options.maxEventNameLength ?? eventLimits.maxNameLength,
      maxEventPayloadBytes: bytesOf(options.maxEventPayloadInKb ?? eventLimits.maxPayloadInKb),
      maxEventBatchSize: options.maxEventBatchSize ?? eventLimits.maxBatchSize,
      cacheTtlSeconds: options.cacheTtl ?? channelLimits.cacheTtl,
    },
  };
}

/** The pair of `key` and `secret` first, then `keys`; a pair given twice counts once. */
export function keyPairsOf(options: Partial<Pick<AppOptions, 'key' | 'secret' | 'keys'>>): AppOptions['keys'] {
  const { key, secret, keys = [] } = options;
  if (key === undefined || secret === undefined) return keys;
  return [{ key, secret }, ...keys.filter((pair) => pair.key !== key || pair.secret !== secret)];
}

function bytesOf(kilobytes: number): number {
  return Math.floor(kilobytes * 1024);
}
