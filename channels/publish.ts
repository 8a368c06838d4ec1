import { channelKindOf } from '../protocol/channel-name.ts';
import { ApiError } from '../protocol/errors.ts';
import { eventEncoder } from '../protocol/server-message.ts';
import type { Trigger } from '../protocol/trigger.ts';
import type { App } from './app.ts';
import type { BrokerMessage, Receivers } from './broker.ts';
import { keepNamedOf, keepSecondsOf } from './feed.ts';
import { othersIn, topicOf } from './local-channel.ts';
import { after, afterAll, type MaybePromise } from './maybe-promise.ts';
import type { Node } from './node.ts';
import type { Published, PublishedChannel, Publisher } from './observer.ts';
import { retryAdvice } from './rate-limits.ts';
import { type Span, sendTraced } from './tracer.ts';

/**
 * Publishes an application's event on its channels. The frame is encoded once per channel; delivery is native.
 *
 * @param span - the request that publishes it, where that is traced
 * @returns without a promise when every subscriber's delivery is under way
 */
export function publish(
  node: Node,
  app: App,
  trigger: Trigger,
  publisher?: Publisher,
  span?: Span,
): MaybePromise<void> {
  const encode = eventEncoder(trigger.name, trigger.data);
  const publishedMs = node.publishTime?.();
  let pending: Promise<void>[] | undefined;
  for (const channel of trigger.channels) {
    const message = messageOf(app, trigger, channel, encode(channel), publishedMs);
    const published = span
      ? traced(node, span, message, (sent) => node.broker.publish(sent))
      : node.broker.publish(message);
    if (published instanceof Promise) {
      pending ??= [];
      pending.push(published);
    }
  }
  if (pending) return Promise.all(pending).then(() => tell(node, app, trigger, publisher));
  tell(node, app, trigger, publisher);
}

/**
 * `publish`, for who wants to know how many connections of how many nodes the event was handed to. It asks the broker for more than that does.
 *
 * @returns for each channel, in their order
 */
export function publishCounted(
  node: Node,
  app: App,
  trigger: Trigger,
  publisher?: Publisher,
  span?: Span,
): MaybePromise<readonly Receivers[]> {
  const encode = eventEncoder(trigger.name, trigger.data);
  const publishedMs = node.publishTime?.();
  const counted = trigger.channels.map((channel) => {
    const message = messageOf(app, trigger, channel, encode(channel), publishedMs);
    if (!span) return node.broker.publishCounted(message);
    return traced(node, span, message, (sent) => node.broker.publishCounted(sent));
  });
  return after(afterAll(counted), (receivers) => {
    tell(node, app, trigger, publisher);
    return receivers;
  });
}

/** Each channel is a step of its own. */
function traced<T>(
  { tracer }: Node,
  { traceparent }: Span,
  message: BrokerMessage,
  send: (message: BrokerMessage) => MaybePromise<T>,
): MaybePromise<T> {
  return tracer ? sendTraced(tracer, 'publish', traceparent, message, send) : send(message);
}

function messageOf(
  app: App,
  { name, socketId }: Trigger,
  channel: string,
  frame: string,
  publishedMs: number | undefined,
): BrokerMessage {
  return {
    appId: app.id,
    channel,
    frame,
    exceptSocketId: socketId,
    keepSeconds: keepSecondsOf(app, channel),
    keepNamed: keepNamedOf(app, channel, name),
    publishedMs,
  };
}

function tell(node: Node, app: App, trigger: Trigger, publisher: Publisher | undefined): void {
  node.observer.published?.(new PublishedEvent(node, app, trigger, publisher));
}

/** What is told of an event. Only those who look at its channels have them looked up. */
class PublishedEvent implements Published {
  readonly app: App;
  readonly publisher: Publisher | undefined;
  readonly #node: Node;
  readonly #trigger: Trigger;

  constructor(node: Node, app: App, trigger: Trigger, publisher: Publisher | undefined) {
    this.#node = node;
    this.app = app;
    this.#trigger = trigger;
    this.publisher = publisher;
  }

  get event(): string {
    return this.#trigger.name;
  }

  get data(): string {
    return this.#trigger.data;
  }

  get channelNames(): readonly string[] {
    return this.#trigger.channels;
  }

  get bytes(): number {
    return Buffer.byteLength(this.data);
  }

  get channels(): readonly PublishedChannel[] {
    const { channels, connections } = this.#node;
    const { socketId } = this.#trigger;
    const except = socketId === undefined ? undefined : connections.get(socketId);
    return this.#trigger.channels.map((name) => {
      const channel = channels.get(topicOf(this.app.id, name));
      return { name, kind: channelKindOf(name), receiversHere: channel ? othersIn(channel, except) : 0 };
    });
  }
}

/**
 * Takes what a request publishes from the app's allowance: each channel of each event counts.
 *
 * @throws {ApiError} 429
 */
export function takeBackendEvents(node: Node, app: App, triggers: readonly Trigger[]): void {
  const limit = node.rateLimits.of(app).backendEvents;
  const count = triggers.reduce((sum, { channels }) => sum + channels.length, 0);
  const wait = limit.take(count);
  if (wait > 0) {
    throw rateLimited(
      `${count} events to publish, limit ${limit.perSecond} per second (maxBackendEventsPerSecond)`,
      wait,
    );
  }
}

/** @throws {ApiError} 429 */
export function takeReadRequest(node: Node, app: App): void {
  const limit = node.rateLimits.of(app).readRequests;
  const wait = limit.take(1);
  if (wait > 0) throw rateLimited(`limit ${limit.perSecond} read requests per second (maxReadRequestsPerSecond)`, wait);
}

function rateLimited(what: string, waitMs: number): ApiError {
  const seconds = Number.isFinite(waitMs) ? Math.ceil(waitMs / 1000) : undefined;
  return new ApiError('rate-limited', 429, `Too many requests: ${what}; ${retryAdvice(waitMs)}`, seconds);
}
