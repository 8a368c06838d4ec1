import { ChannelPattern } from '../auth/channel-pattern.ts';
import { channelKindOf } from '../protocol/channel-name.ts';
import { ApiError } from '../protocol/errors.ts';
import type { Applicant, Connection, Subscription } from './connection.ts';
import { type LocalChannel, topicOf } from './local-channel.ts';
import type { MaybePromise } from './maybe-promise.ts';
import type { Node } from './node.ts';
import { type Claimant, isPattern, type Revocation } from './revocations.ts';
import { endSubscription, revoked } from './unsubscribe.ts';

/**
 * Takes a user, a socket or everyone out of the channels that match, on all nodes; for a day their older tokens are refused there.
 *
 * @throws {ApiError} 429: the app has revoked too much of late
 */
export function revoke(node: Node, revocation: Omit<Revocation, 'atMs'>): MaybePromise<void> {
  const problem = node.nodesChannel.revocations.problemWith(revocation);
  if (problem) throw new ApiError('too-many-revocations', 429, `Nothing was revoked: ${problem}`);
  // Nodes take up only what is later than what they know, and clocks differ, or are set back.
  const lastMs = node.nodesChannel.revocations.timeOf(revocation) ?? 0;
  return node.store.revoke({ ...revocation, atMs: Math.max(node.clock.now(), lastMs + 1) });
}

/** Ends the subscriptions of this node that a revocation is about. What was revoked before took effect then. */
export function applyRevocation(node: Node, revocation: Revocation): void {
  for (const channel of channelsOf(node, revocation)) {
    for (const connection of connectionsOf(node, revocation, channel)) {
      const subscription = connection.subscriptions.get(channel.name);
      if (subscription && isRevoked(node, connection, channel.name, subscription)) {
        endSubscription(node, connection, revoked(channel.name));
      }
    }
  }
}

function channelsOf(node: Node, revocation: Revocation): readonly LocalChannel[] {
  const { appId, channel: name } = revocation;
  if (!isPattern(revocation)) {
    const channel = node.channels.get(topicOf(appId, name));
    return channel?.role === 'application' ? [channel] : [];
  }
  const names = new ChannelPattern(name);
  return [...node.channels.values()].filter(
    (channel) => channel.role === 'application' && channel.app.id === appId && names.matches(channel.name),
  );
}

function connectionsOf(node: Node, { target }: Revocation, { connections }: LocalChannel): readonly Connection[] {
  if (target.kind !== 'socket') return [...connections];
  const connection = node.connections.get(target.socketId);
  return connection && connections.has(connection) ? [connection] : [];
}

/** Whether what opens a channel to somebody was taken back. */
export function isRevoked(
  node: Node,
  applicant: Applicant,
  channel: string,
  { grant, member }: Pick<Subscription, 'grant' | 'member'>,
): boolean {
  const { revocations } = node.nodesChannel;
  if (revocations.isEmpty) return false;
  const { app, socketId, serial, user } = applicant;
  const right = channelKindOf(channel).isUser ? user?.grant : grant;
  const claimant: Claimant = { socketId, serial, grant: right, userIds: [member?.userId, right?.userId, user?.id] };
  return revocations.isRevoked(app.id, channel, claimant);
}
