import { isRevocationPattern, type Revocation, type RevocationTarget } from '../../channels/revocations.ts';
import { isUserId, MAX_USER_ID_LENGTH } from '../../protocol/channel-name.ts';
import { ApiError } from '../../protocol/errors.ts';
import { isSocketId } from '../../protocol/handshake.ts';
import { quote } from '../../protocol/json.ts';

/** Longer than any name, so that a pattern can be written for each. */
const MAX_PATTERN_LENGTH = 400;

/** Whom a request takes out of channels; undefined: everyone. */
export type RevocationSubject = { readonly userId: string } | { readonly socketId: string } | undefined;

/**
 * Checks what a request wants to revoke.
 *
 * @param channel - a name, or a pattern with `*`
 * @throws {ApiError} 400
 */
export function revocationOf(appId: string, channel: unknown, subject: RevocationSubject): Omit<Revocation, 'atMs'> {
  if (!isRevocationPattern(channel) || channel.length > MAX_PATTERN_LENGTH) {
    const given = typeof channel === 'string' ? `"${quote(channel)}"` : 'This';
    const message = `${given} names no channels: it must be a channel name, or a pattern with * for any characters (private-*), of at most ${MAX_PATTERN_LENGTH} characters`;
    throw new ApiError('invalid-channel-pattern', 400, message);
  }
  return { appId, channel, target: targetOf(subject) };
}

function targetOf(subject: RevocationSubject): RevocationTarget {
  if (subject === undefined) return { kind: 'everyone' };
  if ('userId' in subject) {
    const { userId } = subject;
    if (isUserId(userId)) return { kind: 'user', userId };
    const message = `"${quote(userId, 60)}" can't be a user id: it must have 1 to ${MAX_USER_ID_LENGTH} characters, without control characters`;
    throw new ApiError('invalid-user-id', 400, message);
  }
  const { socketId } = subject;
  if (!isSocketId(socketId)) {
    const message = `"${quote(socketId, 60)}" can't be a socket id: it must look like "123.456"`;
    throw new ApiError('invalid-socket-id', 400, message);
  }
  return { kind: 'socket', socketId };
}
