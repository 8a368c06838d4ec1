import { ChannelPattern } from '../auth/channel-pattern.ts';
import { channelKindOf } from '../protocol/channel-name.ts';
import type { Connection, Subscription } from './connection.ts';
import { endSubscription, revoked } from './end-subscription.ts';
import type { MaybePromise } from './maybe-promise.ts';
import type { Node } from './node.ts';
import type { Claimant, Revocation } from './revocations.ts';

/** Takes a user, a socket or everyone out of the channels that match, on all nodes; for a day their older tokens are refused there. */
export function revoke(node: Node, revocation: Omit<Revocation, 'atMs'>): MaybePromise<void> {
  // Nodes take up only what is later than what they know, and clocks differ, or are set back.
  const lastMs = node.control.revocations.timeOf(revocation) ?? 0;
  return node.store.revoke({ ...revocation, atMs: Math.max(node.clock.now(), lastMs + 1) });
}

/** Ends the subscriptions of this node that a revocation is about. */
export function applyRevocation(node: Node, { appId, channel: pattern }: Revocation): void {
  const names = new ChannelPattern(pattern);
  for (const channel of node.channels.values()) {
    if (channel.app.id !== appId || channel.role !== 'application' || !names.matches(channel.name)) continue;
    for (const connection of [...channel.connections]) {
      const subscription = connection.subscriptions.get(channel.name);
      if (subscription && isRevoked(node, connection, channel.name, subscription)) {
        endSubscription(node, connection, revoked(channel.name));
      }
    }
  }
}

/** Whether what opens a channel to a connection was taken back. */
export function isRevoked(
  node: Node,
  connection: Connection,
  channel: string,
  { grant, member }: Pick<Subscription, 'grant' | 'member'>,
): boolean {
  const { revocations } = node.control;
  if (revocations.isEmpty) return false;
  const { app, socketId, serial, user } = connection;
  const right = channelKindOf(channel).isUser ? user?.grant : grant;
  const claimant: Claimant = { socketId, serial, grant: right, userIds: [member?.userId, right?.userId, user?.id] };
  return revocations.isRevoked(app.id, channel, claimant);
}
