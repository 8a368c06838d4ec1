import { channelKindOf } from '../protocol/channel-name.ts';
import { ApiError } from '../protocol/errors.ts';
import { isJsonObject, parseJson } from '../protocol/json.ts';
import type { WireMember } from '../protocol/server-message.ts';
import { type InfoAttribute, infoProblem, type TriggerInfo } from '../protocol/trigger.ts';
import type { App } from './app.ts';
import type { LastEvent, Receivers } from './broker.ts';
import type { ChannelSummary } from './channel-store.ts';
import { after, type MaybePromise } from './maybe-promise.ts';
import type { Node } from './node.ts';

/** Attributes of a channel as the HTTP API names them. */
export interface ChannelFacts {
  occupied?: boolean;
  user_count?: number;
  subscription_count?: number;
  cache?: { data: string; ttl: number } | null;
  receivers?: Receivers;
}

/**
 * One channel, as `GET /channels/:name` tells it.
 *
 * @throws {ApiError} 400 for an attribute that the channel does not have
 */
export function channelFacts(
  node: Node,
  app: App,
  channel: string,
  info: ReadonlySet<InfoAttribute>,
): MaybePromise<ChannelFacts> {
  for (const attribute of info) {
    const problem = infoProblem(attribute, channelKindOf(channel));
    if (problem) throw new ApiError('info-not-applicable', 400, problem);
  }
  return after(node.store.summary(app.id, channel), (summary) => {
    const facts = { occupied: summary.subscriptionCount > 0, ...counts(summary, info) };
    if (!info.has('cache')) return facts;
    return after(node.broker.lastEvent(app.id, channel), (last) => ({ ...facts, cache: cacheFact(last) }));
  });
}

/**
 * What of `info` applies to a channel that was just published to; the rest is left out without an error.
 *
 * @param receivers - who the event was handed to, where that was asked for
 */
export function publishedFacts(
  node: Node,
  app: App,
  channel: string,
  info: ReadonlySet<TriggerInfo>,
  receivers?: Receivers,
): MaybePromise<ChannelFacts> {
  const kind = channelKindOf(channel);
  const applicable = new Set<InfoAttribute>();
  for (const name of info) {
    if (name !== 'receivers' && name !== 'cache' && !infoProblem(name, kind)) applicable.add(name);
  }
  const told = receivers ? { receivers } : {};
  if (applicable.size === 0) return told;
  return after(node.store.summary(app.id, channel), (summary) => ({ ...counts(summary, applicable), ...told }));
}

/**
 * Occupied application channels, as `GET /channels` tells them.
 *
 * @throws {ApiError} 400 for an attribute that not all channels with the prefix have
 */
export function occupiedChannels(
  node: Node,
  app: App,
  prefix: string,
  info: ReadonlySet<InfoAttribute>,
): MaybePromise<Record<string, ChannelFacts>> {
  if (info.has('user_count') && !prefix.startsWith('presence-')) {
    throw new ApiError(
      'info-not-applicable',
      400,
      'user_count may only be requested for presence channels - please supply filter_by_prefix begining with presence-',
    );
  }
  if (info.has('cache')) {
    throw new ApiError('info-not-applicable', 400, 'cache may only be requested for a single channel');
  }
  return after(node.store.occupied(app.id, prefix), (summaries) =>
    Object.fromEntries(summaries.map((summary) => [summary.channel, counts(summary, info)])),
  );
}

/**
 * Members of a presence channel, each user once.
 *
 * @throws {ApiError} 400 for a channel of another kind
 */
export function presenceMembers(node: Node, app: App, channel: string): MaybePromise<readonly WireMember[]> {
  if (!channelKindOf(channel).isPresence) {
    throw new ApiError(
      'not-presence',
      400,
      `Users can only be retrieved for presence channels, and ${channel} is none`,
    );
  }
  return after(node.store.members(app.id, channel), ({ members }) => members);
}

function counts(summary: ChannelSummary, info: ReadonlySet<InfoAttribute>): ChannelFacts {
  return {
    ...(info.has('user_count') && { user_count: summary.userCount }),
    ...(info.has('subscription_count') && { subscription_count: summary.subscriptionCount }),
  };
}

/** The kept frame is the one that subscribers get; its `data` is taken out for this rare question only. */
function cacheFact(last: LastEvent | undefined): { data: string; ttl: number } | null {
  const frame = last && parseJson(last.frame);
  if (!last || !isJsonObject(frame)) return null;
  return { data: String(frame.data), ttl: last.remainingSeconds };
}
