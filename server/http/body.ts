import type { AppLimits } from '../../channels/app.ts';
import { ApiError } from '../../protocol/errors.ts';
import type { Settings } from '../config/index.ts';
import type { HttpRequest, HttpResponse } from '../uws.ts';

/** How large a body a route takes. */
export interface BodyRule {
  /** No valid request needs more, in bytes. */
  maxBytes(limits: AppLimits): number;
  /** What that follows from, for whoever sends more. */
  advice(limits: AppLimits): string;
}

export interface BodyLimits {
  readonly maxBytes: number;
  /** From the first part that arrives to the last. */
  readonly timeoutMs: number;
  /** What `maxBytes` stems from, for the one who is over it. */
  readonly advice: () => string;
}

const BYTES_PER_MB = 1_048_576;
/** JSON writes a character as up to six bytes per byte of its UTF-8 (`\u0000`). */
const JSON_FACTOR = 6;
/** For the names of the fields and white space. */
const SLACK_BYTES = 65_536;
/** Room for the longest token, and for whatever else a page sends along. */
const MAX_AUTH_BYTES = 65_536;

function bytesOfEvents(limits: AppLimits, events: number): number {
  const eventBytes = limits.maxEventPayloadBytes + limits.maxEventNameLength * 4;
  const channels = limits.maxEventChannelsAtOnce * limits.maxChannelNameLength;
  return Math.ceil(JSON_FACTOR * (events * eventBytes + channels)) + SLACK_BYTES;
}

function adviceOnEvents({ maxEventPayloadBytes }: AppLimits): string {
  return `no request within eventLimits needs more (data is limited to ${maxEventPayloadBytes} bytes by eventLimits.maxPayloadInKb)`;
}

export const EVENT_BODY: BodyRule = { maxBytes: (limits) => bytesOfEvents(limits, 1), advice: adviceOnEvents };
export const BATCH_BODY: BodyRule = {
  maxBytes: (limits) => bytesOfEvents(limits, limits.maxEventBatchSize),
  advice: adviceOnEvents,
};
/** A few short fields and a token. */
export const AUTH_BODY: BodyRule = {
  maxBytes: () => MAX_AUTH_BYTES,
  advice: () => 'socket_id, channel_name and a token need less',
};

/** What a route takes from an app with these limits, or less if the operator says so. */
export function bodyLimits(rule: BodyRule, limits: AppLimits, httpApi: Settings['httpApi']): BodyLimits {
  const useful = rule.maxBytes(limits);
  const maxBytes = Math.min(Math.floor(httpApi.requestLimitInMb * BYTES_PER_MB), useful);
  const advice = (): string =>
    maxBytes === useful ? rule.advice(limits) : 'send less, or raise httpApi.requestLimitInMb';
  return { maxBytes, timeoutMs: httpApi.bodyTimeoutSeconds * 1000, advice };
}

/**
 * What makes it uncertain where a request ends, or undefined where nothing does. uWebSockets.js goes by the first `Content-Length` and takes
 * whatever stands in `Transfer-Encoding` for `chunked`. Where a proxy goes by something else, it sees one request and the server two.
 *
 * @see RFC 9112, 6.3: such a message is an error, after which the connection has to be closed
 */
export function framingProblem(req: HttpRequest): string | undefined {
  let problem: string | undefined;
  let framed = false;
  req.forEach((name, value) => {
    const isLength = name === 'content-length';
    if (!isLength && name !== 'transfer-encoding') return;
    if (framed) problem ??= 'it has Content-Length or Transfer-Encoding more than once';
    else if (value === '') problem ??= `its ${name} is empty`;
    else if (!isLength && value.toLowerCase() !== 'chunked') {
      problem ??= 'its Transfer-Encoding is not chunked, and no other is supported';
    }
    framed = true;
  });
  return problem;
}

/** uWebSockets.js passes over a body that nobody wants. It is waited for only where it may be on its way for long. */
const SMALL_BODY_BYTES = 65_536;

export function isChunked(req: HttpRequest): boolean {
  return req.getHeader('transfer-encoding') !== '';
}

export function hasLargeBody(req: HttpRequest): boolean {
  return isChunked(req) || Number(req.getHeader('content-length')) > SMALL_BODY_BYTES;
}

/**
 * Collects a request's body while it arrives, and gives up when it is too large or too slow.
 *
 * @param isChunked - the body says by itself where it ends
 * @param onBody - called once with the whole body, which is valid during the call only when it came in one piece; the socket is corked
 * @param onError - called once instead of `onBody`
 * @returns stops waiting; to be called when the client went away
 */
export function readBody(
  res: HttpResponse,
  isChunked: boolean,
  limits: BodyLimits,
  onBody: (body: Buffer) => void,
  onError: (error: ApiError, isRead: boolean) => void,
): () => void {
  let parts: Buffer[] | undefined;
  let size = 0;
  let isDone = false;
  let timer: NodeJS.Timeout | undefined;
  let skipping: (() => void) | undefined;
  let isGone = false;

  // uWebSockets.js may yet find that it can't read on, as after a trailer, and answer 505: what was asked for must not have happened then.
  const handOver = (body: Buffer): void => {
    if (!isChunked) {
      onBody(body);
      return;
    }
    const own = Buffer.from(body);
    setImmediate(() => {
      if (!isGone) res.cork(() => onBody(own));
    });
  };
  const stop = (): void => {
    isDone = true;
    parts = undefined;
    clearTimeout(timer);
  };

  res.onData((chunk, isLast) => {
    if (isDone) return;
    size += chunk.byteLength;
    if (size > limits.maxBytes) {
      stop();
      const error = tooLarge(limits);
      if (isLast) onError(error, true);
      else skipping = skipBody(res, limits, (isRead) => onError(error, isRead));
      return;
    }
    if (isLast && !parts) {
      stop();
      handOver(Buffer.from(chunk));
      return;
    }
    parts ??= [];
    // uWebSockets.js takes the chunk back when this call returns.
    parts.push(Buffer.from(chunk.slice(0)));
    if (isLast) {
      const body = Buffer.concat(parts, size);
      stop();
      handOver(body);
      return;
    }
    timer ??= setTimeout(() => {
      stop();
      onError(tooSlow(limits), false);
    }, limits.timeoutMs);
  });
  return () => {
    isGone = true;
    stop();
    skipping?.();
  };
}

/** What is read of a body that nobody wants, in bytes. */
const MAX_SKIPPED_BYTES = 8_388_608;

/**
 * Reads what still comes of a request's body, and drops it. Proxies (Apache, HAProxy, Caddy) lose the answer when the connection is cut while they
 * still write the request, and tell their client 502.
 *
 * @param onDone - called once: the body has ended (true), or was too large or slow to wait for its end
 * @returns stops waiting; to be called when the client went away
 */
export function skipBody(
  res: HttpResponse,
  { timeoutMs }: Pick<BodyLimits, 'timeoutMs'>,
  onDone: (isRead: boolean) => void,
): () => void {
  let size = 0;
  let isDone = false;
  const timer = setTimeout(() => finish(false), timeoutMs);
  const stop = (): void => {
    isDone = true;
    clearTimeout(timer);
  };
  const finish = (isRead: boolean): void => {
    if (isDone) return;
    stop();
    onDone(isRead);
  };
  res.onData((chunk, isLast) => {
    size += chunk.byteLength;
    if (isLast) finish(true);
    else if (size > MAX_SKIPPED_BYTES) finish(false);
  });
  return stop;
}

function tooLarge({ maxBytes, advice }: BodyLimits): ApiError {
  return new ApiError('body-too-large', 413, `The body exceeds the limit of ${maxBytes} bytes: ${advice()}`);
}

function tooSlow({ timeoutMs }: BodyLimits): ApiError {
  const seconds = timeoutMs / 1000;
  return new ApiError(
    'body-too-slow',
    408,
    `The body did not arrive within ${seconds} s (httpApi.bodyTimeoutSeconds): send it faster, or less of it`,
  );
}
