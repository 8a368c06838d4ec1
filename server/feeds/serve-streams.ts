import type { Pace } from '../../channels/liveness.ts';
import { after } from '../../channels/maybe-promise.ts';
import type { Ending } from '../../channels/observer.ts';
import { INTERNAL_ERROR } from '../../channels/receive.ts';
import { Session } from '../../channels/session.ts';
import { ApiError, CLOSE_CODES, NO_CLOSE_FRAME, SubscriptionError } from '../../protocol/errors.ts';
import type { AppDirectory } from '../apps/app-directory.ts';
import type { Entrance } from '../entrance.ts';
import { errorAnswer, text } from '../http/answer.ts';
import { framingProblem } from '../http/body.ts';
import { isRoute, notFound } from '../http/routes.ts';
import type { OpenConnections } from '../open-connections.ts';
import type { HttpRequest, HttpResponse, TemplatedApp } from '../uws.ts';
import { readVisitor } from '../visitor.ts';
import type { FeedFanOut } from './feed-fan-out.ts';
import { FeedStream } from './feed-stream.ts';
import { FeedTransport } from './feed-transport.ts';
import { refusalError } from './refusal-error.ts';
import { type LastEventParts, serveLast } from './serve-last.ts';

export interface StreamParts extends Omit<LastEventParts, 'addresses'> {
  readonly apps: AppDirectory;
  readonly entrance: Entrance;
  readonly fanOut: FeedFanOut;
  readonly pathPrefix: string;
  /** What a reader may have waiting before it is cut off. */
  readonly maxBufferedBytes: number;
  readonly connections: OpenConnections;
  readonly pace: Pace;
}

/** Serves feeds to those who ask by HTTP: a stream, or the last event. What is no feed goes on to the HTTP API. */
export function serveStreams(app: TemplatedApp, isTls: boolean, parts: StreamParts): void {
  const { entrance, refusals } = parts;
  const { addresses } = parts.connections;

  const serve = (res: HttpResponse, req: HttpRequest): void => {
    const path = req.getUrl();
    const isAskedFor = req.getHeader('accept').includes('text/event-stream') && req.getCaseSensitiveMethod() !== 'HEAD';
    // What is framed badly is cut off by the API, too.
    const isTaken = path === '/' ? !isAskedFor : isOfApi(path, parts.pathPrefix);
    const isOurs = !isTaken && framingProblem(req) === undefined;
    const found = isOurs ? parts.apps.feedAt(path) : undefined;
    if (!found) {
      req.setYield(true);
      return;
    }
    if (!isAskedFor) {
      serveLast(res, req, isTls, found, { ...parts, addresses });
      return;
    }
    const visitor = readVisitor(res, req, isTls);
    const lastEventId = req.getHeader('last-event-id');
    const options = {
      maxBufferedBytes: parts.maxBufferedBytes,
      headers: parts.cors.headersFor(visitor.origin),
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
        if (path === '/' && error instanceof ApiError && error.status === 404) {
          // There is no feed, which could not be told at once.
          stream.refuse(text('OK'));
          return;
        }
        if (error instanceof ApiError) {
          stream.refuse(errorAnswer(error));
          return;
        }
        const mayComeBack = reason.code >= CLOSE_CODES.overCapacity && reason !== INTERNAL_ERROR;
        if (mayComeBack) stream.postpone(reason.message);
        else stream.refuse(errorAnswer(refusalError(error instanceof SubscriptionError ? error : reason)));
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

/** A response has no close frame. */
function endingOf({ isSlow, hasStalled }: FeedStream): Ending {
  const cause = isSlow ? 'reader-too-slow' : hasStalled ? 'reader-stalled' : undefined;
  return { code: NO_CLOSE_FRAME, reason: '', cause };
}
