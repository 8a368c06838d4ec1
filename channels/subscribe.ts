import { channelKindOf, channelNameProblem } from '../protocol/channel-name.ts';
import { PusherError, SubscriptionError } from '../protocol/errors.ts';
import { quote } from '../protocol/json.ts';
import {
  encodeCacheMiss,
  encodePresenceSucceeded,
  encodeSubscriptionSucceeded,
  type WireMember,
} from '../protocol/server-message.ts';
import { type Admission, admit, refusalOf, type SubscribeRequest } from './admission.ts';
import { authorizeConnection } from './connect.ts';
import type { Connection, Subscription } from './connection.ts';
import { type Reader, welcomeOf } from './feed.ts';
import type { LocalChannel } from './local-channel.ts';
import { after, lastly, type MaybePromise, orElse } from './maybe-promise.ts';
import type { Node } from './node.ts';
import { keep } from './unsubscribe.ts';
import { WANTS, wantsOf } from './webhook-wants.ts';

/**
 * `pusher:subscribe`: checks who asks, enters the channel and answers with
 * `subscription_succeeded`, then the last event of a cache channel, then the count; others hear of a new member.
 *
 * @throws {SubscriptionError} refused
 * @throws {PusherError} subscribed already
 */
export function subscribe(node: Node, connection: Connection, request: SubscribeRequest): MaybePromise<void> {
  const name = request.channel;
  const problem = channelNameProblem(name, connection.app.limits.maxChannelNameLength);
  if (problem) {
    const message = `Invalid channel name "${quote(name)}": ${problem}`;
    throw new SubscriptionError('invalid-channel', name, 'InvalidChannel', 400, message);
  }
  const subscribed = connection.subscriptions.get(name);
  if (subscribed?.grant) return renew(node, connection, request);
  if (subscribed) return subscribeAgain(node, connection, subscribed.channel);
  checkNumber(node, connection, name);
  return after(admit(node, connection, request), (admission) => begin(node, connection, request, admission));
}

function begin(
  node: Node,
  connection: Connection,
  { channel: name, wantsLast }: SubscribeRequest,
  admission: Admission,
): MaybePromise<void> {
  if (connection.isClosed) return;
  return after(authorized(node, connection, name), () => {
    if (connection.isClosed) return;
    return after(node.open(connection.app, name, 'application'), (channel) =>
      lastly(
        () => enter(node, connection, channel, admission, wantsLast),
        () => node.release(channel),
      ),
    );
  });
}

/** Entering a private or presence channel shows that the application knows the connection. */
function authorized(node: Node, connection: Connection, name: string): MaybePromise<void> {
  const { isPrivate, isPresence } = channelKindOf(name);
  if (isPrivate || isPresence) return authorizeConnection(node, connection);
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
  const { name, kind } = channel;
  // pusher-js asks for the user's channel after each sign-in, without being told to.
  if (!node.options.lenientDuplicates && !kind.isUser) {
    throw new PusherError('already-subscribed', `Existing subscription to channel ${name}`);
  }
  confirm(connection, channel, kind.isPresence);
}

/**
 * A fresh token for a channel that a token opened: the subscription goes on until that one ends. A refused one changes nothing.
 *
 * @throws {PusherError}
 */
function renew(node: Node, connection: Connection, request: SubscribeRequest): MaybePromise<void> {
  const { channel: name } = request;
  const refuse = (error: unknown): never => {
    throw connection.subscriptions.has(name) ? withoutChannel(error) : error;
  };
  return after(
    orElse(() => admit(node, connection, request), refuse),
    (admission) => {
      const subscription = connection.subscriptions.get(name);
      // While the new token was looked at, the old one may have ended.
      return subscription
        ? extend(node, connection, subscription, admission)
        : begin(node, connection, request, admission);
    },
  );
}

function extend(node: Node, connection: Connection, subscription: Subscription, admission: Admission): void {
  const { channel, member } = subscription;
  if (member?.userId !== admission.member?.userId) {
    const message = `Subscribed to ${channel.name} as ${member?.userId}, and the new token is another user's: unsubscribe first`;
    throw new PusherError('member-mismatch', message);
  }
  const refusal = refusalOf(node, connection, channel.name, admission);
  if (refusal) throw withoutChannel(refusal);
  keep(node, connection, subscription, admission);
  confirm(connection, channel, member !== undefined);
}

/** The channel is still open to the client: it is told of the error, not that the subscription failed. */
function withoutChannel(error: unknown): unknown {
  return error instanceof SubscriptionError ? new PusherError(error.id, error.message) : error;
}

function enter(
  node: Node,
  connection: Connection,
  channel: LocalChannel,
  admission: Admission,
  wantsLast: boolean | string = channel.kind.isCache,
): MaybePromise<void> {
  if (connection.isClosed) return;
  const { member } = admission;
  const joined = member ? join(node, connection, channel, member) : node.occupy(channel);
  const entered = after(joined, () =>
    after(wantsLast === false ? undefined : lastEvent(node, channel, wantsLast), (last) => {
      // Things may have changed while the seams were asked.
      const refusal = connection.isClosed ? undefined : refusalOf(node, connection, channel.name, admission);
      if (!connection.isClosed && !refusal) return complete(node, connection, channel, admission, last);
      return after(member && leave(node, connection, channel, member), () => {
        if (refusal) throw refusal;
      });
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
  const { maxPresenceMembersPerChannel: limit } = app.limits;
  const maxMembers = limit < 0 ? Number.MAX_SAFE_INTEGER : limit;
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

/** What a channel that keeps its last event begins with for a new subscriber. */
interface Beginning {
  readonly frame: string;
  /** Undefined: there is no event. */
  readonly position?: number | undefined;
}

function lastEvent(node: Node, channel: LocalChannel, which: true | string): MaybePromise<Beginning> {
  const name = which === true ? undefined : which;
  return after(node.broker.lastEvent(channel.app.id, channel.name, name), (last) =>
    after(caughtUp(node, channel, last?.position), () => {
      // A later one may have come while the answer was on its way.
      const found = laterOf(channel, name, last);
      return (
        found ??
        after(tellMiss(node, channel, name), () => {
          return laterOf(channel, name, undefined) ?? { frame: encodeCacheMiss(channel.name) };
        })
      );
    }),
  );
}

function laterOf(channel: LocalChannel, name: string | undefined, last: Beginning | undefined): Beginning | undefined {
  const latest = channel.latest?.get(name);
  const isNewer = latest?.position !== undefined && latest.position > (last?.position ?? 0);
  return isNewer ? latest : last;
}

/** Has webhooks told that a cache channel is empty, where one wants to know. It may still have no event of some name. */
function tellMiss(node: Node, { app, name, kind }: LocalChannel, eventName: string | undefined): MaybePromise<void> {
  if (!kind.isCache || eventName !== undefined) return;
  if ((wantsOf(app.webhooks, name) & WANTS.cacheMisses) !== 0) return node.outbox.appendMiss(app.id, name);
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
  admission: Admission,
  last: Beginning | undefined,
): void {
  const { grant, member } = admission;
  // There are many of them: what only tokens need is added to those.
  const subscription: Subscription = { channel, member, grant };
  connection.subscriptions.add(subscription);
  if (grant || admission.isSigned) keep(node, connection, subscription, admission);
  confirm(connection, channel, member !== undefined);
  if (connection.reader) greet(node, connection.reader);
  if (last) connection.transport.send(last.frame, last.position);
  node.enter(connection, channel);
  node.announceCount(channel);
  node.observer.subscribed?.({ connection, channel, member });
  if (last && last.position === undefined && channel.kind.isCache) node.observer.cacheMissed?.({ connection, channel });
}

function greet({ clock }: Node, reader: Reader): void {
  const welcome = welcomeOf(reader.feed, clock.now());
  if (welcome !== undefined) reader.greet(welcome);
}

function confirm({ transport }: Connection, { name, roster }: LocalChannel, isMember: boolean): void {
  transport.send(
    isMember && roster ? encodePresenceSucceeded(name, roster.members) : encodeSubscriptionSucceeded(name),
  );
}
