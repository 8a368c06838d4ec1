import type { BrokerMessage, MemberChange } from '../../channels/broker.ts';
import { parseJson } from '../../protocol/json.ts';
import type { WireMember } from '../../protocol/server-message.ts';
import { LAYOUT } from './keys.ts';

/**
 * What travels over a topic: a header line, then the frame as clients get it. Fields of the header are parted by tabs: position, position of the event
 * before, version (`LAYOUT`), then any number of others, which begin with a letter or sign that tells what they are. A reader passes over those that it
 * does not know.
 *
 * | `x1.2` | socket that must not get the frame |
 * | `k60` | the frame is the channel's last event for so many seconds |
 * | `n60"…"` | it is the last one of this name (a JSON string) for so many seconds |
 * | `c` | the frame tells a subscription count |
 * | `+[…]`, `-[…]`, `~[…]` | the member with this id was added, removed or updated |
 * | `i…` | `user_info` of that member |
 * | `t1764547200000.25` | when it was published, by the clock of Redis, in milliseconds since 1970 |
 * | `w00-…` | `traceparent` of the step that published it, where that is recorded |
 */
export interface WireMessage {
  /** Grows with each message of the channel, mostly by one. */
  readonly position: number;
  /** Position of the last event before this message; 0 when Redis knew of none. */
  readonly previousEvent: number;
  readonly exceptSocketId: string | undefined;
  /** The frame tells a subscription count. */
  readonly isCount: boolean;
  /** For how long the frame is the channel's last event, if it is. */
  readonly keepSeconds: number | undefined;
  readonly keepNamed: BrokerMessage['keepNamed'];
  readonly member: MemberChange | undefined;
  readonly publishedMs: number | undefined;
  readonly traceparent: string | undefined;
  readonly frame: string;
}

interface HeaderParts {
  readonly exceptSocketId?: string | undefined;
  readonly keepSeconds?: number | undefined;
  readonly keepNamed?: BrokerMessage['keepNamed'];
  readonly member?: MemberChange | undefined;
  readonly publishedMs?: number | undefined;
  readonly traceparent?: string | undefined;
}

/** Three hundred years: what is longer has no room in a header, nor in an expiry of Redis. */
export const MAX_KEEP_SECONDS = 9_999_999_999;

/** The part of the header that the sender writes; scripts put the positions before it. */
export function encodeHeader(parts: HeaderParts): string {
  const { exceptSocketId, keepSeconds, keepNamed, member, publishedMs, traceparent } = parts;
  let header = String(LAYOUT);
  if (exceptSocketId !== undefined) header += `\tx${exceptSocketId}`;
  if (keepSeconds !== undefined) header += `\tk${Math.ceil(keepSeconds)}`;
  if (keepNamed) header += `\tn${Math.ceil(keepNamed.seconds)}${JSON.stringify(keepNamed.name)}`;
  if (traceparent !== undefined) header += `\tw${traceparent}`;
  if (member) header += `\t${SIGNS[member.change]}${encodeMember(member.member)}`;
  if (publishedMs !== undefined) header += `\tt${publishedMs.toFixed(3)}`;
  return header;
}

const SIGNS = { added: '+', removed: '-', updated: '~' } as const;
/** Positions, and our version. */
const BEGINNING = new RegExp(`^(\\d{1,16})\\t(\\d{1,16})\\t${LAYOUT}(?=[\\t\\n])`);
const SOCKET_ID = /^\d+\.\d+$/;
const SECONDS = /^\d{1,10}$/;
const MILLISECONDS = /^\d{1,16}(\.\d{1,3})?$/;
const KEPT_NAME = /^(\d{1,10})(".*")$/s;

/** Undefined for anything that is no message of ours, or of another layout: others may use the same Redis. */
export function parseWireMessage(payload: string): WireMessage | undefined {
  const beginning = BEGINNING.exec(payload);
  if (!beginning) return undefined;
  const end = payload.indexOf('\n');
  const header = payload.slice(0, end);
  let exceptSocketId: string | undefined;
  let keepSeconds: number | undefined;
  let keepNamed: BrokerMessage['keepNamed'];
  let isCount = false;
  let change: MemberChange['change'] | undefined;
  let id = '';
  let info = '';
  let publishedMs: number | undefined;
  let traceparent: string | undefined;
  for (let start = beginning[0].length + 1; start <= end; ) {
    const tab = header.indexOf('\t', start);
    const next = tab < 0 ? end : tab;
    const value = header.slice(start + 1, next);
    switch (header[start]) {
      case 'x':
        if (!SOCKET_ID.test(value)) return undefined;
        exceptSocketId = value;
        break;
      case 'k':
        if (!SECONDS.test(value)) return undefined;
        keepSeconds = Number(value);
        break;
      case 'n':
        keepNamed = parseKeepNamed(value);
        if (!keepNamed) return undefined;
        break;
      case 'c':
        isCount = true;
        break;
      case '+':
        change = 'added';
        id = value;
        break;
      case '-':
        change = 'removed';
        id = value;
        break;
      case '~':
        change = 'updated';
        id = value;
        break;
      case 'i':
        info = value;
        break;
      case 't':
        // Whoever only wants to know how long it took does without.
        if (MILLISECONDS.test(value)) publishedMs = Number(value);
        break;
      case 'w':
        traceparent = value;
    }
    start = next + 1;
  }
  const member = change && parseMember(`${id}\ti${info}`);
  if (change && !member) return undefined;
  return {
    position: Number(beginning[1]),
    previousEvent: Number(beginning[2]),
    exceptSocketId,
    isCount,
    keepSeconds,
    keepNamed,
    member: change && member && { change, member },
    publishedMs,
    traceparent,
    frame: payload.slice(end + 1),
  };
}

function parseKeepNamed(value: string): BrokerMessage['keepNamed'] {
  const [, seconds = '', text = ''] = KEPT_NAME.exec(value) ?? [];
  const name = parseJson(text);
  return typeof name === 'string' ? { name, seconds: Number(seconds) } : undefined;
}

/** `id TAB user_info`, see `encodeMemberId` and `encodeUserInfo`: how a member stands in Redis. */
export function encodeMember(member: WireMember): string {
  return `${encodeMemberId(member)}\t${encodeUserInfo(member)}`;
}

/** `[user id, user_id as JSON]` as JSON, which holds no tab and no line feed. */
export function encodeMemberId({ userId, userIdJson }: WireMember): string {
  return JSON.stringify([userId, userIdJson]);
}

/** `i`, and the text of `user_info` as a JSON string if there is any. */
export function encodeUserInfo({ userInfoJson }: WireMember): string {
  return userInfoJson === undefined ? 'i' : `i${JSON.stringify(userInfoJson)}`;
}

export function parseMember(text: string): WireMember | undefined {
  const tab = text.indexOf('\t');
  try {
    const [userId, userIdJson] = JSON.parse(text.slice(0, tab)) as unknown[];
    if (typeof userId !== 'string' || typeof userIdJson !== 'string') return undefined;
    const info: unknown = tab + 2 < text.length ? JSON.parse(text.slice(tab + 2)) : undefined;
    return { userId, userIdJson, userInfoJson: typeof info === 'string' ? info : undefined };
  } catch {
    return undefined;
  }
}

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
