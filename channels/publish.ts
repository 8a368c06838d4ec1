import { ApiError } from '../protocol/errors.ts';
import { eventEncoder } from '../protocol/server-message.ts';
import type { Trigger } from '../protocol/trigger.ts';
import type { App } from './app.ts';
import { keepSecondsOf } from './feed.ts';
import { topicOf } from './local-channel.ts';
import type { MaybePromise } from './maybe-promise.ts';
import type { Node } from './node.ts';
import { retryAdvice } from './rate-limits.ts';

/**
 * Publishes an application's event on its channels. The frame is encoded once per channel; delivery is native.
 *
 * @returns without a promise when every subscriber's delivery is under way
 */
export function publish(node: Node, app: App, trigger: Trigger): MaybePromise<void> {
  node.observer.published?.({
    app,
    event: trigger.name,
    channels: trigger.channels,
    receiversHere: receiversHere(node, app, trigger),
  });
  const encode = eventEncoder(trigger.name, trigger.data);
  let pending: Promise<void>[] | undefined;
  for (const channel of trigger.channels) {
    const published = node.broker.publish({
      appId: app.id,
      channel,
      frame: encode(channel),
      exceptSocketId: trigger.socketId,
      keepSeconds: keepSecondsOf(app, channel),
    });
    if (published instanceof Promise) {
      pending ??= [];
      pending.push(published);
    }
  }
  if (pending) return Promise.all(pending).then(() => undefined);
}

function receiversHere(node: Node, app: App, { channels }: Trigger): number {
  return channels.reduce(
    (sum, channel) => sum + (node.channels.get(topicOf(app.id, channel))?.connections.size ?? 0),
    0,
  );
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
