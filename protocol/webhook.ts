/**
 * An event of a webhook, as the application receives it in `events`. The names of the fields are Pusher's.
 *
 * @see Pusher, "Webhooks"; `user_online` and `user_offline` are Kulkul's own: SDKs read `channel` of every event, so it is there, empty
 */
export type WebhookEvent =
  | { readonly name: 'channel_occupied' | 'channel_vacated' | 'cache_miss'; readonly channel: string }
  | { readonly name: 'member_added' | 'member_removed'; readonly channel: string; readonly user_id: string }
  | {
      readonly name: 'client_event';
      readonly channel: string;
      readonly event: string;
      readonly data: string;
      readonly socket_id: string;
      /** The sender, on presence channels only. */
      readonly user_id?: string;
      /** Not for the application: the trace that the event is part of, as W3C Trace Context writes it. */
      readonly traceparent?: string;
    }
  | { readonly name: 'subscription_count'; readonly channel: string; readonly subscription_count: number }
  | { readonly name: 'user_online' | 'user_offline'; readonly channel: ''; readonly user_id: string };

export type WebhookEventType = WebhookEvent['name'];

export const WEBHOOK_EVENT_TYPES = [
  'channel_occupied',
  'channel_vacated',
  'member_added',
  'member_removed',
  'client_event',
  'cache_miss',
  'subscription_count',
  'user_online',
  'user_offline',
] as const satisfies readonly WebhookEventType[];

/** Which events a webhook of an app is for. */
export interface WebhookFilter {
  readonly eventTypes: readonly WebhookEventType[];
  /** The channel's name begins with one of these; empty: any. Events without a channel pass. */
  readonly startsWith: readonly string[];
  /** Likewise. */
  readonly endsWith: readonly string[];
}

/** A URL that an app wants to be told at. */
export interface Webhook extends WebhookFilter {
  /** Stable as long as the URL is the same: a digest of it. Unique in its app. */
  readonly id: string;
  readonly url: string;
  /** Sent with each request, beside those that the protocol sets. */
  readonly headers: Readonly<Record<string, string>>;
}

export function isForWebhook(
  { eventTypes, startsWith, endsWith }: WebhookFilter,
  type: WebhookEventType,
  channel: string,
): boolean {
  if (!eventTypes.includes(type)) return false;
  if (channel === '') return true;
  return (
    (startsWith.length === 0 || startsWith.some((text) => channel.startsWith(text))) &&
    (endsWith.length === 0 || endsWith.some((text) => channel.endsWith(text)))
  );
}

/**
 * The body of a request.
 *
 * @param timeMs - when the first of the events happened, in milliseconds since 1970
 * @param events - at least one, each as JSON text
 */
export function encodeWebhookBody(timeMs: number, events: readonly string[]): string {
  return `{"time_ms":${timeMs},"events":[${events.join(',')}]}`;
}
