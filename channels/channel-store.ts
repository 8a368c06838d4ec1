import type { WireMember } from '../protocol/server-message.ts';
import type { MaybePromise } from './maybe-promise.ts';
import type { Revocation } from './revocations.ts';

export type PresenceJoin =
  /** The channel holds its maximum of members and this user is not one of them. Nothing was changed. */
  | { readonly outcome: 'full' }
  | {
      readonly outcome: 'joined';
      /** All members including the one that joined, each user once. */
      readonly members: Iterable<WireMember>;
      /** Position of the last message that `members` knows of; undefined where answers and messages come in one order. */
      readonly position?: number | undefined;
    };

export interface Members {
  readonly members: readonly WireMember[];
  /** Position of the last message that they know of; undefined where answers and messages come in one order. */
  readonly position?: number | undefined;
}

export interface ChannelSummary {
  readonly channel: string;
  readonly subscriptionCount: number;
  /** Distinct users of a presence channel; 0 for the others. */
  readonly userCount: number;
}

export interface AppTotals {
  /** With at least one subscription. */
  readonly channels: number;
  readonly subscriptions: number;
  /** Members of presence channels: a user counts once in each. */
  readonly presenceUsers: number;
}

/**
 * Facts that are true over all nodes: subscription counts, members of presence channels, who is signed in,
 * how many connections there are.
 *
 * An implementation
 * - MUST decide first and last of `join`, `leave`, `signIn` and `signOut` atomically over all nodes, and publish what follows
 *   (`member_added` to all but the socket that joined, `member_removed`, watchlist events) in the same step, so that subscribers
 *   hear of changes in the order in which they happened;
 * - MUST report the edges of these facts to the `OnEdge` that it was given, if any, on one node: each at most once, never a false one.
 *   What is written again after it was lost makes none, what a dead node leaves behind makes them where it is cleaned up. Presence
 *   channels are occupied while they have members, others while they have subscriptions;
 * - MUST keep the user id of the connection that made a user a member, and the `user_info` of the first one that is still there. When that
 *   becomes another, it publishes `updated`, with an empty frame;
 * - MUST take repeated `leave` and `signOut` of the same socket as no change;
 * - MUST carry out the calls of one node for a channel, or a user, in the order they were made, answered or not;
 * - MUST carry out `leave` and `signOut` even when it rejects them (as soon as it can), and count nothing when it
 *   rejects `addConnection`; what became of a rejected `join` or `signIn` is open, the caller undoes it;
 * - MUST answer reads from maintained numbers, never by asking the other nodes.
 */
export interface ChannelStore {
  /**
   * Tells that this node is about to have its first subscriber of a channel that is no presence channel. Answered when a crash of this node
   * can't keep webhooks from being told. The number of subscriptions follows; 0 where nobody came after all.
   */
  occupy(appId: string, channel: string): MaybePromise<void>;
  /** Tells this node's own absolute number of subscriptions of a channel. 0 forgets the channel. */
  setSubscriptionCount(appId: string, channel: string, count: number): void;
  /** Publishes the count over all nodes to the channel: at once, or every few seconds in a large channel. */
  announceSubscriptionCount(appId: string, channel: string): void;
  summary(appId: string, channel: string): MaybePromise<ChannelSummary>;
  /** Channels with at least one subscription whose name begins with a prefix, in no particular order. */
  occupied(appId: string, prefix: string): MaybePromise<readonly ChannelSummary[]>;
  /** What an app has open. Costs the same however many channels there are. */
  totals(appId: string): MaybePromise<AppTotals>;

  join(
    appId: string,
    channel: string,
    socketId: string,
    member: WireMember,
    maxMembers: number,
  ): MaybePromise<PresenceJoin>;
  leave(appId: string, channel: string, socketId: string, userId: string): MaybePromise<void>;
  members(appId: string, channel: string): MaybePromise<Members>;

  /** @param isAnnounced - tell those who watch the user when it is the first connection */
  signIn(appId: string, userId: string, socketId: string, isAnnounced: boolean): MaybePromise<void>;
  /** @param isAnnounced - tell those who watch the user when it was the last connection */
  signOut(appId: string, userId: string, socketId: string, isAnnounced: boolean): MaybePromise<void>;
  /** Those of the users who have a signed-in connection. */
  online(appId: string, userIds: readonly string[]): MaybePromise<readonly string[]>;
  /** Connections that are signed in as a user. */
  userConnectionCount(appId: string, userId: string): MaybePromise<number>;

  /** Counts one more connection of an app unless there are `max` (-1: any number); whether it was counted. */
  addConnection(appId: string, max: number): MaybePromise<boolean>;
  removeConnection(appId: string): void;
  /** Those that were added and not removed. */
  connectionCount(appId: string): MaybePromise<number>;

  /** How many nodes there are, this one included. One that died counts until the others notice. */
  nodeCount(): MaybePromise<number>;

  /** Notes a revocation, in place of an earlier one for the same channel and target, and tells all nodes. */
  revoke(revocation: Revocation): MaybePromise<void>;
  /** Those of the last `REVOCATION_MEMORY_MS`. */
  revocations(): MaybePromise<readonly Revocation[]>;
  close(): MaybePromise<void>;
}
