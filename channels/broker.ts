import { Refusal } from '../protocol/errors.ts';
import type { WireMember } from '../protocol/server-message.ts';
import type { WebhookEvent } from '../protocol/webhook.ts';
import type { MaybePromise } from './maybe-promise.ts';

/** A frame on its way to the subscribers of a channel. Built once by the node that accepted the event. */
export interface BrokerMessage {
  readonly appId: string;
  readonly channel: string;
  /** The text that subscribers receive, or a message between nodes. */
  readonly frame: string;
  /** The connection that must not receive it, on whichever node it is. */
  readonly exceptSocketId?: string | undefined;
  /** How long this stays the channel's last event, in seconds. */
  readonly keepSeconds?: number | undefined;
  /** How long this stays the channel's last event of its name, whatever other events come after it. */
  readonly keepNamed?: { readonly name: string; readonly seconds: number } | undefined;
  /** Set when the frame tells that a member of a presence channel came or went, or when there is only this to tell, for nodes: no frame. */
  readonly member?: MemberChange | undefined;
  /** What webhooks are to be told of it: added to the outbox in the step that publishes it, and not delivered. */
  readonly webhookEvent?: WebhookEvent | undefined;
  /** The step of a trace that published it, as W3C Trace Context writes it; only where the trace is recorded. */
  readonly traceparent?: string | undefined;
  /**
   * Where the message stands in its channel; only ever grows, and means one message only. Brokers whose answers keep the
   * messages' order need not have any but on messages that are kept.
   */
  readonly position?: number | undefined;
  /**
   * When it was published, of those whose way is timed: milliseconds since 1970, with fractions, by a clock that all nodes of this broker have in common.
   */
  readonly publishedMs?: number | undefined;
}

/** `updated`: the connection whose data the member had is gone, and another has other data. Clients are not told. */
export interface MemberChange {
  readonly change: 'added' | 'removed' | 'updated';
  readonly member: WireMember;
}

/** Who an event was handed to. A worker is a node of its own. */
export interface Receivers {
  /** Readers of feeds among them; without the one that must not receive it. */
  readonly connections: number;
  /** Nodes that have at least one of these connections. */
  readonly nodes: number;
}

/** How many connections of a node received a message that it was just given. */
export type CountReceivers = (message: BrokerMessage) => number;

export interface LastEvent {
  readonly frame: string;
  /** Rounded up, so 1 at least. */
  readonly remainingSeconds: number;
  readonly position: number;
}

/** What is behind a seam can't be reached now; the caller is not at fault. The text says why, for people. */
export class SeamUnavailable extends Refusal {
  override readonly name: string = 'SeamUnavailable';

  /** What anybody may know of it. */
  get told(): string {
    return this.message;
  }

  /** Where it is and why, for operators only. */
  get detail(): string {
    return this.message;
  }
}

/**
 * Moves messages to the nodes with subscribers of a channel, and keeps the last event of a channel, or the last one of a name, where it is told to.
 *
 * An implementation
 * - MUST hand every message of a channel that this node subscribed to, and that was published after `subscribe` was
 *   answered, to the listener exactly once, messages of this node included;
 * - MUST keep one order per channel on all nodes;
 * - MUST carry out `subscribe` and `unsubscribe` of a channel in the order they were called, answered or not;
 * - MUST leave the channel when it rejects `subscribe`, and when it rejects `unsubscribe`;
 * - MUST add the `webhookEvent` of a message to the outbox exactly when it publishes the message;
 * - MUST answer `publish` without a promise when it is done, and with a rejected one when delivery can't be promised;
 * - MUST NOT bring messages over from other nodes for channels that nobody here subscribed to (a late one after `unsubscribe` is
 *   allowed); the node passes over what it has no channel for.
 */
export interface Broker {
  /**
   * Whether an answer of a seam may be here before messages that were published earlier. If so, messages and answers
   * carry positions; else answers and messages come in one order.
   */
  readonly answersMayOvertake: boolean;
  /** How long a node stays in a channel that its last connection left, in milliseconds. 0 where leaving costs nothing. */
  readonly lingerMs: number;
  /**
   * Sets who receives messages. Called once, before anything else.
   *
   * @param count - asked only about what is published by `publishCounted`, right after it was delivered
   */
  listen(deliver: (message: BrokerMessage) => void, count?: CountReceivers): void;
  /**
   * Listens to a channel.
   *
   * @returns the position up to which messages are not handed over, as they were published before; where messages have one
   */
  subscribe(appId: string, channel: string): MaybePromise<number | undefined>;
  unsubscribe(appId: string, channel: string): MaybePromise<void>;
  publish(message: BrokerMessage): MaybePromise<void>;
  /**
   * Likewise, and tells who received it. Where counts of other nodes are read rather than asked for, they are those that the
   * nodes have written: up to a tenth of a second old, and with the connection that must not receive the message if that is on another node.
   */
  publishCounted(message: BrokerMessage): MaybePromise<Receivers>;
  /** @param name - of the event that is meant; undefined: whichever was kept as the channel's last one */
  lastEvent(appId: string, channel: string, name?: string): MaybePromise<LastEvent | undefined>;
  close(): MaybePromise<void>;
}
