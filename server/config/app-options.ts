import * as z from 'zod';
import { authOptionsSchema, channelRulesSchema } from './authorization-options.ts';
import { feedsSchema } from './feed-options.ts';
import { about, count, filled, flag, list, milliseconds, rate, seconds, size, text } from './setting.ts';
import { webhooksSchema } from './webhook-options.ts';

/** Goes into URLs and, for the key, before the colon of `auth`: these characters would make the app unreachable. */
const urlPart = (forbidden: RegExp, what: string): z.ZodString =>
  filled().refine((value) => !forbidden.test(value), {
    error: `must not contain ${what}: it is part of a URL`,
  });

const appId = (): z.ZodString => urlPart(/[\s/?#%{}]/, 'spaces or any of / ? # % { }');
const appKey = (): z.ZodString => urlPart(/[\s/?#%:]/, 'spaces or any of / ? # % :');
const appSecret = filled;

/** One key/secret pair, as in `keys`. */
export const keyPairSchema = z.strictObject(
  {
    key: about(appKey(), 'Public half.', { secret: 'when-wrong' }),
    secret: about(appSecret(), 'Secret half.', { secret: 'always' }),
  },
  { error: 'expected an object with key and secret' },
);

/** Longer than this, people see it. */
const MOST_MILLISECONDS = 100;

/** Channels whose events wait for others. */
const coalescingRuleSchema = z.strictObject({
  name: about(
    filled().refine((name) => !/[{}]/.test(name), {
      error: 'must be a name or a pattern with *: braces stand in rules only',
    }),
    'Name of the channels: `*` stands for any characters.',
  ),
  milliseconds: about(
    milliseconds(0, MOST_MILLISECONDS),
    `How long an event waits for others, ${MOST_MILLISECONDS} at most. 0: not at all, which exempts channels from a wider pattern behind.`,
  ),
});

export type CoalescingOptions = z.output<typeof coalescingRuleSchema>;

/**
 * One app as configured. What is optional here and has no default falls back to the setting of all apps that its
 * description names; `createApp` resolves that.
 */
export const appOptionsSchema = z.strictObject({
  id: about(
    appId(),
    'Identifies the app in the URLs of the HTTP API. Always text: `0123` stays `0123`.',
    'SOKETI_DEFAULT_APP_ID',
  ),
  name: about(text().optional(), 'For people: shown at the start.'),
  key: about(
    appKey().optional(),
    'Public half of a pair; clients connect with it. Always text. May be absent when `keys` is given.',
    { soketi: 'SOKETI_DEFAULT_APP_KEY', secret: 'when-wrong' },
  ),
  secret: about(appSecret().optional(), 'Secret half of the pair; signatures are made with it. Always text.', {
    soketi: 'SOKETI_DEFAULT_APP_SECRET',
    secret: 'always',
  }),
  keys: about(
    z.array(keyPairSchema, { error: 'expected a list of { "key", "secret" }' }).default([]),
    'Further pairs `{ "key", "secret" }` that are valid at the same time, for rotation. A pair given by `key` and `secret` comes first.',
    { kind: 'keys', secret: 'always' },
  ),
  enabled: about(
    flag().default(true),
    'false refuses the connections and requests of this app.',
    'SOKETI_DEFAULT_APP_ENABLED',
  ),
  forceTls: about(
    flag().default(false),
    'Refuse plain `ws://` connections with 4000, so that clients reconnect over TLS.',
  ),
  allowedOrigins: about(
    list().default([]),
    'Pages that may connect: `https://*.example.com`, `app.example.com`, `*`. Empty: any page.',
  ),
  allowMissingOrigin: about(
    flag().default(true),
    'With `allowedOrigins`: clients that send no `Origin`, as devices and backends do, may connect. false refuses them: browsers send one with every WebSocket.',
  ),
  enableClientMessages: about(
    flag().default(false),
    'Clients may send client events (`client-…`).',
    'SOKETI_DEFAULT_APP_ENABLE_CLIENT_MESSAGES',
  ),
  enableUserAuthentication: about(
    flag().default(false),
    'A connection must sign in, or enter a private or presence channel, within `userAuthenticationTimeout`, or is closed with 4009.',
    'SOKETI_DEFAULT_APP_USER_AUTHENTICATION',
  ),
  enableSubscriptionCountEvents: about(
    flag().default(false),
    'Tell the subscribers of a channel how many they are (`pusher_internal:subscription_count`).',
  ),
  enableWatchlistEvents: about(
    flag().default(false),
    'Tell signed-in users when somebody on their watchlist comes online or goes offline.',
  ),
  maxConnections: about(
    rate().default(-1),
    'Open connections at once. -1: no limit, 0: none may connect.',
    'SOKETI_DEFAULT_APP_MAX_CONNS',
  ),
  maxBackendEventsPerSecond: about(
    rate().default(-1),
    'Events published over HTTP per second, each channel of an event counted once. -1: no limit.',
    'SOKETI_DEFAULT_APP_MAX_BACKEND_EVENTS_PER_SEC',
  ),
  maxClientEventsPerSecond: about(
    rate().optional(),
    'Client events per second of one connection. -1: no limit. Unset: `clientEvents.maxPerSecondPerConnection`.',
    'SOKETI_DEFAULT_APP_MAX_CLIENT_EVENTS_PER_SEC',
  ),
  maxAppClientEventsPerSecond: about(
    rate().default(-1),
    'Client events per second of all connections of the app together. -1: no limit.',
  ),
  maxReadRequestsPerSecond: about(
    rate().default(-1),
    'GET requests per second on the HTTP API. -1: no limit.',
    'SOKETI_DEFAULT_APP_MAX_READ_REQ_PER_SEC',
  ),
  maxPresenceMembersPerChannel: about(
    rate().optional(),
    'Members of one presence channel. -1: no limit, 0: none may enter. Unset: `presence.maxMembersPerChannel`.',
  ),
  maxPresenceMemberSizeInKb: about(
    size('KB').optional(),
    '`user_info` of one member as JSON, in KB of 1024 bytes. Unset: `presence.maxMemberSizeInKb`.',
  ),
  maxChannelNameLength: about(count(1).optional(), 'Characters. Unset: `channelLimits.maxNameLength`.'),
  maxEventChannelsAtOnce: about(
    count(1).optional(),
    'Channels that one event may be published on. Unset: `eventLimits.maxChannelsAtOnce`.',
  ),
  maxEventNameLength: about(count(1).optional(), 'Characters. Unset: `eventLimits.maxNameLength`.'),
  maxEventPayloadInKb: about(
    size('KB').optional(),
    '`data` of one event, in KB of 1024 bytes. Unset: `eventLimits.maxPayloadInKb`.',
  ),
  maxEventBatchSize: about(count(1).optional(), 'Events in one batch request. Unset: `eventLimits.maxBatchSize`.'),
  cacheTtl: about(
    seconds(1, Number.MAX_SAFE_INTEGER).optional(),
    'Seconds that a cache channel keeps its last event. Unset: `channelLimits.cacheTtl`.',
  ),
  auth: about(
    authOptionsSchema.optional(),
    'How the broker checks tokens of the app\'s users by itself: `{ "jwt": { "keys": […] } }`. See docs/authorization.md.',
    { kind: 'structure' },
  ),
  channels: about(
    channelRulesSchema.default([]),
    'Who may subscribe, send client events and publish, by name or pattern of the channel; the first rule that matches counts. See docs/authorization.md.',
    { kind: 'structure' },
  ),
  feeds: about(
    feedsSchema.default([]),
    'Channels that can be read at a URL of their own by what speaks no Pusher: `[{ "path", "channel", "format", "last", "echo", "welcome" }]`. See docs/feeds.md.',
    { kind: 'structure' },
  ),
  coalescing: about(
    z.array(coalescingRuleSchema).default([]),
    'Channels whose events wait some milliseconds for others, so that many cost the server less: `[{ "name": "scada-*", "milliseconds": 5 }]`. See "Many events" in docs/operating.md.',
    { kind: 'structure' },
  ),
  webhooks: about(
    webhooksSchema.default([]),
    'URLs that are told what happens in the app, as at Soketi: `[{ "url", "event_types", "filter", "headers" }]`, or a text that holds this as JSON. See docs/webhooks.md.',
    { kind: 'structure', soketi: 'SOKETI_DEFAULT_APP_WEBHOOKS', mayBeText: true },
  ),
});

export type AppOptions = z.output<typeof appOptionsSchema>;
export type AppOptionName = keyof AppOptions;

/** The pair of `key` and `secret` first, then `keys`; a pair given twice counts once. */
export function keyPairsOf(options: Partial<Pick<AppOptions, 'key' | 'secret' | 'keys'>>): AppOptions['keys'] {
  const { key, secret, keys = [] } = options;
  if (key === undefined || secret === undefined) return keys;
  return [{ key, secret }, ...keys.filter((pair) => pair.key !== key || pair.secret !== secret)];
}

/** Whether an option is a number that bounds the app, and not one of what it is or may do. */
export function isLimitOption(name: AppOptionName): name is LimitOption {
  return name.startsWith('max') || name === 'cacheTtl';
}

export type LimitOption = Extract<AppOptionName, `max${string}` | 'cacheTtl'>;
