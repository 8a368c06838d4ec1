import { SeamUnavailable } from '../channels/broker.ts';
import { CLOSE_CODES } from '../protocol/close-codes.ts';
import { Disconnect, SubscriptionError } from '../protocol/errors.ts';

/** What whoever met a bug is told; the log says more. */
export const INTERNAL_ERROR = new Disconnect('internal-error', CLOSE_CODES.overCapacity, 'Internal error');

/** What WebSockets and feeds are told while a process has all the connections it should. They may find room in a second, or on another node. */
export const OVER_CAPACITY = new Disconnect(
  'over-capacity',
  CLOSE_CODES.overCapacity,
  'Over capacity: this server has all the connections that it can have (limits.maxConnections)',
);

/** Why somebody is not let in, told by what was thrown; `INTERNAL_ERROR` for what can only be a bug. */
export function connectionRefusal(error: unknown): Disconnect {
  if (error instanceof Disconnect) return error;
  if (error instanceof SubscriptionError) {
    // The one channel of a feed, without which there is no connection.
    const code = error.status >= 500 ? CLOSE_CODES.overCapacity : CLOSE_CODES.unauthorized;
    return new Disconnect(error.id, code, error.message);
  }
  if (!(error instanceof SeamUnavailable)) return INTERNAL_ERROR;
  const text = `This server can't let anybody in just now: ${error.told}. Try again in a moment`;
  return new Disconnect('temporarily-unavailable', CLOSE_CODES.overCapacity, text);
}
