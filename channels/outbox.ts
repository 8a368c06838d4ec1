import type { WebhookEvent } from '../protocol/webhook.ts';
import type { Edge } from './edge.ts';
import type { MaybePromise } from './maybe-promise.ts';

/** A claim to partitions holds for this time, in milliseconds. */
export const CLAIM_MS = 5000;
/** A missed event of a channel is told of once in this time, in milliseconds. */
export const MISS_ONCE_MS = 3000;
/** What a node told of its webhooks is forgotten after this time, in milliseconds. */
export const STATE_MS = 60_000;

/** What waits to be told to the webhooks of an app. */
export interface OutboxEntry {
  readonly id: string;
  /** When the fact was added, in milliseconds since 1970. For what has a grace period, when that ended. */
  readonly timeMs: number;
  readonly appId: string;
  readonly event: WebhookEvent;
  /** Ids of the webhooks that have it. */
  readonly told: readonly string[];
  /** A dead letter that is sent again, to this webhook only. */
  readonly replayed?: { readonly webhookId: string; readonly eventId: string } | undefined;
}

/** An event that a webhook did not accept in time. */
export interface DeadLetter {
  /** Of the event, as receivers know it. */
  readonly id: string;
  readonly appId: string;
  readonly webhookId: string;
  readonly url: string;
  readonly event: WebhookEvent;
  /** When the fact happened, and when it was given up, in milliseconds since 1970. */
  readonly timeMs: number;
  readonly buriedMs: number;
  readonly attempts: number;
  /** Why the last attempt failed, or why there was none, for people. */
  readonly error: string;
  /** Of the last answer, if there was one. */
  readonly status?: number | undefined;
}

/** How a webhook does, as the nodes that work for it say. */
export interface WebhookState {
  readonly appId: string;
  readonly webhookId: string;
  readonly url: string;
  readonly waiting: number;
  /** When the oldest fact that waits happened; undefined: none waits. */
  readonly oldestMs?: number | undefined;
  /** Requests so far, and those of them that failed. */
  readonly attempts: number;
  readonly failures: number;
  /** Events that were accepted, and that became dead letters. */
  readonly delivered: number;
  readonly buried: number;
  readonly lastError?: string | undefined;
  readonly lastStatus?: number | undefined;
  readonly lastAttemptMs?: number | undefined;
}

/** Dead letters of one webhook that are kept. */
export interface DeadLetterBounds {
  readonly max: number;
  readonly maxAgeMs: number;
}

/**
 * Facts for webhooks, kept until each webhook of the app has them: one outbox for all nodes. The entries of a channel are in one of its
 * partitions, in the order in which the facts became true.
 *
 * An implementation
 * - MUST add the entry of an edge in the step that makes the edge, where a webhook wants to know of it (`wantsOf`);
 * - MUST hold back `channel_vacated`, `member_removed` and `user_offline` for the grace period, and add neither them nor the following
 *   `channel_occupied`, `member_added` or `user_online` when that comes within it. Nobody needs to be there for it but the outbox;
 * - MUST keep an entry until it is removed, and give it to one node at a time;
 * - MUST NOT give an id twice.
 */
export interface Outbox {
  /** Adds an entry for an event of a client, or for a dead letter that is sent again. Answered when a crash of this node can't lose it. */
  append(appId: string, event: WebhookEvent, replayed?: OutboxEntry['replayed']): MaybePromise<void>;
  /** Adds an entry unless there was one for the channel a moment ago: many clients may miss the same event at once. */
  appendMiss(appId: string, channel: string): MaybePromise<void>;

  /**
   * Has this node work on entries from now on: it claims partitions once a second. Called when clients can come: what went on when a process
   * before this one ended, and ended with it, is held back from here on.
   *
   * @param wake - called when there may be something to read
   */
  work(wake: () => void): void;
  /** Renews this node's claim to its share of the partitions; they are its own for 5 s. Those that it had and are not among them any more belong to another node. */
  claim(): MaybePromise<readonly number[]>;
  /** Gives all partitions to other nodes. */
  release(): MaybePromise<void>;
  /**
   * This node's clients are gone, and it is about to end. What would end with it and is held back becomes due at once: nobody can come back
   * any more.
   *
   * @returns how many entries would end with it; 0 for an outbox that outlives all nodes
   */
  conclude(): MaybePromise<number>;
  /**
   * Entries of a partition that this node claimed, in order, with what is due by now.
   *
   * @param afterId - of the last one that was read; '' for the beginning
   */
  read(partition: number, afterId: string, max: number): MaybePromise<readonly OutboxEntry[]>;
  /** A webhook has the entry, and others don't yet. */
  noteTold(partition: number, id: string, webhookId: string): MaybePromise<void>;
  remove(partition: number, ids: readonly string[]): MaybePromise<void>;

  /** Keeps dead letters, in place of the oldest where there are too many. */
  bury(letters: readonly DeadLetter[], bounds: DeadLetterBounds): MaybePromise<void>;
  /** The dead letters of a webhook, oldest first. */
  deadLetters(appId: string, webhookId: string): MaybePromise<readonly DeadLetter[]>;
  /** How many each webhook of an app has; also those of webhooks that the app no longer has. */
  deadLetterCounts(appId: string): MaybePromise<ReadonlyMap<string, number>>;
  /** Takes dead letters out; without ids all of a webhook. Answers those that there were. */
  exhume(appId: string, webhookId: string, ids?: readonly string[]): MaybePromise<readonly DeadLetter[]>;

  /** Tells how this node's webhooks do, once a second where something changed. Forgotten after a minute. */
  report(states: readonly WebhookState[]): MaybePromise<void>;
  /** What all nodes told of an app's webhooks, one for each webhook and node. */
  states(appId: string): MaybePromise<readonly WebhookState[]>;
  close(): MaybePromise<void>;
}

/** The event that an edge is told as. */
export function eventOf(edge: Edge): WebhookEvent {
  switch (edge.kind) {
    case 'channel_occupied':
    case 'channel_vacated':
      return { name: edge.kind, channel: edge.channel };
    case 'member_added':
    case 'member_removed':
      return { name: edge.kind, channel: edge.channel, user_id: edge.userId };
    case 'subscription_count':
      return { name: edge.kind, channel: edge.channel, subscription_count: edge.subscriptionCount };
    case 'user_online':
    case 'user_offline':
      return { name: edge.kind, channel: '', user_id: edge.userId };
  }
}
