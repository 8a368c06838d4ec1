import { parseParams } from '../../auth/request-params.ts';
import type { App } from '../../channels/app.ts';
import { SeamUnavailable } from '../../channels/broker.ts';
import type { MaybePromise } from '../../channels/maybe-promise.ts';
import type { Node } from '../../channels/node.ts';
import { ApiError } from '../../protocol/errors.ts';
import type { AppDirectory } from '../apps/app-directory.ts';
import type { Settings } from '../config/index.ts';
import type { Logger } from '../log.ts';
import type { HttpRequest, HttpResponse, TemplatedApp } from '../uws.ts';
import { type Answer, errorAnswer, statusLine } from './answer.ts';
import { type ApiRequest, authenticate, findApp } from './authenticate.ts';
import { type BodyLimits, readBody } from './body.ts';
import { Cors, type Headers } from './cors.ts';
import { callEndpoint } from './endpoints.ts';
import type { Health } from './health.ts';
import { type ApiRoute, findRoute } from './routes.ts';

/** Said with a 503: the way to Redis is tried again all the time. */
const RETRY_AFTER_SECONDS = 1;
const BYTES_PER_MB = 1_048_576;
/** JSON writes a character as up to six bytes per byte of its UTF-8 (`\u0000`). */
const JSON_FACTOR = 6;
/** For the names of the fields and white space. */
const BODY_SLACK_BYTES = 65_536;

export interface HttpParts {
  readonly settings: Settings;
  readonly node: Node;
  readonly apps: AppDirectory;
  readonly health: Health;
  readonly log: Logger;
  readonly now: () => number;
}

/** Serves the HTTP API, health checks and CORS on a uWS app. */
export class HttpServer {
  readonly #parts: HttpParts;
  readonly #cors: Cors;
  /** Requests whose work has begun and that are not answered yet. */
  #underWay = 0;
  #settled: (() => void)[] = [];

  constructor(parts: HttpParts) {
    this.#parts = parts;
    this.#cors = new Cors(parts.settings.cors);
  }

  serve(app: TemplatedApp): void {
    app.any('/*', (res, req) => {
      const exchange = new Exchange(res);
      try {
        this.#handle(exchange, req);
      } catch (error) {
        exchange.end(this.#errorAnswer(error), hasLargeBody(req));
      }
    });
  }

  /** Answered when no request is under way: what it does has happened then, and its client knows. */
  async settled(): Promise<void> {
    if (this.#underWay > 0) await new Promise<void>((resolve) => this.#settled.push(resolve));
  }

  #handle(exchange: Exchange, req: HttpRequest): void {
    const method = req.getCaseSensitiveMethod();
    const path = req.getUrl();
    const origin = req.getHeader('origin');
    exchange.isHead = method === 'HEAD';
    exchange.headers = this.#cors.headersFor(origin);
    if (method === 'OPTIONS') {
      exchange.preflight(this.#cors.preflightHeadersFor(origin));
      return;
    }
    const apiPath = this.#withoutPrefix(path);
    const route = findRoute(method, apiPath);
    if (route.name === 'health') {
      this.#answer(exchange, () => this.#parts.health.answer(route.check));
      return;
    }
    const query = req.getQuery() ?? '';
    const params = parseParams(query);
    const app = findApp(this.#parts.apps, route.appId, params);
    const call = (body: Buffer): void =>
      this.#call(exchange, app, route, { method, path, apiPath, query, params, body });
    if (method !== 'POST') {
      call(EMPTY_BODY);
      return;
    }
    exchange.stopReading = readBody(exchange.res, this.#bodyLimits(app, route), call, (error) =>
      exchange.endLater(errorAnswer(error), true),
    );
  }

  #call(exchange: Exchange, app: App, route: ApiRoute, request: ApiRequest): void {
    exchange.health = this.#parts.health;
    this.#answer(exchange, () => {
      authenticate(app, request, Math.floor(this.#parts.now() / 1000));
      return callEndpoint(this.#parts.node, app, route, request);
    });
  }

  /** Answers a request with what comes of some work. */
  #answer(exchange: Exchange, work: () => MaybePromise<Answer>): void {
    try {
      const answer = work();
      if (answer instanceof Promise) {
        this.#underWay += 1;
        answer.then(
          (late) => this.#answerLater(exchange, late),
          (error: unknown) => this.#answerLater(exchange, this.#errorAnswer(error)),
        );
      } else {
        exchange.end(answer);
      }
    } catch (error) {
      exchange.end(this.#errorAnswer(error));
    }
  }

  #answerLater(exchange: Exchange, answer: Answer): void {
    exchange.endLater(answer);
    this.#underWay -= 1;
    if (this.#underWay === 0) for (const resolve of this.#settled.splice(0)) resolve();
  }

  #errorAnswer(error: unknown): Answer {
    if (error instanceof ApiError) return errorAnswer(error);
    if (error instanceof SeamUnavailable) {
      const message = `Not possible just now: ${error.message}. Try again; GET /ready tells when it is over`;
      return errorAnswer(new ApiError('unavailable', 503, message, RETRY_AFTER_SECONDS));
    }
    this.#parts.log.error({ err: error }, 'unexpected failure in the HTTP API');
    return errorAnswer(new ApiError('internal-error', 500, 'Internal error: the log of the server says more'));
  }

  /** Health checks work without the prefix too: they come from inside. */
  #withoutPrefix(path: string): string {
    const { pathPrefix } = this.#parts.settings;
    if (pathPrefix === '' || !path.startsWith('/')) return path;
    if (path === pathPrefix) return '/';
    if (path.startsWith(`${pathPrefix}/`)) return path.slice(pathPrefix.length);
    if (!path.startsWith('/apps/')) return path;
    const message = `Path not found: the HTTP API is below ${pathPrefix}/apps/APP_ID here (pathPrefix)`;
    throw new ApiError('not-found', 404, message);
  }

  /** What the largest request takes that the app may send, or less if the operator says so. */
  #bodyLimits({ limits }: App, route: ApiRoute): BodyLimits {
    const { requestLimitInMb, bodyTimeoutSeconds } = this.#parts.settings.httpApi;
    const eventBytes = limits.maxEventPayloadBytes + limits.maxEventNameLength * 4;
    const events = route.name === 'batch-events' ? limits.maxEventBatchSize : 1;
    const channels = limits.maxEventChannelsAtOnce * limits.maxChannelNameLength;
    const useful = Math.ceil(JSON_FACTOR * (events * eventBytes + channels)) + BODY_SLACK_BYTES;
    const maxBytes = Math.min(Math.floor(requestLimitInMb * BYTES_PER_MB), useful);
    const advice = (): string =>
      maxBytes === useful
        ? `no request within eventLimits needs more (data is limited to ${limits.maxEventPayloadBytes} bytes by eventLimits.maxPayloadInKb)`
        : 'send less, or raise httpApi.requestLimitInMb';
    return { maxBytes, timeoutMs: bodyTimeoutSeconds * 1000, advice };
  }
}

const EMPTY_BODY = Buffer.alloc(0);

/** A body that nobody wants is skipped up to this size, so that the connection can go on; a larger one is cut off. */
const MAX_SKIPPED_BYTES = 65_536;

function hasLargeBody(req: HttpRequest): boolean {
  return req.getHeader('transfer-encoding') !== '' || Number(req.getHeader('content-length')) > MAX_SKIPPED_BYTES;
}

/** One request and its answer: ends once, and never after the client went away. */
class Exchange {
  readonly res: HttpResponse;
  headers: Headers = [];
  isHead = false;
  stopReading: (() => void) | undefined;
  /**
   * Set for the API: while the node stops, each answer is its connection's last, so that the next request goes elsewhere
   * and is not cut off.
   */
  health: Pick<Health, 'isStopping'> | undefined;
  #isOver = false;

  constructor(res: HttpResponse) {
    this.res = res;
    res.onAborted(() => {
      this.#isOver = true;
      this.stopReading?.();
    });
  }

  /**
   * Answers while uWebSockets.js hands over the request or its body: it has corked the socket already.
   *
   * @param closeConnection - when a part of the request may still be on its way and shall not be read
   */
  end(answer: Answer, closeConnection = false): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (answer.status !== 200) this.res.writeStatus(statusLine(answer.status));
    for (const [name, value] of this.headers) this.res.writeHeader(name, value);
    for (const name in answer.headers) this.res.writeHeader(name, answer.headers[name] ?? '');
    this.res.writeHeader('Content-Type', answer.contentType);
    if (this.isHead) {
      // Given to `endWithoutBody`, the length is waited for, and the connection's next request is lost.
      this.res.writeHeader('Content-Length', String(Buffer.byteLength(answer.body)));
      this.res.endWithoutBody();
    } else {
      this.res.end(answer.body, closeConnection || this.health?.isStopping === true);
    }
  }

  /** Answers at any other time: after a promise or a timer. */
  endLater(answer: Answer, closeConnection = false): void {
    if (!this.#isOver) this.res.cork(() => this.end(answer, closeConnection));
  }

  preflight(headers: Headers): void {
    this.#isOver = true;
    this.res.cork(() => {
      this.res.writeStatus(statusLine(204));
      for (const [name, value] of headers) this.res.writeHeader(name, value);
      this.res.endWithoutBody();
    });
  }
}
