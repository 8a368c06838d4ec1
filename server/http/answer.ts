import type { ApiError } from '../../protocol/errors.ts';

/** What an endpoint says. */
export interface Answer {
  readonly status: number;
  readonly contentType: 'application/json' | 'text/plain; charset=utf-8';
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

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
  const headers: Record<string, string> = { 'X-Kulkul-Error': id };
  if (retryAfterSeconds !== undefined) headers['Retry-After'] = String(retryAfterSeconds);
  return { ...text(oneLine(message), status), headers };
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
