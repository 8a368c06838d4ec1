import type { WireMember } from '../../protocol/server-message.ts';

/** A connection in a presence channel, or signed in (then the channel is the one on which its user is watched). */
export interface MemberEntry {
  readonly appId: string;
  readonly channel: string;
  readonly socketId: string;
  readonly userId: string;
  readonly isSignIn: boolean;
}

/** The facts about a node's own connections. */
export interface OwnMember extends MemberEntry {
  /** Undefined for a sign-in. */
  readonly member: WireMember | undefined;
  /** Whether to publish that the user came. */
  readonly isAnnounced: boolean;
  /** When Redis first knew of a member, in microseconds: its place among the user's connections. */
  arrival?: string | undefined;
}

/** `[app, channel, socket, user, 1 for a sign-in]` as JSON: how an entry stands in Redis under its node. */
export function encodeMemberEntry({ appId, channel, socketId, userId, isSignIn }: MemberEntry): string {
  return JSON.stringify([appId, channel, socketId, userId, isSignIn ? 1 : 0]);
}

/** Undefined for text that is none of ours. */
export function parseMemberEntry(text: string): MemberEntry | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (!Array.isArray(value)) return undefined;
    const [appId, channel, socketId, userId, signIn] = value as unknown[];
    if (typeof appId !== 'string' || typeof channel !== 'string') return undefined;
    if (typeof socketId !== 'string' || typeof userId !== 'string') return undefined;
    return { appId, channel, socketId, userId, isSignIn: signIn === 1 };
  } catch {
    return undefined;
  }
}

/** `app/channel`, and back: app ids hold no `/`. */
export function encodeChannelId(appId: string, channel: string): string {
  return `${appId}/${channel}`;
}

export function parseChannelId(id: string): { appId: string; channel: string } {
  const slash = id.indexOf('/');
  return { appId: id.slice(0, slash), channel: id.slice(slash + 1) };
}
