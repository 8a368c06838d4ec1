const SOCKET_ID = /^\d+\.\d+$/;
/** Two integers below 2^53, with room for what another server makes of them. */
const MAX_SOCKET_ID_LENGTH = 64;

/** Whether this is the id of a connection, as `pusher:connection_established` tells it: `123.456`. */
export function isSocketId(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_SOCKET_ID_LENGTH && SOCKET_ID.test(value);
}
