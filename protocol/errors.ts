/**
 * An error that clients can cause at will. It has no stack trace, which would take most of the time; its id says what happened.
 */
export class Refusal extends Error {
  constructor(message: string, options?: ErrorOptions) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(message, options);
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** The result of a function for a client's text, or undefined if it throws; likewise without a stack trace. */
export function orUndefined<T>(read: (text: string) => T, text: string): T | undefined {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return read(text);
  } catch {
    return undefined;
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/**
 * A message with the address at which the broker explains the error, for people who read it in their console or log.
 *
 * @param id - stable name of the fault
 */
export function withAddress(message: string, id: string): string {
  return `${message} (more: /errors/${id})`;
}

/** Answers a client's message with `pusher:error`; the connection stays open. */
export class PusherError extends Refusal {
  override readonly name: string = 'PusherError';
  /** Stable name of the fault, for logs, tests and docs/errors.md. */
  readonly id: string;
  /** `code` of the frame: null, as at the hosted service, except for the two rate and size limits. */
  readonly code: (typeof ERROR_CODES)[keyof typeof ERROR_CODES] | null;

  constructor(id: string, message: string, code: PusherError['code'] = null) {
    super(message);
    this.id = id;
    this.code = code;
  }
}

/** Refuses a subscription: `pusher:error`, and by option `pusher:subscription_error` for the channel's own handlers. */
export class SubscriptionError extends PusherError {
  override readonly name = 'SubscriptionError';
  readonly channel: string;
  /** `type` of the subscription_error frame: `AuthError`, `LimitReached`, … */
  readonly type: string;
  /** `status` of the subscription_error frame, as an HTTP status. */
  readonly status: number;

  constructor(id: string, channel: string, type: string, status: number, message: string) {
    super(id, message);
    this.channel = channel;
    this.type = type;
    this.status = status;
  }
}

/** Ends a connection: `pusher:error` with the code, then a close frame with the same code and text. */
export class Disconnect extends Refusal {
  override readonly name = 'Disconnect';
  readonly id: string;
  readonly code: number;

  constructor(id: string, code: number, message: string) {
    super(message);
    this.id = id;
    this.code = code;
  }
}

/** Answers an HTTP request with a status and one line of text. */
export class ApiError extends Refusal {
  override readonly name = 'ApiError';
  readonly id: string;
  readonly status: number;
  /** Seconds after which the same request can succeed; sent as `Retry-After`. */
  readonly retryAfterSeconds: number | undefined;
  /** Further headers that belong to the status, such as `Allow`. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    id: string,
    status: number,
    message: string,
    retryAfterSeconds?: number,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.id = id;
    this.status = status;
    this.retryAfterSeconds = retryAfterSeconds;
    this.headers = headers;
  }
}

/**
 * Codes that end a connection. Clients act on the range: 4000–4099 don't reconnect, 4100–4199 reconnect after a second or more,
 * 4200–4299 reconnect at once. pusher-js treats 4300 and above as fatal, so 4301 and 4302 are sent as `pusher:error` only.
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

/** What an end without a close frame counts as (RFC 6455, 7.4.1). */
export const NO_CLOSE_FRAME = 1006;

/** Codes of `pusher:error` frames that leave the connection open. All other such frames carry `null`. */
export const ERROR_CODES = {
  clientEventRate: 4301,
  watchlistLimit: 4302,
} as const;

/** A close frame's reason holds 123 bytes at most (RFC 6455, 5.5). */
const MAX_REASON_BYTES = 123;

/** Truncates a text to fit into a close frame, at a character boundary. */
export function closeReason(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= MAX_REASON_BYTES) return text;
  let end = MAX_REASON_BYTES - 3;
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return `${bytes.toString('utf8', 0, end)}...`;
}
