/**
 * Codes that end a connection. Clients act on the range: 4000–4099 stay away, 4100–4199 come back after a second or more,
 * 4200–4299 come back at once. pusher-js takes 4300 and above for fatal, so 4301 and 4302 are sent as `pusher:error` only.
 *
 * @see Pusher, "WebSocket protocol", error codes
 */
export const CLOSE_CODES = {
  tlsRequired: 4000,
  unknownApp: 4001,
  appDisabled: 4003,
  overConnectionQuota: 4004,
  pathNotFound: 4005,
  invalidVersion: 4006,
  unsupportedProtocol: 4007,
  missingProtocol: 4008,
  unauthorized: 4009,
  overCapacity: 4100,
  reconnect: 4200,
  pongTimeout: 4201,
} as const;

/** Codes of `pusher:error` frames that leave the connection open. All other such frames carry `null`. */
export const ERROR_CODES = {
  clientEventRate: 4301,
  watchlistLimit: 4302,
} as const;

/** A close frame's reason holds 123 bytes at most (RFC 6455, 5.5). */
const MAX_REASON_BYTES = 123;

/** Cuts a text to what fits into a close frame, at a character boundary. */
export function closeReason(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= MAX_REASON_BYTES) return text;
  let end = MAX_REASON_BYTES - 3;
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return `${bytes.toString('utf8', 0, end)}...`;
}
