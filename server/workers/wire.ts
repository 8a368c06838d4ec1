import type { BrokerMessage, LastEvent, MemberChange } from '../../channels/broker.ts';
import type { ChannelSummary, Members } from '../../channels/channel-store.ts';
import type { Revocation } from '../../channels/revocations.ts';
import type { WireMember } from '../../protocol/server-message.ts';

/** What a worker has its host do. All of it is carried out in the order of the calls. */
export interface HostCalls {
  subscribe(appId: string, channel: string): undefined;
  unsubscribe(appId: string, channel: string): void;
  publish(...message: WireMessage): void;
  lastEvent(appId: string, channel: string): LastEvent | undefined;

  setSubscriptionCount(appId: string, channel: string, count: number): void;
  announceSubscriptionCount(appId: string, channel: string): void;
  summary(appId: string, channel: string): ChannelSummary;
  occupied(appId: string, prefix: string): readonly ChannelSummary[];
  join(appId: string, channel: string, socketId: string, member: WireMember, maxMembers: number): WireJoin;
  leave(appId: string, channel: string, socketId: string, userId: string): void;
  members(appId: string, channel: string): Members;
  signIn(appId: string, userId: string, socketId: string, isAnnounced: boolean): void;
  signOut(appId: string, userId: string, socketId: string, isAnnounced: boolean): void;
  online(appId: string, userIds: readonly string[]): readonly string[];
  addConnection(appId: string, max: number): boolean;
  removeConnection(appId: string): void;
  connectionCount(appId: string): number;

  revoke(revocation: Revocation): void;
  revocations(): readonly Revocation[];
}

/** All members; undefined when the channel is full. */
export type WireJoin = readonly WireMember[] | undefined;

/** A message of the broker, short: the way between processes is JSON. */
export type WireMessage = readonly [
  appId: string,
  channel: string,
  frame: string,
  exceptSocketId: string | null,
  keepSeconds: number | null,
  member: MemberChange | null,
  position: number | null,
];

/** A call; its id is 0 where no answer is wanted. */
export type ToHost = readonly [id: number, call: keyof HostCalls, args: readonly unknown[]];

/** A message of a channel that the worker subscribed to, or the answer to a call. */
export type ToWorker =
  | readonly [kind: 'message', ...message: WireMessage]
  | readonly [kind: 'answer', id: number, value: unknown]
  | readonly [kind: 'failed', id: number, reason: string];

export function encodeMessage(message: BrokerMessage): WireMessage {
  const { appId, channel, frame, exceptSocketId, keepSeconds, member, position } = message;
  return [appId, channel, frame, exceptSocketId ?? null, keepSeconds ?? null, member ?? null, position ?? null];
}

export function decodeMessage([
  appId,
  channel,
  frame,
  exceptSocketId,
  keepSeconds,
  member,
  position,
]: WireMessage): BrokerMessage {
  return {
    appId,
    channel,
    frame,
    exceptSocketId: exceptSocketId ?? undefined,
    keepSeconds: keepSeconds ?? undefined,
    member: member ?? undefined,
    position: position ?? undefined,
  };
}
