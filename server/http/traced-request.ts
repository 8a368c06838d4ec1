import type { App } from '../../channels/app.ts';
import type { MaybePromise } from '../../channels/maybe-promise.ts';
import type { Span, Tracer } from '../../channels/tracer.ts';
import { ApiError } from '../../protocol/errors.ts';
import type { HttpRequest } from '../uws.ts';
import type { Answer } from './answer.ts';
import type { AppRoute } from './routes.ts';

/** What a trace needs of a request when it comes. */
export interface Arrival {
  /** Of whoever sent it; undefined: a trace begins here. */
  readonly traceparent: string | undefined;
  /** Milliseconds since 1970. */
  readonly atMs: number;
}

export function readArrival(req: HttpRequest, atMs: number): Arrival {
  const traceparent = req.getHeader('traceparent');
  return { traceparent: traceparent === '' ? undefined : traceparent, atMs };
}

/**
 * Answers a request that was authenticated, as a step of a trace. Strangers can have nothing traced.
 *
 * @param run - is given the step; undefined: this trace is not recorded
 */
export function runTraced(
  tracer: Tracer,
  { method, path }: AppRoute,
  { traceparent, atMs }: Arrival,
  app: App,
  run: (span: Span | undefined) => MaybePromise<Answer>,
): MaybePromise<Answer> {
  const span = tracer.start(`${method} ${path}`, {
    kind: 'server',
    parent: traceparent,
    startMs: atMs,
    attributes: { 'http.request.method': method, 'http.route': path, 'kulkul.app': app.id },
  });
  if (!span) return run(undefined);
  const answered = (answer: Answer): Answer => {
    span.set({ 'http.response.status_code': answer.status });
    span.end();
    return answer;
  };
  const failed = (error: unknown): never => {
    if (error instanceof ApiError) span.set({ 'http.response.status_code': error.status, 'error.type': error.id });
    span.fail(error);
    span.end();
    throw error;
  };
  try {
    const answer = run(span);
    return answer instanceof Promise ? answer.then(answered, failed) : answered(answer);
  } catch (error) {
    return failed(error);
  }
}
