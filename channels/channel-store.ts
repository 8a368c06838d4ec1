import type { WireMember } from '../protocol/server-message.ts';
import type { MaybePromise } from './maybe-promise.ts';

export type PresenceJoin =
  /** The channel holds its maximum of members and this user is not one of them. Nothing was changed. */
  | { readonly outcome: 'full' }
  | {
      readonly outcome: 'joined';
      /** Whether this is the user's first connection in the channel. */
      readonly isFirst: boolean;
      /** All members including the one that joined, each user once. */
      readonly members: Iterable<WireMember>;
    };

export interface ChannelSummary {
  readonly channel: string;
  readonly subscriptionCount: number;
  /** Distinct users of a presence channel; 0 for the others. */
  readonly userCount: number;
}

/**
 * Facts that are true over all nodes: subscription counts, members of presence channels, who is signed in,
 * how many connections there are.
 *
 * An implementation
 * - MUST decide first and last of `join`, `leave`, `signIn` and `signOut` atomically over all nodes;
 * - MUST keep the `WireMember` of a user's first live connection in a channel;
 * - MUST take repeated `leave` and `signOut` of the same socket as no change (`undefined`, false);
 * - MUST carry out the calls of one node for a channel, or a user, in the order they were made, answered or not;
 * - MUST carry out `leave` and `signOut` even when it rejects them (as soon as it can), and count nothing when it
 *   rejects `addConnection`; what became of a rejected `join` or `signIn` is open, the caller undoes it;
 * - MUST answer reads from maintained numbers, never by asking the other nodes.
 */
export interface ChannelStore {
  /** Tells this node's own absolute number of subscriptions of a channel. 0 forgets the channel. */
  setSubscriptionCount(appId: string, channel: string, count: number): void;
  summary(appId: string, channel: string): MaybePromise<ChannelSummary>;
  /** Channels with at least one subscription whose name begins with a prefix, in no particular order. */
  occupied(appId: string, prefix: string): MaybePromise<readonly ChannelSummary[]>;

  join(
    appId: string,
    channel: string,
    socketId: string,
    member: WireMember,
    maxMembers: number,
  ): MaybePromise<PresenceJoin>;
  /** The member that is gone now, or undefined while the user has other connections in the channel. */
  leave(appId: string, channel: string, socketId: string, userId: string): MaybePromise<WireMember | undefined>;
  members(appId: string, channel: string): MaybePromise<readonly WireMember[]>;

  /** Whether this is the user's first signed-in connection. */
  signIn(appId: string, userId: string, socketId: string): MaybePromise<boolean>;
  /** Whether the user's last signed-in connection is gone now. */
  signOut(appId: string, userId: string, socketId: string): MaybePromise<boolean>;
  /** Those of the users who have a signed-in connection. */
  online(appId: string, userIds: readonly string[]): MaybePromise<ReadonlySet<string>>;

  /** Counts one more connection of an app unless there are `max` (-1: any number); whether it was counted. */
  addConnection(appId: string, max: number): MaybePromise<boolean>;
  removeConnection(appId: string): void;
  close(): MaybePromise<void>;
}
