import { isForWebhook, type WebhookEventType, type WebhookFilter } from '../protocol/webhook.ts';
import type { Edge } from './edge.ts';

/**
 * Which kinds of facts about a channel some webhook of its app is to tell, as bits. Both ends of a fact are one kind: what comes back
 * within the grace period makes neither end known.
 */
export const WANTS = {
  /** `channel_occupied`, `channel_vacated`. */
  occupation: 1,
  /** `member_added`, `member_removed`. */
  members: 2,
  count: 4,
  /** `user_online`, `user_offline`. */
  users: 8,
  clientEvents: 16,
  cacheMisses: 32,
} as const;

const KIND_OF: Readonly<Record<WebhookEventType, number>> = {
  channel_occupied: WANTS.occupation,
  channel_vacated: WANTS.occupation,
  member_added: WANTS.members,
  member_removed: WANTS.members,
  client_event: WANTS.clientEvents,
  cache_miss: WANTS.cacheMisses,
  subscription_count: WANTS.count,
  user_online: WANTS.users,
  user_offline: WANTS.users,
};

/**
 * What is wanted of an app's channel. Nothing is told of the channels of users (`#…`).
 *
 * @param channel - '' for facts about users
 * @returns bits of `WANTS`
 */
export function wantsOf(webhooks: readonly WebhookFilter[], channel: string): number {
  if (webhooks.length === 0 || channel.startsWith('#')) return 0;
  let wants = 0;
  for (const webhook of webhooks) {
    for (const type of webhook.eventTypes) if (isForWebhook(webhook, type, channel)) wants |= KIND_OF[type];
  }
  return channel === '' ? wants & WANTS.users : wants & ~WANTS.users;
}

/** The bit of an edge. */
export function wantOf({ kind }: Edge): number {
  return KIND_OF[kind];
}
