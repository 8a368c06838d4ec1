import { parseParams, type RequestParams } from '../../auth/request-params.ts';
import type { App, AppLimits } from '../../channels/app.ts';
import { after, type MaybePromise } from '../../channels/maybe-promise.ts';
import type { Node } from '../../channels/node.ts';
import { ApiError } from '../../protocol/errors.ts';
import type { AppDirectory } from '../apps/app-directory.ts';
import type { Settings } from '../config/index.ts';
import type { SampledLog } from '../log.ts';
import { SharedToken } from '../shared-token.ts';
import type { HttpRequest, HttpResponse, TemplatedApp } from '../uws.ts';
import { readVisitorFacts } from '../visitor.ts';
import { type Answer, errorAnswer, failureAnswer } from './answer.ts';
import { type AuthRequest, UNCACHED } from './auth/auth-endpoint.ts';
import { bearerToken, type CallerHeaders } from './auth/auth-token.ts';
import { type ApiRequest, appDisabled, authenticate, findCalledApp } from './authenticate.ts';
import { type BodyLimits, bodyLimits, framingProblem, hasLargeBody, isChunked, readBody, skipBody } from './body.ts';
import { Cors } from './cors.ts';
import { Exchange, type ExchangeParts, logAnswer } from './exchange.ts';
import { publishRefusedBy } from './refused-publish.ts';
import { type AppRoute, type AuthRoute, findRoute, isAuthPath, type OpenParts } from './routes.ts';
import { type Arrival, readArrival, runTraced } from './traced-request.ts';

export interface HttpParts extends ExchangeParts, OpenParts {
  readonly settings: Settings;
  readonly node: Node;
  readonly apps: AppDirectory;
  /** Of an app that sets none of its own. */
  readonly defaultLimits: AppLimits;
  readonly log: SampledLog;
  readonly now: () => number;
}

/** Serves the HTTP API, health checks and CORS on a uWS app. */
export class HttpServer {
  readonly #parts: HttpParts;
  readonly #cors: Cors;
  /** Of operators. */
  readonly #tokens: readonly SharedToken[];

  constructor(parts: HttpParts) {
    this.#parts = parts;
    const { token, tokens } = parts.settings.admin;
    const ofAllApps = tokens.filter(({ apps }) => !apps);
    this.#tokens = [token, ...ofAllApps.map((one) => one.token)].map((one) => new SharedToken(one));
    this.#cors = new Cors(parts.settings.cors);
  }

  serve(app: TemplatedApp): void {
    app.any('/*', (res, req) => {
      const problem = framingProblem(req);
      if (problem !== undefined) {
        this.#cutOff(res, req, problem);
        return;
      }
      const exchange = new Exchange(res, this.#parts);
      const { eachStep } = this.#parts.log;
      if (eachStep) exchange.onOver = logAnswer(eachStep, res, req);
      try {
        this.#handle(exchange, req);
      } catch (error) {
        this.#refuse(exchange, req, failureAnswer(error, this.#parts.log));
      }
    });
  }

  /** An answer would leave what follows to be read as a request: not even one that closes the connection prevents that. */
  #cutOff(res: HttpResponse, req: HttpRequest, reason: string): void {
    const facts = { method: req.getCaseSensitiveMethod(), path: req.getUrl(), cause: 'uncertain-end', reason };
    this.#parts.log.info(facts, 'request refused: its connection was closed');
    res.close();
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
    const { route, params } = findRoute(method, apiPath);
    exchange.route = route;
    if (route.access === 'anybody') {
      exchange.isForAnybody = true;
      const authorization = req.getHeader('authorization');
      const isTrusted = this.#tokens.some((token) => token.isIn(authorization));
      this.#answer(exchange, () => route.run(this.#parts, isTrusted, params));
      return;
    }
    const queryText = req.getQuery() ?? '';
    const query = parseParams(queryText);
    if (route.access === 'token') {
      this.#handleAuth(exchange, req, route, { method, params, query });
      return;
    }
    const token = tokenToPublish(route, query, req);
    const isTraced = route.publishes === true && this.#parts.node.tracer !== undefined;
    // Completed, not copied, when the body is here: copying an object of all its fields costs as much as finding the route.
    const request: UnfinishedRequest = {
      method,
      path,
      apiPath,
      params,
      queryText,
      query,
      body: EMPTY_BODY,
      visitor: this.#isWatched(route) ? readVisitorFacts(exchange.res, req) : undefined,
      grant: undefined,
      span: undefined,
    };
    const call = { route, request, token, arrival: isTraced ? readArrival(req, this.#parts.now()) : undefined };
    const app = findCalledApp(this.#parts.apps, params.app, request, this.#nowSeconds());
    if (!(app instanceof Promise)) exchange.appId = app.id;
    const start = (body: Buffer): void => {
      request.body = body;
      exchange.bodyLength = body.length;
      this.#call(exchange, app, call);
    };
    if (!route.body) {
      start(EMPTY_BODY);
      return;
    }
    // Whoever has to be looked for may be found after the body is here, or not at all while it still comes.
    if (app instanceof Promise) app.catch(() => {});
    const limits = app instanceof Promise ? this.#parts.defaultLimits : app.limits;
    const onBody = (body: Buffer): void => {
      const isForLater = app instanceof Promise || token !== undefined;
      start(isForLater ? Buffer.from(body) : body);
    };
    const { httpApi } = this.#parts.settings;
    this.#readBody(exchange, isChunked(req), bodyLimits(route.body.limit, limits, httpApi), onBody);
  }

  /** Answers a request of which the body was not looked at. */
  #refuse(exchange: Exchange, req: HttpRequest, answer: Answer): void {
    if (!hasLargeBody(req)) {
      exchange.end(answer);
      return;
    }
    const timeoutMs = this.#parts.settings.httpApi.bodyTimeoutSeconds * 1000;
    exchange.stopReading = skipBody(exchange.res, { timeoutMs }, (isRead) => exchange.endLater(answer, !isRead));
  }

  #readBody(exchange: Exchange, chunked: boolean, limits: BodyLimits, onBody: (body: Buffer) => void): void {
    exchange.stopReading = readBody(exchange.res, chunked, limits, onBody, (error, isRead) =>
      exchange.endLater(errorAnswer(error), !isRead),
    );
  }

  #call(exchange: Exchange, app: MaybePromise<App>, call: Call): void {
    const { node } = this.#parts;
    const { route, request, token } = call;
    const run = (found: App): MaybePromise<Answer> => {
      exchange.appId = found.id;
      if (token === undefined) {
        authenticate(found, request, this.#nowSeconds());
        return this.#run(found, call);
      }
      return after(node.tokens.verify(found, token), (grant) => {
        if (!found.enabled) throw appDisabled(found);
        request.grant = grant;
        return this.#run(found, call);
      });
    };
    const watchedRun = this.#isWatched(route) ? (found: App) => this.#watched(found, request, run) : run;
    this.#answer(exchange, () => after(app, watchedRun));
  }

  #run(app: App, { route, request, arrival }: Call): MaybePromise<Answer> {
    const { node } = this.#parts;
    if (!arrival || !node.tracer) return route.run(node, app, request);
    return runTraced(node.tracer, route, arrival, app, (span) => {
      request.span = span;
      return route.run(node, app, request);
    });
  }

  /** Whether somebody wants to know who publishes with a request, and why it was refused. */
  #isWatched({ publishes }: AppRoute): boolean {
    return publishes === true && this.#parts.node.observer.publishRefused !== undefined;
  }

  #watched(app: App, request: ApiRequest, run: (app: App) => MaybePromise<Answer>): MaybePromise<Answer> {
    const refuse = (error: unknown): never => {
      const refused = publishRefusedBy(app, request, error);
      if (refused) this.#parts.node.observer.publishRefused?.(refused);
      throw error;
    };
    try {
      const answer = run(app);
      return answer instanceof Promise ? answer.catch(refuse) : answer;
    } catch (error) {
      return refuse(error);
    }
  }

  #handleAuth(
    exchange: Exchange,
    req: HttpRequest,
    route: AuthRoute,
    { method, params, query }: Pick<AuthRequest, 'method' | 'params' | 'query'>,
  ): void {
    const { settings, defaultLimits } = this.#parts;
    exchange.headers = [...exchange.headers, ...UNCACHED];
    const contentType = req.getHeader('content-type');
    const caller = readCallerHeaders(req);
    const onBody = (body: Buffer): void =>
      this.#answer(exchange, () =>
        route.run({ ...this.#parts, cors: this.#cors }, { method, params, query, contentType, body, caller }),
      );
    if (!route.body) {
      onBody(EMPTY_BODY);
      return;
    }
    this.#readBody(exchange, isChunked(req), bodyLimits(route.body.limit, defaultLimits, settings.httpApi), onBody);
  }

  /** Answers a request with what comes of some work. */
  #answer(exchange: Exchange, work: () => MaybePromise<Answer>): void {
    exchange.answer(work, (error) => failureAnswer(error, this.#parts.log));
  }

  #nowSeconds(): number {
    return Math.floor(this.#parts.now() / 1000);
  }

  /** Health checks work without the prefix too: they come from inside. So do auth endpoints: clients know them by that path. */
  #withoutPrefix(path: string): string {
    const { pathPrefix } = this.#parts.settings;
    if (pathPrefix === '' || !path.startsWith('/') || isAuthPath(path)) return path;
    if (path === pathPrefix) return '/';
    if (path.startsWith(`${pathPrefix}/`)) return path.slice(pathPrefix.length);
    if (!path.startsWith('/apps/')) return path;
    const message = `Path not found: the HTTP API is below ${pathPrefix}/apps/APP_ID here (pathPrefix)`;
    throw new ApiError('not-found', 404, message);
  }
}

const EMPTY_BODY = Buffer.alloc(0);

/** A request that is not complete yet. */
type UnfinishedRequest = { -readonly [Field in keyof ApiRequest]: ApiRequest[Field] };

/** A request of an application on its way to its route. */
interface Call {
  readonly route: AppRoute;
  readonly request: UnfinishedRequest;
  /** With which it is made; undefined: it is signed. */
  readonly token: string | undefined;
  /** Undefined: it is not traced. */
  readonly arrival: Arrival | undefined;
}

/** The token of a request to publish that has one in place of a signature. */
function tokenToPublish({ access }: AppRoute, { single }: RequestParams, req: HttpRequest): string | undefined {
  if (access !== 'signature or token' || single.has('auth_key')) return undefined;
  return bearerToken(req.getHeader('authorization'));
}

/** The headers are gone when the call that hands them over returns. */
function readCallerHeaders(req: HttpRequest): CallerHeaders {
  return {
    authorization: req.getHeader('authorization'),
    cookie: req.getHeader('cookie'),
    origin: req.getHeader('origin'),
    host: req.getHeader('host'),
    fetchSite: req.getHeader('sec-fetch-site'),
  };
}
