import { NO_CLOSE_FRAME, SubscriptionError } from '../protocol/errors.ts';
import { isOpenToAnyone } from './admission.ts';
import type { App } from './app.ts';
import type { ConnectRequest } from './connect.ts';
import type { Transport } from './connection.ts';
import { disconnect } from './disconnect.ts';
import { FEED_CHANGED, hasFeed, type Reader } from './feed.ts';
import { after, type MaybePromise, orElse } from './maybe-promise.ts';
import type { Node } from './node.ts';
import type { Session } from './session.ts';
import { subscribe } from './subscribe.ts';

export interface FeedRequest extends Pick<ConnectRequest, 'origin' | 'isTls'> {
  readonly app: App;
  /** `?token=` of the URL, or what follows `Bearer`. */
  readonly token: string | undefined;
}

/**
 * Lets a reader in: a connection like any other, which is in one channel from the start.
 *
 * @throws {Disconnect | SubscriptionError} or rejects with it: why not
 */
export function openFeed(
  node: Node,
  session: Session,
  { app, token, origin, isTls }: FeedRequest,
  transport: Transport & Reader,
): MaybePromise<void> {
  const { feed } = transport;
  if (token === undefined && !isOpenToAnyone(app, feed.channel)) throw needsToken(feed.channel);
  const request = { appKey: '', app, protocol: '7', version: undefined, origin, isTls, reader: transport };
  return after(session.connect(request, transport), (connection) => {
    if (!connection) return;
    return orElse(
      () => {
        if (!hasFeed(connection.app, feed)) throw FEED_CHANGED;
        const auth = token === undefined ? undefined : `Bearer ${token}`;
        return subscribe(node, connection, {
          channel: feed.channel,
          auth,
          channelData: undefined,
          wantsLast: feed.last,
        });
      },
      (error) => {
        disconnect(node, connection, { code: NO_CLOSE_FRAME, reason: '', cause: undefined });
        throw error;
      },
    );
  });
}

export function needsToken(channel: string): SubscriptionError {
  const message = `This feed reads ${channel}, which takes a token: add ?token=… to the URL, or send Authorization: Bearer …`;
  return new SubscriptionError('feed-without-token', channel, 'AuthError', 401, message);
}
