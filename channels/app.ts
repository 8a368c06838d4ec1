import type { ChannelRule } from '../auth/channel-rules.ts';
import type { AppKey } from '../auth/hmac.ts';
import type { TokenPolicy } from '../auth/token-claims.ts';
import type { Webhook } from '../protocol/webhook.ts';
import type { CoalescingRule } from './coalescer.ts';
import type { Feed } from './feed.ts';

/** A tenant of the broker: one application, with its keys, what it may do and how much of it. */
export interface App {
  readonly id: string;
  /** At least one pair, oldest first. Every pair is valid; what Kulkul itself signs, it signs with the oldest. */
  readonly keys: readonly AppKey[];
  readonly enabled: boolean;
  /** Refuse plain `ws://` connections with 4000, so that clients reconnect over TLS. */
  readonly forceTls: boolean;
  /** `https://*.example.com`, `app.example.com`, `*`; empty: any page may connect. */
  readonly allowedOrigins: readonly string[];
  /** With `allowedOrigins`: whoever sends no origin may connect, too. */
  readonly allowMissingOrigin: boolean;
  readonly enableClientMessages: boolean;
  /** A connection must sign in or enter a private or presence channel in time, or is closed with 4009. */
  readonly enableUserAuthentication: boolean;
  readonly enableSubscriptionCountEvents: boolean;
  readonly enableWatchlistEvents: boolean;
  /** How tokens of the app's users are checked; undefined: the app takes none. */
  readonly tokens: TokenPolicy | undefined;
  /** Who may do what in which channel; the first that matches counts. */
  readonly channelRules: readonly ChannelRule[];
  /** Channels that can be read at a URL of their own. */
  readonly feeds: readonly Feed[];
  /** Channels whose frames are held back for a moment, so that several leave together; the first that matches counts. */
  readonly coalescing: readonly CoalescingRule[];
  /** URLs that are told what happens in the app. */
  readonly webhooks: readonly Webhook[];
  /** Webhooks may be sent to addresses inside of private networks. */
  readonly allowsPrivateTargets: boolean;
  /** 32 bytes, from which the auth endpoint makes the keys of encrypted channels; undefined: it can't. */
  readonly encryptionMasterKey: Uint8Array | undefined;
  readonly limits: AppLimits;
}

/** Numbers that bound one app. A rate or quota of -1 means no bound. */
export interface AppLimits {
  /** Open connections at once. */
  readonly maxConnections: number;
  /** Events published over HTTP, each channel of an event counted once. */
  readonly maxBackendEventsPerSecond: number;
  /** Client events of one connection (Soketi counts this way too; 10 at the hosted service). */
  readonly maxClientEventsPerSecond: number;
  /** Client events of all connections of the app together. */
  readonly maxAppClientEventsPerSecond: number;
  /** GET requests on the HTTP API. */
  readonly maxReadRequestsPerSecond: number;
  /** -1: any number. */
  readonly maxPresenceMembersPerChannel: number;
  /** `user_info` of one member, as JSON text in UTF-8. */
  readonly maxPresenceMemberBytes: number;
  readonly maxChannelNameLength: number;
  readonly maxEventChannelsAtOnce: number;
  readonly maxEventNameLength: number;
  /** The `data` string of one event, in UTF-8. */
  readonly maxEventPayloadBytes: number;
  readonly maxEventBatchSize: number;
  /** How long a cache channel keeps its last event. */
  readonly cacheTtlSeconds: number;
}
