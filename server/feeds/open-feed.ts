import { isDeepStrictEqual } from 'node:util';
import { isOpenToAnyone } from '../../channels/admission.ts';
import type { App } from '../../channels/app.ts';
import { type ConnectRequest, connect } from '../../channels/connect.ts';
import type { Connection } from '../../channels/connection.ts';
import { disconnect } from '../../channels/disconnect.ts';
import type { Feed } from '../../channels/feed.ts';
import type { Pace } from '../../channels/liveness.ts';
import { after, type MaybePromise, orElse } from '../../channels/maybe-promise.ts';
import type { Node } from '../../channels/node.ts';
import { subscribe } from '../../channels/subscribe.ts';
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
  if (token === undefined && !isOpenToAnyone(app, feed.channel)) throw needsToken(feed.channel);
  const request: ConnectRequest = { appKey: '', app, protocol: '7', version: undefined, origin, isTls, feedPace: pace };
  return after(connect(node, request, transport, isGone), (connection) => {
    if (!connection) return false;
    connected(connection);
    return orElse(
      () => {
        if (!hasFeed(connection.app, feed)) throw FEED_CHANGED;
        const auth = token === undefined ? undefined : `Bearer ${token}`;
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
