import type { Connection } from './connection.ts';
import type { Node } from './node.ts';
import { leaveUser } from './sign-in.ts';
import { leaveSubscription } from './unsubscribe.ts';

/** Takes a connection out of everything it is part of. Safe to call at any moment of its life, and again. */
export function disconnect(node: Node, connection: Connection): void {
  if (connection.isClosed) return;
  connection.isClosed = true;
  connection.underWay = undefined;
  connection.cancelAuthorizationTimeout?.();
  node.connections.delete(connection.socketId);
  node.liveness.forget(connection);
  node.uptake.forget(connection);
  for (const subscription of connection.subscriptions.values()) {
    connection.subscriptions.delete(subscription.channel.name);
    node.settle(leaveSubscription(node, connection, subscription), 'leaving a channel');
  }
  if (connection.user) node.settle(leaveUser(node, connection, connection.user), 'sign-out');
  if (connection.isCounted) node.store.removeConnection(connection.app.id);
}
