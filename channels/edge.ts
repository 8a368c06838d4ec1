/**
 * A fact over all nodes began or ended to be true. The atomic step that changed the fact found the edge, and one node reports it:
 * at most once, and never one that did not happen.
 *
 * On presence channels members make the edges: `channel_occupied` comes before the first `member_added`, `channel_vacated` after the
 * last `member_removed`.
 */
export type Edge =
  | {
      readonly kind: 'channel_occupied' | 'channel_vacated';
      readonly appId: string;
      readonly channel: string;
    }
  | {
      readonly kind: 'member_added' | 'member_removed';
      readonly appId: string;
      readonly channel: string;
      readonly userId: string;
    }
  /** Subscribers are told of this number, and it is not the one that was told before. Only where they are told at all, and never 0. */
  | {
      readonly kind: 'subscription_count';
      readonly appId: string;
      readonly channel: string;
      readonly subscriptionCount: number;
    }
  /** The first connection of a user signed in, or the last one is gone. */
  | { readonly kind: 'user_online' | 'user_offline'; readonly appId: string; readonly userId: string };

/** Told of edges, each after the step that made it. Must not throw. */
export type OnEdge = (edge: Edge) => void;

/** Who is told of the edges of an app; undefined: nobody, and they need not be made. */
export type EdgesOf = (appId: string) => OnEdge | undefined;
