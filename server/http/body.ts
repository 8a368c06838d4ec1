import { ApiError } from '../../protocol/errors.ts';
import type { HttpResponse } from '../uws.ts';

export interface BodyLimits {
  readonly maxBytes: number;
  /** From the first part that arrives to the last. */
  readonly timeoutMs: number;
  /** What `maxBytes` stems from, for the one who is over it. */
  readonly advice: () => string;
}

/**
 * Collects a request's body while it arrives, and gives up as soon as it is too large or too slow.
 *
 * @param onBody - called once with the whole body, which is valid during the call only when it came in one piece
 * @param onError - called once instead of `onBody`; the rest of the body is not read
 * @returns stops waiting; to be called when the client went away
 */
export function readBody(
  res: HttpResponse,
  limits: BodyLimits,
  onBody: (body: Buffer) => void,
  onError: (error: ApiError) => void,
): () => void {
  let parts: Buffer[] | undefined;
  let size = 0;
  let isDone = false;
  let timer: NodeJS.Timeout | undefined;

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
      onError(tooLarge(limits));
      return;
    }
    if (isLast && !parts) {
      stop();
      onBody(Buffer.from(chunk));
      return;
    }
    parts ??= [];
    // uWebSockets.js takes the chunk back when this call returns.
    parts.push(Buffer.from(chunk.slice(0)));
    if (isLast) {
      const body = Buffer.concat(parts, size);
      stop();
      onBody(body);
      return;
    }
    timer ??= setTimeout(() => {
      stop();
      onError(tooSlow(limits));
    }, limits.timeoutMs);
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
