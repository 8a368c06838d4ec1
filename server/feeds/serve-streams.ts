import type { Pace } from '../../channels/liveness.ts';
import { after } from '../../channels/maybe-promise.ts';
import type { Node } from '../../channels/node.ts';
import type { Ending } from '../../channels/observer.ts';
import { INTERNAL_ERROR } from '../../channels/receive.ts';
import { Session } from '../../channels/session.ts';
import { ApiError, CLOSE_CODES, type Disconnect, NO_CLOSE_FRAME, SubscriptionError } from '../../protocol/errors.ts';
import type { AppDirectory } from '../apps/app-directory.ts';
import type { Entrance } from '../entrance.ts';
import { errorAnswer } from '../http/answer.ts';
import { framingProblem } from '../http/body.ts';
import type { Cors } from '../http/cors.ts';
import type { OpenRequests } from '../http/exchange.ts';
import type { RefusalBudget } from '../http/refusal-budget.ts';
import { isRoute, notFound } from '../http/routes.ts';
import type { OpenConnections } from '../open-connections.ts';
import type { HttpRequest, HttpResponse, TemplatedApp } from '../uws.ts';
import { readVisitor } from '../visitor.ts';
import type { FeedFanOut } from './feed-fan-out.ts';
import { FeedStream } from './feed-stream.ts';
import { FeedTransport } from './feed-transport.ts';

export interface StreamParts {
  readonly node: Node;
  readonly apps: AppDirectory;
  readonly entrance: Entrance;
  readonly fanOut: FeedFanOut;
  readonly cors: Cors;
  readonly pathPrefix: string;
  /** What a reader may have waiting before it is cut off. */
  readonly maxBufferedBytes: number;
  readonly requests: OpenRequests;
  readonly refusals: RefusalBudget;
  readonly connections: OpenConnections;
  readonly pace: Pace;
}

/** Serves feeds to those who ask for `text/event-stream`; what is no feed goes on to the HTTP API. */
export function serveStreams(app: TemplatedApp, isTls: boolean, parts: StreamParts): void {
  const { entrance, refusals } = parts;
  const { addresses } = parts.connections;

  const serve = (res: HttpResponse, req: HttpRequest): void => {
    const path = req.getUrl();
    // What is framed badly is cut off by the API, too.
    const isOurs = !isOfApi(path, parts.pathPrefix) && framingProblem(req) === undefined;
    const found = isOurs ? parts.apps.feedAt(path) : undefined;
    if (!found) {
      req.setYield(true);
      return;
    }
    const visitor = readVisitor(res, req, isTls);
    const isHead = req.getCaseSensitiveMethod() === 'HEAD';
    const isAskedFor = req.getHeader('accept').includes('text/event-stream') && !isHead;
    const lastEventId = req.getHeader('last-event-id');
    const options = {
      maxBufferedBytes: parts.maxBufferedBytes,
      headers: parts.cors.headersFor(visitor.origin),
      isHead,
      requests: parts.requests,
      isLast: addresses.holder(res) !== undefined,
    };
    const session = new Session(parts.node);
    let address: string | undefined;
    const stream = new FeedStream(res, options, () => {
      addresses.release(address);
      session.gone(endingOf(stream));
    });
    session.open({
      visitor,
      transport: stream,
      enter: () => {
        address = addresses.holderOf(res, req);
        return after(found, (feed) => {
          if (!feed) throw notFound(path);
          if (!isAskedFor) throw NOT_ASKED_FOR;
          entrance.checkRoom();
          const transport = new FeedTransport(feed.feed, parts.pace, stream, parts.fanOut, lastEventId);
          return entrance.read(session, visitor, feed, transport);
        });
      },
      opened: () => stream.begin(),
      refuse: (reason, error) => {
        if (refusals.isSpent(res)) {
          stream.cutOff();
          return;
        }
        if (error instanceof ApiError) {
          stream.refuse(errorAnswer(error));
          return;
        }
        const mayComeBack = reason.code >= CLOSE_CODES.overCapacity && reason !== INTERNAL_ERROR;
        if (mayComeBack && isAskedFor) stream.postpone(reason.message);
        else stream.refuse(errorAnswer(toApiError(error instanceof SubscriptionError ? error : reason)));
      },
    });
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

/** A response has no close frame. */
function endingOf({ isSlow, hasStalled }: FeedStream): Ending {
  const cause = isSlow ? 'reader-too-slow' : hasStalled ? 'reader-stalled' : undefined;
  return { code: NO_CLOSE_FRAME, reason: '', cause };
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

const FAILURE = new ApiError('internal-error', 500, 'Internal error: see the log of the server');
