import { PusherError } from '../protocol/errors.ts';
import { quote } from '../protocol/json.ts';
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

/** Ends a subscription that is no longer in `connection.subscriptions`, and tells those who stay. */
export function leaveSubscription(node: Node, connection: Connection, subscription: Subscription): MaybePromise<void> {
  const { channel, member } = subscription;
  subscription.cancelExpiry?.();
  node.leave(connection, channel);
  node.announceCount(channel);
  if (!member) return;
  return node.store.leave(channel.app.id, channel.name, connection.socketId, member.userId);
}
