import type { App } from '../../channels/app.ts';
import type { ChannelSummary } from '../../channels/channel-store.ts';
import { keepSecondsOf } from '../../channels/feed.ts';
import type { Node } from '../../channels/node.ts';
import { type ChannelKind, channelKindOf } from '../../protocol/channel-name.ts';
import { isJsonObject, parseJson } from '../../protocol/json.ts';
import type { ChannelDetail, ChannelKindName, ChannelPage, ChannelRow, LastEventRow, MemberPage } from './contract.ts';

/** Which channels of an app are wanted. */
export interface ChannelQuery {
  readonly prefix: string;
  readonly kind?: ChannelKindName | undefined;
  readonly after?: string | undefined;
  readonly limit: number;
}

export interface PageQuery {
  readonly after?: string | undefined;
  readonly limit: number;
}

const MAX_DATA_LENGTH = 4096;

/** `private-encrypted-cache` and so on; channels of signed-in users are none of the names that operators choose from, and count as public. */
export function kindNameOf({ prefix, isUser }: ChannelKind): ChannelKindName {
  return prefix === '' || isUser ? 'public' : (prefix.slice(0, -1) as ChannelKindName);
}

/** Occupied channels of an app, by name. */
export async function channelPage(node: Node, appId: string, query: ChannelQuery): Promise<ChannelPage> {
  const occupied = await node.store.occupied(appId, query.prefix);
  const rows = occupied.map(rowOf).filter(({ kind }) => query.kind === undefined || kind === query.kind);
  const { items, next } = pageOf(rows, ({ name }) => name, query);
  return { channels: items, total: rows.length, next };
}

/** A channel, which need not be occupied. */
export async function channelDetail(node: Node, app: App, channel: string, query: PageQuery): Promise<ChannelDetail> {
  const { isPresence } = channelKindOf(channel);
  const [summary, members, lastEvent] = await Promise.all([
    node.store.summary(app.id, channel),
    isPresence ? memberPage(node, app.id, channel, query) : null,
    lastEventOf(node, app.id, channel),
  ]);
  return { ...rowOf(summary), members, lastEvent, keepsLastEvent: keepSecondsOf(app, channel) !== undefined };
}

async function memberPage(node: Node, appId: string, channel: string, query: PageQuery): Promise<MemberPage> {
  const { members } = await node.store.members(appId, channel);
  const { items, next } = pageOf(members, ({ userId }) => userId, query);
  const rows = items.map(({ userId, userInfoJson }) => ({ id: userId, info: userInfoJson ?? null }));
  return { members: rows, total: members.length, next };
}

async function lastEventOf(node: Node, appId: string, channel: string): Promise<LastEventRow | null> {
  const last = await node.broker.lastEvent(appId, channel);
  if (!last) return null;
  const { event, data } = readFrame(last.frame);
  return {
    event,
    data: data.slice(0, MAX_DATA_LENGTH),
    bytes: Buffer.byteLength(data),
    remainingSeconds: last.remainingSeconds,
  };
}

function readFrame(frame: string): { readonly event: string; readonly data: string } {
  const message = parseJson(frame);
  if (!isJsonObject(message)) return { event: '', data: frame };
  const { event, data } = message;
  return { event: String(event), data: typeof data === 'string' ? data : (JSON.stringify(data) ?? '') };
}

function rowOf({ channel, subscriptionCount, userCount }: ChannelSummary): ChannelRow {
  const kind = channelKindOf(channel);
  return {
    name: channel,
    kind: kindNameOf(kind),
    subscriptions: subscriptionCount,
    users: kind.isPresence ? userCount : null,
  };
}

/** A part of a list in the order of its names. */
function pageOf<T>(
  all: readonly T[],
  nameOf: (item: T) => string,
  { after = '', limit }: PageQuery,
): { readonly items: readonly T[]; readonly next: string | null } {
  const items = all
    .filter((item) => nameOf(item) > after)
    .sort((one, other) => (nameOf(one) < nameOf(other) ? -1 : 1))
    .slice(0, limit + 1);
  const hasMore = items.length > limit;
  if (hasMore) items.pop();
  const last = items.at(-1);
  return { items, next: hasMore && last ? nameOf(last) : null };
}
