import { admit, isOpenToAnyone } from './admission.ts';
import type { LastEvent } from './broker.ts';
import { checkVisit } from './connect.ts';
import type { Feed } from './feed.ts';
import { after, type MaybePromise } from './maybe-promise.ts';
import type { Node } from './node.ts';
import { type FeedRequest, needsToken } from './open-feed.ts';
import { takeReadRequest } from './publish.ts';

/**
 * The event that a feed with `last` begins with, for whoever asks once and does not stay. The rules are those of a reader who does; the request counts
 * as one that reads, not as a connection.
 *
 * @returns undefined when nothing has been published yet, or not for a while
 * @throws {Disconnect | SubscriptionError | ApiError} or rejects with it: why not
 */
export function readFeed(
  node: Node,
  { channel, last }: Feed,
  { app, token, origin, isTls }: FeedRequest,
): MaybePromise<LastEvent | undefined> {
  checkVisit(node, { appKey: '', app, protocol: '7', version: undefined, origin, isTls });
  if (token === undefined && !isOpenToAnyone(app, channel)) throw needsToken(channel);
  const applicant = { app, socketId: '', serial: node.lastSerial + 1, user: undefined };
  const auth = token === undefined ? undefined : `Bearer ${token}`;
  return after(admit(node, applicant, { channel, auth, channelData: undefined }), () => {
    takeReadRequest(node, app);
    return node.broker.lastEvent(app.id, channel, typeof last === 'string' ? last : undefined);
  });
}
