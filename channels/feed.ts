import { channelKindOf } from '../protocol/channel-name.ts';
import type { App } from './app.ts';

/** A channel that can be read at a URL of its own, by what speaks no Pusher. */
export interface Feed {
  /** `/api/v1/dashboard/ws`, from the root of the server. */
  readonly path: string;
  readonly channel: string;
  /** A message is an event's data, or `{event, channel, data}`. */
  readonly format: FeedFormat;
  /** Whoever connects gets the channel's last event first. */
  readonly last: boolean;
  /** What a client sends is sent back to it; else it is ignored. */
  readonly echo: boolean;
}

export type FeedFormat = 'data' | 'event';

/** How long an event stays the last one of its channel, in seconds; undefined where nobody asks for it. */
export function keepSecondsOf({ feeds, limits }: App, channel: string): number | undefined {
  const isKept =
    channelKindOf(channel).isCache || (feeds.length > 0 && feeds.some((feed) => feed.last && feed.channel === channel));
  return isKept ? limits.cacheTtlSeconds : undefined;
}
