import { parseParams } from '../../auth/request-params.ts';
import { disconnect } from '../../channels/disconnect.ts';
import type { Pace } from '../../channels/liveness.ts';
import type { Node } from '../../channels/node.ts';
import { CLOSE_CODES } from '../../protocol/close-codes.ts';
import { ApiError, type Disconnect, SubscriptionError } from '../../protocol/errors.ts';
import type { AppDirectory, FoundFeed } from '../apps/app-directory.ts';
import { connectionRefusal, INTERNAL_ERROR, OVER_CAPACITY } from '../connection-refusal.ts';
import { errorAnswer } from '../http/answer.ts';
import type { Cors } from '../http/cors.ts';
import { framingProblem } from '../http/framing.ts';
import type { OpenRequests } from '../http/open-requests.ts';
import type { RefusalBudget } from '../http/refusal-budget.ts';
import { isRoute, notFound } from '../http/routes.ts';
import type { OpenConnections } from '../open-connections.ts';
import type { SampledLog } from '../sampled-log.ts';
import type { HttpRequest, HttpResponse, TemplatedApp } from '../uws.ts';
import type { FeedFanOut } from './feed-fan-out.ts';
import { FeedStream } from './feed-stream.ts';
import { FeedTransport } from './feed-transport.ts';
import { type FeedRequest, openFeed } from './open-feed.ts';
import { tokenOf } from './token-of.ts';

export interface StreamParts {
  readonly node: Node;
  readonly apps: AppDirectory;
  readonly fanOut: FeedFanOut;
  readonly cors: Cors;
  readonly pathPrefix: string;
  /** What a reader may have waiting before it is cut off. */
  readonly maxBufferedBytes: number;
  readonly requests: OpenRequests;
  readonly refusals: RefusalBudget;
  readonly connections: OpenConnections;
  readonly pace: Pace;
  readonly log: SampledLog;
}

/** Facts of a request, which is gone after the call that hands it over. */
interface StreamRequest extends FeedRequest {
  readonly path: string;
  /** `text/event-stream` is among what is asked for. */
  readonly asksForStream: boolean;
  readonly lastEventId: string;
  readonly isHead: boolean;
  readonly ip: string;
  readonly forwardedFor: string | undefined;
  readonly userAgent: string | undefined;
}

/** Serves feeds to those who ask for `text/event-stream`; what is no feed goes on to the HTTP API. */
export function serveStreams(app: TemplatedApp, isTls: boolean, parts: StreamParts): void {
  const serve = (res: HttpResponse, req: HttpRequest): void => {
    const path = req.getUrl();
    const found = isOfApi(path, parts.pathPrefix) ? undefined : parts.apps.feedAt(path);
    if (!found) {
      req.setYield(true);
      return;
    }
    if (framingProblem(req) !== undefined) {
      res.close();
      return;
    }
    const { pace, maxBufferedBytes } = parts;
    const origin = req.getHeader('origin');
    const request: StreamRequest = {
      path,
      origin: origin === '' ? undefined : origin,
      isTls: isTls || /^https\b/i.test(req.getHeader('x-forwarded-proto')),
      pace,
      token: tokenOf(req.getHeader('authorization'), parseParams(req.getQuery() ?? '')),
      asksForStream: req.getHeader('accept').includes('text/event-stream'),
      lastEventId: req.getHeader('last-event-id'),
      isHead: req.getCaseSensitiveMethod() === 'HEAD',
      ip: Buffer.from(res.getRemoteAddressAsText()).toString(),
      forwardedFor: req.getHeader('x-forwarded-for') || undefined,
      userAgent: req.getHeader('user-agent') || undefined,
    };
    const headers = parts.cors.headersFor(origin);
    const { addresses } = parts.connections;
    const isLast = addresses.holder(res) !== undefined;
    const { isHead } = request;
    const stream = new FeedStream(res, { maxBufferedBytes, headers, isHead, requests: parts.requests, isLast });
    const failed = (error: unknown): void => refuse(stream, request, error, parts);
    try {
      const address = addresses.holderOf(res, req);
      stream.onEnd = () => addresses.release(address);
      const opened = found instanceof Promise ? found.then((feed) => open(feed)) : open(found);
      if (opened instanceof Promise) opened.catch(failed);
    } catch (error) {
      failed(error);
    }

    function open(feed: FoundFeed | undefined): void | Promise<void> {
      if (!feed) throw notFound(path);
      if (!request.asksForStream || request.isHead) throw NOT_ASKED_FOR;
      if (parts.connections.isCrowded) throw OVER_CAPACITY;
      return openStream(stream, feed, request, parts);
    }
  };
  app.get('/*', serve);
  app.head('/*', serve);
}

/** The API comes first, whatever feeds an app may have been given. */
function isOfApi(path: string, pathPrefix: string): boolean {
  if (path.startsWith('/apps/') || isRoute(path)) return true;
  if (pathPrefix === '' || !path.startsWith(pathPrefix)) return false;
  const inner = path.slice(pathPrefix.length);
  return inner === '' || inner.startsWith('/apps/') || isRoute(inner);
}

const NOT_ASKED_FOR = new ApiError(
  'feed-not-acceptable',
  406,
  'This is a feed: connect with a WebSocket, or ask for a stream (curl -N -H "Accept: text/event-stream" …)',
);

function openStream(
  stream: FeedStream,
  found: FoundFeed,
  request: StreamRequest,
  { node, fanOut, log, maxBufferedBytes: limit }: StreamParts,
): void | Promise<void> {
  stream.format = found.feed.format;
  const opened = openFeed(node, found, request, {
    transport: new FeedTransport(found.feed, stream, fanOut, request.lastEventId),
    isGone: () => !stream.isOpen,
    connected: (connection) => {
      const { ip, forwardedFor, origin, userAgent } = request;
      const arrival = { socketId: connection.socketId, app: connection.app.id, ip, forwardedFor, origin, userAgent };
      log.eachStep?.debug(arrival, 'connection opened');
      stream.onOver = () => {
        const facts = { socketId: connection.socketId, app: connection.app.id };
        if (stream.isSlow) {
          log.warn({ ...facts, limit }, 'reader of a feed too slow: it had more than maxBufferedBytes waiting');
        } else if (stream.hasStalled) {
          log.warn(
            facts,
            'reader of a feed gone while something waited for it: it left, or took nothing for 10 seconds',
          );
        } else if (!connection.isClosed) {
          log.eachStep?.debug(facts, 'connection closed');
        }
        disconnect(node, connection);
      };
    },
  });
  if (opened instanceof Promise) return opened.then((isIn) => (isIn ? stream.begin() : undefined));
  if (opened) stream.begin();
}

function refuse(stream: FeedStream, request: StreamRequest, error: unknown, parts: StreamParts): void {
  const { log, refusals } = parts;
  if (!stream.isOpen) return;
  if (stream.isTooMany(refusals)) return;
  if (error instanceof ApiError) {
    stream.refuse(errorAnswer(error));
    return;
  }
  const reason = connectionRefusal(error);
  const { path, origin, ip, forwardedFor, userAgent } = request;
  const facts = { ip, forwardedFor, origin, userAgent, path, cause: reason.id, reason: reason.message };
  if (reason === INTERNAL_ERROR) log.error({ ...facts, err: error }, 'unexpected failure while connecting');
  log.info({ ...facts, code: reason.code }, 'connection refused');
  const mayComeBack = reason.code >= CLOSE_CODES.overCapacity && reason !== INTERNAL_ERROR;
  if (mayComeBack && request.asksForStream && !request.isHead) stream.postpone(reason.message);
  else stream.refuse(errorAnswer(error instanceof SubscriptionError ? toApiError(error) : toApiError(reason)));
}

/** What HTTP says to it. */
function toApiError(error: Disconnect | SubscriptionError): ApiError {
  if (error instanceof SubscriptionError) {
    const headers = { ...(error.status === 401 && { 'WWW-Authenticate': 'Bearer' }) };
    return new ApiError(error.id, error.status < 600 ? error.status : 503, error.message, undefined, headers);
  }
  if (error === INTERNAL_ERROR) return FAILURE;
  const isRefused = error.code < CLOSE_CODES.overCapacity && error.code !== CLOSE_CODES.overConnectionQuota;
  return new ApiError(error.id, isRefused ? 403 : 503, error.message);
}

const FAILURE = new ApiError('internal-error', 500, 'Internal error: the log of the server says more');
