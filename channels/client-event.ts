import { grantRefusal } from '../auth/channel-rules.ts';
import { channelKindOf } from '../protocol/channel-name.ts';
import { ERROR_CODES, PusherError } from '../protocol/errors.ts';
import { exceedsBytes, quote } from '../protocol/json.ts';
import { encodeClientEvent } from '../protocol/server-message.ts';
import type { WebhookEvent } from '../protocol/webhook.ts';
import type { Connection, Subscription } from './connection.ts';
import { othersIn } from './local-channel.ts';
import { after, type MaybePromise } from './maybe-promise.ts';
import type { Node } from './node.ts';
import { retryAdvice } from './rate-limits.ts';
import { sendTraced } from './tracer.ts';
import { WANTS, wantsOf } from './webhook-wants.ts';

export interface ClientEvent {
  readonly event: string;
  readonly channel: string;
  /** A string as it was sent; anything else as the JSON text that was sent. */
  readonly data: string;
}

/**
 * Passes an event of a client on to the other subscribers of its private or presence channel.
 *
 * @throws {PusherError} not allowed, too large, or too fast (4301); nobody receives it then
 * @see Pusher, "Client events"
 */
export function clientEvent(
  node: Node,
  connection: Connection,
  { event, channel, data }: ClientEvent,
): MaybePromise<void> {
  const { app, socketId } = connection;
  if (!app.enableClientMessages) {
    throw new PusherError(
      'client-events-disabled',
      'To send client events, you must enable this feature in the Settings page of your dashboard. ' +
        '(Here: the app option enableClientMessages)',
    );
  }
  const kind = channelKindOf(channel);
  if (!kind.isPrivate && !kind.isPresence) {
    throw new PusherError(
      'client-event-channel',
      'Client event rejected - only supported on private and presence channels',
    );
  }
  const subscription = connection.subscriptions.get(channel);
  if (!subscription) {
    throw new PusherError(
      'client-event-not-subscribed',
      `Cannot broadcast client event (connection not subscribed to channel ${quote(channel, 200)})`,
    );
  }
  checkRule(connection, subscription, channel);
  checkSize(connection, event, data);
  checkRate(node, connection);
  const userId = subscription.member?.userId;
  const message = {
    appId: app.id,
    channel,
    frame: encodeClientEvent(event, channel, data, userId),
    exceptSocketId: socketId,
    webhookEvent: webhookEventOf(connection, { event, channel, data }, userId),
    publishedMs: node.publishTime?.(),
  };
  const published = node.tracer
    ? sendTraced(node.tracer, 'client event', undefined, message, (sent) => node.broker.publish(sent))
    : node.broker.publish(message);
  if (!node.observer.clientEvent) return published;
  return after(published, () => {
    const { channel } = subscription;
    const receiversHere = othersIn(channel, connection);
    node.observer.clientEvent?.({ connection, channel, event, data, userId, receiversHere });
  });
}

/** What webhooks of the app are to be told; undefined: nothing. */
function webhookEventOf(
  { app, socketId }: Connection,
  { event, channel, data }: ClientEvent,
  userId: string | undefined,
): WebhookEvent | undefined {
  if ((wantsOf(app.webhooks, channel) & WANTS.clientEvents) === 0) return undefined;
  const told = { name: 'client_event', channel, event, data, socket_id: socketId } as const;
  return userId === undefined ? told : { ...told, user_id: userId };
}

/** Subscribers with the application's signature may always send. */
function checkRule({ app }: Connection, { grant, isSigned }: Subscription, channel: string): void {
  if (!grant || isSigned) return;
  const refusal = grantRefusal(app.channelRules, 'clientEvents', channel, grant);
  if (refusal !== undefined) throw new PusherError('client-event-not-allowed', refusal);
}

function checkSize({ app: { limits } }: Connection, event: string, data: string): void {
  if (event.length > limits.maxEventNameLength) {
    throw new PusherError(
      'client-event-name',
      `Client event rejected: its name is ${event.length} characters long, limit ${limits.maxEventNameLength} ` +
        '(eventLimits.maxNameLength)',
    );
  }
  if (exceedsBytes(data, limits.maxEventPayloadBytes)) {
    throw new PusherError(
      'client-event-too-large',
      `Client event rejected: its data is ${Buffer.byteLength(data)} bytes, limit ${limits.maxEventPayloadBytes} ` +
        '(eventLimits.maxPayloadInKb)',
    );
  }
}

function checkRate(node: Node, connection: Connection): void {
  const own = connection.clientEvents(node.clock);
  const wait = own.take(1);
  if (wait > 0) throw tooFast(`${own.perSecond} per second and connection`, wait);
  const shared = node.rateLimits.of(connection.app).clientEvents;
  const sharedWait = shared.take(1);
  if (sharedWait > 0) throw tooFast(`${shared.perSecond} per second for the whole app`, sharedWait);
}

function tooFast(limit: string, waitMs: number): PusherError {
  return new PusherError(
    'client-event-rate',
    `Client event rejected due to rate limit: ${limit}, ${retryAdvice(waitMs)}`,
    ERROR_CODES.clientEventRate,
  );
}
