import { isDeepStrictEqual } from 'node:util';
import { isForAnyone, ruleFor } from '../../auth/channel-rules.ts';
import type { App } from '../../channels/app.ts';
import { type ConnectRequest, connect } from '../../channels/connect.ts';
import type { Connection } from '../../channels/connection.ts';
import { disconnect } from '../../channels/disconnect.ts';
import type { Feed } from '../../channels/feed.ts';
import type { Pace } from '../../channels/liveness.ts';
import { after, type MaybePromise, orElse } from '../../channels/maybe-promise.ts';
import type { Node } from '../../channels/node.ts';
import { subscribe } from '../../channels/subscribe.ts';
import { channelKindOf } from '../../protocol/channel-name.ts';
import { CLOSE_CODES } from '../../protocol/close-codes.ts';
import { Disconnect, SubscriptionError } from '../../protocol/errors.ts';
import type { FoundFeed } from '../apps/app-directory.ts';
import type { FeedTransport } from './feed-transport.ts';

export interface FeedRequest extends Pick<ConnectRequest, 'origin' | 'isTls'> {
  readonly pace: Pace;
  /** `?token=` of the URL, or what follows `Bearer`. */
  readonly token: string | undefined;
}

/** Who reads, as far as it can be told. */
export interface FeedClient {
  readonly transport: FeedTransport;
  readonly isGone: () => boolean;
  /** Called when there is a connection: whoever goes from now on has to be disconnected. */
  readonly connected: (connection: Connection) => void;
}

/**
 * Lets a reader in: a connection like any other, which is in one channel from the start.
 *
 * @returns true; false when the reader left, or was sent away, meanwhile
 * @throws {Disconnect | SubscriptionError} or rejects with it: why not
 */
export function openFeed(
  node: Node,
  { app, feed }: FoundFeed,
  { origin, isTls, token, pace }: FeedRequest,
  { transport, isGone, connected }: FeedClient,
): MaybePromise<boolean> {
  if (token === undefined && !isOpen(app, feed.channel)) throw needsToken(feed.channel);
  const request: ConnectRequest = { appKey: '', app, protocol: '7', version: undefined, origin, isTls, feedPace: pace };
  return after(connect(node, request, transport, isGone), (connection) => {
    if (!connection) return false;
    connected(connection);
    return orElse(
      () => {
        if (!hasFeed(connection.app, feed)) throw FEED_CHANGED;
        // A token that nobody asked for, of a proxy or of another page, must not turn away whom the channel is open to.
        const isNeeded = token !== undefined && !isOpen(connection.app, feed.channel);
        const auth = isNeeded ? `Bearer ${token}` : undefined;
        const entering = { channel: feed.channel, auth, channelData: undefined, wantsLast: feed.last };
        return after(subscribe(node, connection, entering), () => !connection.isClosed);
      },
      (error) => {
        disconnect(node, connection);
        throw error;
      },
    );
  });
}

function isOpen({ channelRules }: App, channel: string): boolean {
  const { isPrivate, isPresence } = channelKindOf(channel);
  return !isPrivate && !isPresence && isForAnyone(ruleFor(channelRules, channel).subscribe, channel);
}

/** Whether an app has just this feed. */
export function hasFeed({ feeds }: App, feed: Feed): boolean {
  return feeds.some((one) => isDeepStrictEqual(one, feed));
}

export const FEED_CHANGED = new Disconnect(
  'feed-changed',
  CLOSE_CODES.reconnect,
  'This feed is configured otherwise now: connect again',
);

function needsToken(channel: string): SubscriptionError {
  const message = `This feed reads ${channel}, which takes a token: add ?token=… to the URL, or send Authorization: Bearer …`;
  return new SubscriptionError('feed-without-token', channel, 'AuthError', 401, message);
}
