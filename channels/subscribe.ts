import { verifyChannelAuth } from '../auth/client-signature.ts';
import { CHANNEL_KINDS, type ChannelKind, channelKindOf, channelNameProblem } from '../protocol/channel-name.ts';
import { PusherError, SubscriptionError } from '../protocol/errors.ts';
import { exceedsBytes, quote } from '../protocol/json.ts';
import { MemberDataError, parseChannelData } from '../protocol/member-data.ts';
import {
  encodeCacheMiss,
  encodePresenceSucceeded,
  encodeSubscriptionSucceeded,
  type WireMember,
} from '../protocol/server-message.ts';
import { authorizeConnection } from './connect.ts';
import type { Connection } from './connection.ts';
import type { LocalChannel } from './local-channel.ts';
import { after, lastly, type MaybePromise } from './maybe-promise.ts';
import type { Node } from './node.ts';

export interface SubscribeRequest {
  readonly channel: string;
  readonly auth: string | undefined;
  readonly channelData: string | undefined;
}

/**
 * `pusher:subscribe`: checks who asks, enters the channel and answers with
 * `subscription_succeeded`, then the last event of a cache channel, then the count; others hear of a new member.
 *
 * @throws {SubscriptionError} refused
 * @throws {PusherError} subscribed already
 */
export function subscribe(node: Node, connection: Connection, request: SubscribeRequest): MaybePromise<void> {
  const { app } = connection;
  const name = request.channel;
  const problem = channelNameProblem(name, app.limits.maxChannelNameLength);
  if (problem) {
    const message = `Invalid channel name "${quote(name)}": ${problem}`;
    throw new SubscriptionError('invalid-channel', name, 'InvalidChannel', 400, message);
  }
  const subscribed = connection.subscriptions.get(name);
  if (subscribed) return subscribeAgain(node, connection, subscribed.channel);
  checkNumber(node, connection, name);
  const kind = channelKindOf(name);
  authorize(connection, kind, request);
  const member = kind.isPresence ? memberOf(connection, request) : undefined;

  const authorized = kind.isPrivate || kind.isPresence ? authorizeConnection(node, connection) : undefined;
  return after(authorized, () =>
    after(node.open(app, name, 'application'), (channel) =>
      lastly(
        () => enter(node, connection, channel, member),
        () => node.release(channel),
      ),
    ),
  );
}

/** Subscriptions that are under way count: they come to be in a moment. */
function checkNumber(node: Node, { subscriptions, underWay }: Connection, name: string): void {
  const max = node.options.maxSubscriptionsPerConnection;
  if (max < 0 || subscriptions.size + (underWay?.size ?? 0) < max) return;
  const message = `This connection is in ${subscriptions.size} channels, limit ${max} (subscriptions.maxPerConnection): leave some first`;
  throw new SubscriptionError('too-many-subscriptions', name, 'LimitReached', 429, message);
}

/** Leaves the subscription as it is: no second success unless the option asks for it, never a second member_added. */
function subscribeAgain(node: Node, connection: Connection, channel: LocalChannel): MaybePromise<void> {
  const { name } = channel;
  if (!node.options.lenientDuplicates) {
    throw new PusherError('already-subscribed', `Existing subscription to channel ${name}`);
  }
  if (!channel.kind.isPresence) return connection.transport.send(encodeSubscriptionSucceeded(name));
  return connection.transport.send(encodePresenceSucceeded(name, channel.roster?.members ?? []));
}

function authorize(connection: Connection, kind: ChannelKind, request: SubscribeRequest): void {
  const { app, socketId, user } = connection;
  const name = request.channel;
  if (kind.isUser) {
    if (user && name === `${CHANNEL_KINDS.user.prefix}${user.id}`) return;
    const message = `Not signed in as the user of ${name}: sign in first, a user can only enter the own channel`;
    throw new SubscriptionError('not-this-user', name, 'AuthError', 401, message);
  }
  if (kind.isPrivate || kind.isPresence) {
    verifyChannelAuth(app.keys, socketId, name, request.auth, request.channelData);
  }
}

/** Who joins a presence channel: by `channel_data`, or as the signed-in user when there is none. */
function memberOf(connection: Connection, { channel, channelData }: SubscribeRequest): WireMember {
  const { limits } = connection.app;
  const member = channelData === undefined ? signedInMember(connection, channel) : parseMember(channel, channelData);
  if (member.userInfoJson !== undefined && exceedsBytes(member.userInfoJson, limits.maxPresenceMemberBytes)) {
    const bytes = Buffer.byteLength(member.userInfoJson);
    const message =
      `user_info of presence member is ${bytes} bytes, limit ${limits.maxPresenceMemberBytes} ` +
      '(presence.maxMemberSizeInKb)';
    throw new SubscriptionError('member-too-large', channel, 'LimitReached', 413, message);
  }
  return member;
}

function parseMember(channel: string, channelData: string): WireMember {
  try {
    return parseChannelData(channelData);
  } catch (error) {
    if (!(error instanceof MemberDataError)) throw error;
    throw new SubscriptionError('invalid-channel-data', channel, 'InvalidChannelData', 400, error.message);
  }
}

function signedInMember({ user }: Connection, channel: string): WireMember {
  if (!user) {
    const message = `${channel} is a presence channel and subscription must include channel_data`;
    throw new SubscriptionError('missing-channel-data', channel, 'AuthError', 401, message);
  }
  return { userId: user.id, userIdJson: JSON.stringify(user.id), userInfoJson: user.userInfoJson };
}

function enter(
  node: Node,
  connection: Connection,
  channel: LocalChannel,
  member: WireMember | undefined,
): MaybePromise<void> {
  if (connection.isClosed) return;
  const joined = member ? join(node, connection, channel, member) : undefined;
  const entered = after(joined, () =>
    after(lastEvent(node, channel), (last) => {
      if (connection.isClosed) return member && leave(node, connection, channel, member);
      complete(node, connection, channel, member, last);
    }),
  );
  if (member && entered instanceof Promise) {
    entered.catch((error: unknown) => {
      // A store that fails may have done what it could not answer, and the member must not stay without a subscription.
      if (!(error instanceof SubscriptionError))
        node.settle(leave(node, connection, channel, member), 'undoing a join');
    });
  }
  return entered;
}

/**
 * Joins a presence channel on all nodes. When this is answered, the channel's roster has the member.
 *
 * @throws {SubscriptionError} the channel is full
 */
function join(node: Node, connection: Connection, channel: LocalChannel, member: WireMember): MaybePromise<void> {
  const { app, name } = channel;
  const maxMembers = app.limits.maxPresenceMembersPerChannel;
  const asked = node.store.join(app.id, name, connection.socketId, member, maxMembers);
  return after(asked, (answer) => {
    if (answer.outcome === 'full') {
      const message = `${name} has its maximum of ${maxMembers} members (presence.maxMembersPerChannel)`;
      throw new SubscriptionError('channel-full', name, 'LimitReached', 4100, message);
    }
    channel.roster?.begin(answer.members, answer.position);
    return caughtUp(node, channel, answer.position);
  });
}

function leave(
  node: Node,
  { socketId }: Connection,
  { app, name }: LocalChannel,
  { userId }: WireMember,
): MaybePromise<void> {
  return node.store.leave(app.id, name, socketId, userId);
}

/** The frame that a cache channel begins with for a new subscriber; undefined for other channels. */
function lastEvent(node: Node, channel: LocalChannel): MaybePromise<string | undefined> {
  if (!channel.kind.isCache) return;
  return after(node.broker.lastEvent(channel.app.id, channel.name), (last) =>
    after(caughtUp(node, channel, last?.position), () => {
      // A later one may have come while the answer was on its way.
      const { latest } = channel;
      const isNewer = latest?.position !== undefined && latest.position > (last?.position ?? 0);
      return (isNewer ? latest.frame : last?.frame) ?? encodeCacheMiss(channel.name);
    }),
  );
}

/** Waits until this node has handed on what an answer already knows of. */
function caughtUp(node: Node, channel: LocalChannel, position: number | undefined): MaybePromise<void> {
  if (position !== undefined && node.broker.answersMayOvertake) return channel.reached(position);
}

/** Enters the channel and says so, in one go: nothing published can come before the success frame, or be missed after it. */
function complete(
  node: Node,
  connection: Connection,
  channel: LocalChannel,
  member: WireMember | undefined,
  lastFrame: string | undefined,
): void {
  const { name, roster } = channel;
  connection.subscriptions.set(name, { channel, member });
  connection.transport.send(
    member && roster ? encodePresenceSucceeded(name, roster.members) : encodeSubscriptionSucceeded(name),
  );
  if (lastFrame !== undefined) connection.transport.send(lastFrame);
  node.enter(connection, channel);
  node.announceCount(channel);
}
