import { signWebhook } from '../../auth/webhook-signature.ts';
import type { App } from '../../channels/app.ts';
import { encodeWebhookBody, type Webhook, type WebhookEvent } from '../../protocol/webhook.ts';
import type { WebhookRequest } from './sender.ts';

/** An event as it is sent. */
export interface SentEvent {
  /** By which receivers know one that they had already. */
  readonly id: string;
  readonly event: WebhookEvent;
  /** When the fact happened, in milliseconds since 1970. */
  readonly timeMs: number;
}

/** What the request says itself, and what HTTP says of a connection: not for the headers of an app. */
const OWN_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'content-type',
  'expect',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-kulkul-event-ids',
  'x-kulkul-test',
  'x-pusher-key',
  'x-pusher-signature',
]);

/**
 * The request that tells a webhook of events.
 *
 * @param events - at least one, in order
 * @param more - further headers
 * @see Pusher, "Webhooks"; the Node SDK compares the content type to the letter
 */
export function webhookRequest(
  { keys, allowsPrivateTargets }: App,
  webhook: Webhook,
  events: readonly SentEvent[],
  more: Readonly<Record<string, string>> = {},
): WebhookRequest {
  const timeMs = Math.min(...events.map((event) => event.timeMs));
  const body = encodeWebhookBody(
    timeMs,
    events.map(({ event }) => JSON.stringify(withoutTrace(event))),
  );
  const [pair] = keys;
  if (!pair) throw new TypeError('an app has a key');
  const own = Object.entries(webhook.headers).filter(([name]) => !OWN_HEADERS.has(name.toLowerCase()));
  const headers = lastOfEach([
    ['User-Agent', 'Kulkul'],
    ...own,
    ['Content-Type', 'application/json'],
    ...Object.entries(signWebhook(pair, body)),
    ['X-Kulkul-Event-Ids', events.map(({ id }) => id).join(',')],
    ...Object.entries(more),
  ]);
  return {
    url: webhook.url,
    headers,
    body,
    mayBePrivate: allowsPrivateTargets,
    traces: events.flatMap(({ event }) => traceOf(event) ?? []),
  };
}

function traceOf(event: WebhookEvent): string | undefined {
  return event.name === 'client_event' ? event.traceparent : undefined;
}

function withoutTrace(event: WebhookEvent): WebhookEvent {
  if (event.name !== 'client_event' || event.traceparent === undefined) return event;
  const { traceparent: _, ...told } = event;
  return told;
}

type Header = readonly [name: string, value: string];

/** Names of headers are the same in any case. */
function lastOfEach(headers: readonly Header[]): Record<string, string> {
  const byName = new Map(headers.map((header) => [header[0].toLowerCase(), header]));
  return Object.fromEntries(byName.values());
}
