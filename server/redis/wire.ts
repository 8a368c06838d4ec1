import type { MemberChange } from '../../channels/broker.ts';
import type { WireMember } from '../../protocol/server-message.ts';
import { LAYOUT } from './layout.ts';

/** What travels over a topic: a header line `position previous layout except kind [member]`, then the frame as clients get it. */
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
  readonly member: MemberChange | undefined;
  readonly frame: string;
}

interface HeaderParts {
  readonly exceptSocketId?: string | undefined;
  readonly keepSeconds?: number | undefined;
  readonly member?: MemberChange | undefined;
}

/** Three hundred years: what is longer has no room in a header, nor in an expiry of Redis. */
export const MAX_KEEP_SECONDS = 9_999_999_999;

/** The part of the header that the sender writes; scripts put the positions before it. */
export function encodeHeader({ exceptSocketId, keepSeconds, member }: HeaderParts): string {
  const except = exceptSocketId ?? '-';
  if (member) return `${LAYOUT} ${except} ${member.change === 'added' ? '+' : '-'} ${encodeMember(member.member)}`;
  return `${LAYOUT} ${except} ${keepSeconds === undefined ? 'e' : `k${Math.ceil(keepSeconds)}`}`;
}

/** Only a line feed ends the header. To `.` U+2028 and U+2029 are ends of lines, too, and both may stand in JSON text. */
const HEADER = /^(\d{1,16}) (\d{1,16}) (\d{1,9}) (-|\d+\.\d+) (?:([ec]|k\d{1,10})|([-+]) (\[[^\n]*\]))$/;

/** Undefined for anything that is no message of ours, or of another layout: others may use the same Redis. */
export function parseWireMessage(payload: string): WireMessage | undefined {
  const end = payload.indexOf('\n');
  const match = end < 0 ? null : HEADER.exec(payload.slice(0, end));
  if (!match || Number(match[3]) !== LAYOUT) return undefined;
  const [, position, previousEvent, , except, kind, change, text] = match;
  const member = text === undefined ? undefined : parseMember(text);
  if (text !== undefined && !member) return undefined;
  return {
    position: Number(position),
    previousEvent: Number(previousEvent),
    exceptSocketId: except === '-' ? undefined : except,
    isCount: kind === 'c',
    keepSeconds: kind?.startsWith('k') ? Number(kind.slice(1)) : undefined,
    member: member && { change: change === '+' ? 'added' : 'removed', member },
    frame: payload.slice(end + 1),
  };
}

/**
 * `[user id, user_id as JSON, user_info as JSON or null]` as JSON text, which holds no line break of any kind: nodes of 0.1.0 don't
 * understand headers with U+2028 or U+2029.
 */
export function encodeMember({ userId, userIdJson, userInfoJson }: WireMember): string {
  const text = JSON.stringify([userId, userIdJson, userInfoJson ?? null]);
  return text.replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
}

export function parseMember(text: string): WireMember | undefined {
  try {
    const [userId, userIdJson, userInfoJson] = JSON.parse(text) as unknown[];
    if (typeof userId !== 'string' || typeof userIdJson !== 'string') return undefined;
    return { userId, userIdJson, userInfoJson: typeof userInfoJson === 'string' ? userInfoJson : undefined };
  } catch {
    return undefined;
  }
}
