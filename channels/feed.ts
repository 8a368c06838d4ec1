import { channelKindOf } from '../protocol/channel-name.ts';
import { CLOSE_CODES, Disconnect } from '../protocol/errors.ts';
import type { App } from './app.ts';
import type { BrokerMessage } from './broker.ts';
import type { Pace } from './liveness.ts';

/** A channel that can be read at a URL of its own, without the Pusher protocol. */
export interface Feed {
  /** `/api/v1/dashboard/ws`, from the root of the server. */
  readonly path: string;
  readonly channel: string;
  /** A message is an event's data, or `{event, channel, data}`. */
  readonly format: FeedFormat;
  /** Whoever connects gets the channel's last event first: whichever it is (`true`), or the last one of this name. */
  readonly last: boolean | string;
  /** What a client sends is sent back to it; otherwise it is ignored. */
  readonly echo: boolean;
  /** JSON that whoever connects gets before anything else, see `welcomeOf`; undefined or null: nothing. */
  readonly welcome?: unknown;
}

export type FeedFormat = 'data' | 'event';

/** A client that reads a feed and knows no protocol. */
export interface Reader {
  readonly feed: Feed;
  readonly pace: Pace;
  /** Sends the welcome of the feed. */
  greet(text: string): void;
  /** Echoes what the client sent, if the feed does so. */
  echo(text: string): void;
}

/** Whether an app has just this feed. */
export function hasFeed({ feeds }: App, feed: Feed): boolean {
  return feeds.some(
    (one) =>
      one.path === feed.path &&
      one.channel === feed.channel &&
      one.format === feed.format &&
      one.last === feed.last &&
      one.echo === feed.echo &&
      JSON.stringify(one.welcome) === JSON.stringify(feed.welcome),
  );
}

/** How long an event stays the last one of its channel, in seconds; undefined where nobody asks for it. */
export function keepSecondsOf(app: App, channel: string): number | undefined {
  const isKept = channelKindOf(channel).isCache || hasFeedWith(app, channel, true);
  return isKept ? app.limits.cacheTtlSeconds : undefined;
}

/** How an event is kept as the last one of its name; undefined where nobody asks for it. */
export function keepNamedOf(app: App, channel: string, name: string): BrokerMessage['keepNamed'] {
  return hasFeedWith(app, channel, name) ? { name, seconds: app.limits.cacheTtlSeconds } : undefined;
}

function hasFeedWith({ feeds }: App, channel: string, last: Feed['last']): boolean {
  return feeds.length > 0 && feeds.some((feed) => feed.last === last && feed.channel === channel);
}

/** What a feed says to whoever connects: its template, in which each value `"$now"` is the time. */
export function welcomeOf({ welcome }: Feed, nowMs: number): string | undefined {
  if (welcome === undefined || welcome === null) return undefined;
  return JSON.stringify(welcome, (_, value: unknown) => (value === '$now' ? nowMs : value));
}

/** What a feed with `echo` answers. */
export function encodeEcho(text: string, nowMs: number): string {
  return JSON.stringify({ message: `Echo: ${text}`, sentAt: nowMs });
}

export const FEED_CHANGED = new Disconnect(
  'feed-changed',
  CLOSE_CODES.reconnect,
  'The configuration of this feed has changed: reconnect',
);
