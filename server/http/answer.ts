import { TokenError } from '../../auth/grant.ts';
import { SeamUnavailable } from '../../channels/broker.ts';
import { ApiError, withAddress } from '../../protocol/errors.ts';
import type { SampledLog } from '../log.ts';

/** What an endpoint says. */
export interface Answer {
  readonly status: number;
  readonly contentType: 'application/json' | 'application/javascript; charset=utf-8' | 'text/plain; charset=utf-8';
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Said with every answer that leaves its connection open. uWebSockets.js ends one that was idle for 28 to 32 seconds, and a request that meets
 * that end is lost: SDKs and proxies that keep connections let go first.
 */
export const KEEP_ALIVE = 'timeout=20';

/** A header for people who look into a success that did less than they thought. */
export const NOTICE = 'X-Kulkul-Notice';

/** There is nothing to say. Its type is not sent. */
export const NO_CONTENT: Answer = { status: 204, contentType: 'application/json', body: '' };

export const EMPTY_OBJECT: Answer = { status: 200, contentType: 'application/json', body: '{}' };

export function json(value: unknown, status = 200): Answer {
  return { status, contentType: 'application/json', body: JSON.stringify(value) };
}

export function text(body: string, status = 200): Answer {
  return { status, contentType: 'text/plain; charset=utf-8', body };
}

/** One line: Laravel and the SDKs show the body to their developer as it is. */
export function errorAnswer(error: ApiError): Answer {
  const { status, message, id, retryAfterSeconds } = error;
  const headers: Record<string, string> = { 'X-Kulkul-Error': id, ...error.headers };
  if (retryAfterSeconds !== undefined) headers['Retry-After'] = String(retryAfterSeconds);
  return { ...text(withAddress(oneLine(message), id), status), headers };
}

/** Said with a 503: that long, at least, an issuer of keys is left alone after a failure. */
const KEYS_RETRY_AFTER_SECONDS = 2;
const MAX_DESCRIPTION_LENGTH = 300;

/** A token that is not taken: the reason as text, and as RFC 6750 wants it in a header. */
export function tokenErrorAnswer({ id, status, message }: TokenError): Answer {
  const reason: Record<string, string> =
    status === 503
      ? { 'Retry-After': String(KEYS_RETRY_AFTER_SECONDS) }
      : { 'WWW-Authenticate': `Bearer error="invalid_token", error_description="${description(message)}"` };
  return { ...text(withAddress(oneLine(message), id), status), headers: { 'X-Kulkul-Error': id, ...reason } };
}

/** Plain ASCII without quotes and backslashes (RFC 6750, 3): parts of the message may stem from the token. */
function description(message: string): string {
  return message.slice(0, MAX_DESCRIPTION_LENGTH).replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]+/g, ' ');
}

/** Said with a 503: the way to Redis is tried again all the time. */
const RETRY_AFTER_SECONDS = 1;

/** What is said of whatever was thrown while a request was answered. What can only be a bug is logged. */
export function failureAnswer(error: unknown, log: SampledLog): Answer {
  if (error instanceof ApiError) return errorAnswer(error);
  if (error instanceof TokenError) return tokenErrorAnswer(error);
  if (error instanceof SeamUnavailable) {
    const message = `Not possible right now: ${error.told}. Try again; GET /ready says when it is over`;
    return errorAnswer(new ApiError('unavailable', 503, message, RETRY_AFTER_SECONDS));
  }
  log.error({ err: error }, 'unexpected failure in the HTTP API');
  return errorAnswer(new ApiError('internal-error', 500, 'Internal error: see the log of the server'));
}

function oneLine(message: string): string {
  return message.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ');
}

/** The status line of an answer. */
export function statusLine(status: number): string {
  return `${status} ${REASONS[status] ?? 'Unknown'}`;
}

const REASONS: Readonly<Record<number, string>> = {
  200: 'OK',
  202: 'Accepted',
  204: 'No Content',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  413: 'Payload Too Large',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};
