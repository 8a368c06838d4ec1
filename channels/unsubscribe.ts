import { CLOSE_CODES, Disconnect, PusherError, SubscriptionError } from '../protocol/errors.ts';
import { quote } from '../protocol/json.ts';
import { encodeSubscriptionError } from '../protocol/server-message.ts';
import type { Connection, Subscription } from './connection.ts';
import type { MaybePromise } from './maybe-promise.ts';
import type { Node } from './node.ts';

/**
 * `pusher:unsubscribe`: there is no answer to it.
 *
 * @throws {PusherError} by option only, when the connection is not in the channel
 */
export function unsubscribe(node: Node, connection: Connection, name: string): MaybePromise<void> {
  const subscription = connection.subscriptions.get(name);
  if (!subscription) {
    if (!node.options.strictUnsubscribe) return;
    throw new PusherError(
      'not-subscribed',
      `No current subscription to channel ${quote(name, 200)}, or subscription in progress`,
    );
  }
  connection.subscriptions.delete(name);
  return leaveSubscription(node, connection, subscription);
}

/**
 * Ends a subscription that is no longer in `connection.subscriptions`, and tells those who stay.
 *
 * @param reason - why the server ends it
 */
export function leaveSubscription(
  node: Node,
  connection: Connection,
  subscription: Subscription,
  reason?: SubscriptionError,
): MaybePromise<void> {
  const { channel, member } = subscription;
  subscription.cancelExpiry?.();
  node.leave(connection, channel);
  node.announceCount(channel);
  node.observer.unsubscribed?.({ connection, channel, member, reason });
  if (!member) return;
  return node.store.leave(channel.app.id, channel.name, connection.socketId, member.userId);
}

/** Removes a connection from a channel on the server's decision. The client is told why, on the channel, and gets nothing more from there. */
export function endSubscription(node: Node, connection: Connection, error: SubscriptionError): void {
  const subscription = connection.subscriptions.get(error.channel);
  if (!subscription) return;
  connection.subscriptions.delete(error.channel);
  node.settle(leaveSubscription(node, connection, subscription, error), 'leaving a channel');
  const { channel, type, message, status } = error;
  // A reader of a feed has nothing else to read.
  if (connection.reader) node.end(connection, new Disconnect(error.id, CLOSE_CODES.unauthorized, message));
  else connection.transport.send(encodeSubscriptionError(channel, type, message, status));
}

/** Sets when a subscription ends: with the token or sign-in that it now depends on. */
export function keep(
  node: Node,
  connection: Connection,
  subscription: Subscription,
  { grant, isSigned }: Pick<Subscription, 'grant' | 'isSigned'>,
): void {
  const { name } = subscription.channel;
  subscription.grant = grant;
  subscription.isSigned = isSigned;
  subscription.cancelExpiry?.();
  const end = grant?.expiresAtSeconds;
  subscription.cancelExpiry =
    end === undefined ? undefined : node.dueTimes.add(end, () => endSubscription(node, connection, expired(name, end)));
}

/** The reason for those whose token has expired. */
export function expired(channel: string, expiresAtSeconds: number): SubscriptionError {
  const at = new Date(expiresAtSeconds * 1000).toISOString();
  const message = `Access to ${channel} ended: its token expired at ${at}. Subscribe again with a fresh one`;
  return new SubscriptionError('subscription-expired', channel, 'AuthError', 401, message);
}

export function revoked(channel: string): SubscriptionError {
  const message = `Access to ${channel} was revoked: signatures and tokens from before are no longer accepted. Use a token that was issued later, or reconnect`;
  return new SubscriptionError('access-revoked', channel, 'AuthError', 403, message);
}

/** The kept part of the token is not enough to check the app's new rules. */
export function rulesChanged(channel: string): SubscriptionError {
  const message = `The rules for ${channel} have changed: subscribe again with your token`;
  return new SubscriptionError('rules-changed', channel, 'AuthError', 401, message);
}
