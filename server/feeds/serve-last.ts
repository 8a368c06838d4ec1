import type { FeedFormat } from '../../channels/feed.ts';
import { after, type MaybePromise } from '../../channels/maybe-promise.ts';
import type { Node } from '../../channels/node.ts';
import { readFeed } from '../../channels/read-feed.ts';
import { ApiError, Disconnect, SubscriptionError } from '../../protocol/errors.ts';
import { parseJson } from '../../protocol/json.ts';
import type { FoundFeed } from '../apps/app-directory.ts';
import { feedRequest } from '../entrance.ts';
import { type Answer, errorAnswer, failureAnswer, NO_CONTENT, text } from '../http/answer.ts';
import type { Cors } from '../http/cors.ts';
import { Exchange, type ExchangeParts, logAnswer } from '../http/exchange.ts';
import { notFound } from '../http/routes.ts';
import type { SampledLog } from '../log.ts';
import type { HttpRequest, HttpResponse } from '../uws.ts';
import { readVisitor } from '../visitor.ts';
import { FeedEvent } from './feed-frames.ts';
import { refusalError } from './refusal-error.ts';

export interface LastEventParts extends ExchangeParts {
  readonly node: Node;
  readonly cors: Cors;
  readonly log: SampledLog;
}

/** Answers a request for a feed that is for neither a WebSocket nor a stream: with the last event, as a reader would get it. */
export function serveLast(
  res: HttpResponse,
  req: HttpRequest,
  isTls: boolean,
  found: MaybePromise<FoundFeed | undefined>,
  parts: LastEventParts,
): void {
  const { node, cors, log } = parts;
  const visitor = readVisitor(res, req, isTls);
  const exchange = new Exchange(res, parts);
  exchange.isHead = req.getCaseSensitiveMethod() === 'HEAD';
  exchange.isForAnybody = true;
  exchange.headers = cors.headersFor(visitor.origin);
  if (log.eachStep) exchange.onOver = logAnswer(log.eachStep, res, req);
  exchange.answer(
    () =>
      after(found, (feed) => {
        if (!feed) throw notFound(visitor.path);
        if (feed.feed.last === false) throw WITHOUT_LAST;
        return after(readFeed(node, feed.feed, feedRequest(feed.app, visitor)), (last) =>
          lastAnswer(last?.frame, feed.feed.format),
        );
      }),
    (error) => {
      const isRefusal = error instanceof Disconnect || error instanceof SubscriptionError;
      return isRefusal ? errorAnswer(refusalError(error)) : failureAnswer(error, log);
    },
  );
}

const WITHOUT_LAST = new ApiError(
  'feed-without-last',
  404,
  'This is a feed: connect with a WebSocket, or ask for a stream (curl -N -H "Accept: text/event-stream" …). A plain GET is answered with the last event if the feed has the option last',
);

/** Of something that changes at any time. */
const HEADERS = { 'Cache-Control': 'no-store' };

function lastAnswer(frame: string | undefined, format: FeedFormat): Answer {
  const body = frame === undefined ? undefined : FeedEvent.from(frame, undefined)?.text(format);
  if (body === undefined) return { ...NO_CONTENT, headers: HEADERS };
  const isJson = parseJson(body) !== undefined;
  return isJson
    ? { status: 200, contentType: 'application/json', body, headers: HEADERS }
    : { ...text(body), headers: HEADERS };
}
