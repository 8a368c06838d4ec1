import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { parse as parseQuery } from 'node:querystring';
import { SeamUnavailable } from '../../channels/broker.ts';
import { ApiError } from '../../protocol/errors.ts';
import { AppConflict, TakenByApp } from '../apps/app-store.ts';
import type { AdminTokenOptions } from '../config/admin-tokens.ts';
import { createConsoleFileRoutes } from '../console/console-files.ts';
import { createConsoleRoutes } from '../console/console-routes.ts';
import { createSessionRoutes } from '../console/session-routes.ts';
import { Sessions, SignInAttempts } from '../console/sessions.ts';
import { RouteTable } from '../http/route-table.ts';
import type { Logger } from '../log.ts';
import type { MetricsDoor } from '../metrics/metrics-door.ts';
import { Access, checkRights, hiddenApp } from './access.ts';
import { AdminError, type ErrorDetails, invalidRequest } from './admin-error.ts';
import { problemsOf } from './app-fields.ts';
import type { AppRegistry } from './app-registry.ts';
import { createAppRoutes } from './app-routes.ts';
import { type Audit, logAudit } from './audit.ts';
import type { Fleet } from './fleet.ts';
import { createFleetRoutes } from './fleet-routes.ts';
import { describeAdminApi } from './open-api.ts';
import { maySee, type Operator } from './operator.ts';
import { EventStream, jsonAnswer, type StreamClient, TextAnswer } from './other-answers.ts';
import { readJson } from './request-body.ts';
import { type AdminRoute, adminRoute, describeRoutes } from './route.ts';
import { noQuerySchema, OPEN_API, OVERVIEW } from './schemas.ts';
import { createUserRoutes } from './user-routes.ts';
import { createWebhookRoutes } from './webhook-routes.ts';

/** For a request to arrive in whole, in milliseconds. */
const REQUEST_MS = 10_000;
/** Between two looks at requests that are late. */
const LATE_CHECK_MS = 500;
/** That a connection is kept for without a request, in milliseconds. */
const KEEP_ALIVE_MS = 72_000;
const MAX_PARAM_LENGTH = 2000;
/** Of a path in the log. */
const MAX_AUDITED_LENGTH = 500;
const RETRY_AFTER_SECONDS = 1;
/** Open at once: nodes work for each of them. */
const MAX_STREAMS = 32;
/** What they send is not looked at. */
const WITHOUT_BODY: ReadonlySet<string | undefined> = new Set(['GET', 'HEAD']);

export interface AdminServerParts {
  readonly registry: AppRegistry;
  readonly fleet: Fleet;
  /** '' for none; without any token it is for loopback only. */
  readonly token: string;
  /** Beside `token`. Unset: none. */
  readonly tokens?: readonly AdminTokenOptions[];
  /** Others than this machine reach the broker itself. */
  readonly isExposed: boolean;
  readonly version: string;
  readonly log: Logger;
  /** Answers what is not for the admin API, before anything else looks at it. */
  readonly door?: MetricsDoor | undefined;
  /** Beside its own. */
  readonly routes?: readonly AdminRoute[];
  /** Unset: `REQUEST_MS`. */
  readonly requestMs?: number;
}

/** Of routes that are for anybody. */
const NOBODY: Operator = { name: '', access: 'read', apps: [] };

/** What an error is answered with. */
type Refusal = Pick<AdminError, 'id' | 'status' | 'message' | 'details' | 'headers'>;

/**
 * The admin API over HTTP. Node's own server takes the requests: it needs no native part in the main process, answers clients of HTTP/1.0, and ends
 * requests that are late with a status.
 */
export class AdminServer {
  readonly #parts: AdminServerParts;
  readonly #access: Access;
  readonly #audit: Audit;
  readonly #routes: readonly AdminRoute[];
  readonly #table: RouteTable<AdminRoute>;
  readonly #http: Server;
  /** To requests that have come in whole. */
  readonly #answering = new Set<ServerResponse>();
  readonly #streams = new Set<StreamClient>();
  #isStopping = false;

  constructor(parts: AdminServerParts) {
    this.#parts = parts;
    const { registry, fleet, token, tokens = [], isExposed, log, routes = [], requestMs = REQUEST_MS } = parts;
    const sessions = new Sessions(() => Date.now());
    this.#access = new Access({ token, tokens }, sessions);
    const writeAudit = logAudit(log);
    this.#audit = (change) => {
      writeAudit(change);
      // Whoever watches may miss it: the log has it.
      void Promise.resolve(fleet.noteChange(change)).catch(() => {});
    };
    this.#routes = [
      ...createAppRoutes(registry, log, isExposed),
      ...createFleetRoutes(registry, fleet, log),
      ...createUserRoutes(registry, fleet, log),
      ...createWebhookRoutes(registry, fleet, log),
      ...createConsoleRoutes({ registry, fleet, sessions, log }),
      ...createConsoleFileRoutes(),
      ...createSessionRoutes(this.#access, sessions, new SignInAttempts(() => performance.now()), this.#audit),
      ...routes,
      ...this.#routesAboutItself(),
    ];
    this.#table = new RouteTable(this.#routes, decodeParam);
    const times = {
      // Of the two times Node.js takes the longer one for whole requests, and looks every 30 seconds unless told otherwise.
      requestTimeout: requestMs,
      headersTimeout: requestMs,
      connectionsCheckingInterval: LATE_CHECK_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
    };
    this.#http = createServer(times, (request, response) => {
      if (!parts.door?.takes(request, response)) void this.#serve(request, response);
    });
  }

  /** @returns the port. Rejects with the error of the system when the address can't be had. */
  async listen(host: string, port: number): Promise<number> {
    this.#http.listen(port, host);
    await once(this.#http, 'listening');
    return (this.#http.address() as AddressInfo).port;
  }

  /** Answers what it has taken, ends the event streams, then ends. */
  async stop(): Promise<void> {
    const closed = once(this.#http, 'close');
    this.#isStopping = true;
    this.#http.close();
    for (const stream of this.#streams) stream.end();
    await Promise.all([...this.#answering].map((response) => once(response, 'close')));
    this.#http.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const { status = 200, answer } = await this.#answer(request, response);
      if (answer instanceof EventStream) this.#startStream(answer, request, response);
      else send(response, status, answer);
    } catch (error) {
      // The client left, or was cut off as it was late.
      if (request.destroyed && !request.complete) return;
      this.#refuse(response, this.#explain(error, request));
    }
  }

  async #answer(
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<{ readonly status: number | undefined; readonly answer: object }> {
    const { method = '', url = '', headers } = request;
    const [path = '', queryText = ''] = splitOnce(url, '?');
    const match = this.#table.find(method, path.replace(/(.)\/$/, '$1'));
    const operator = this.#operatorOf(match?.route, method, headers);
    if (!match) throw notFound(path, this.#routes);
    if (!match.route) throw wrongMethod(method, match.allowed);
    const { route, params } = match;
    const appId = route.path.startsWith('/apps/:id') ? params.id : undefined;
    if (operator) checkRights(operator, route, appId);
    const body = WITHOUT_BODY.has(method) ? undefined : await readJson(request);
    this.#answering.add(response);
    response.on('close', () => this.#answering.delete(response));
    const query = checkedQuery(route, parseQuery(queryText));
    const address = request.socket.remoteAddress ?? '';
    const asked = { params, query, body, operator: operator ?? NOBODY, headers, address };
    const answer = await route.run(asked).catch((error: unknown) => {
      throw withoutOtherApps(error, asked.operator, appId);
    });
    if (operator && !WITHOUT_BODY.has(method)) {
      this.#audit({
        who: operator.name,
        what: `${method} ${path.slice(0, MAX_AUDITED_LENGTH)}`,
        app: appId,
        from: address,
      });
    }
    return { status: route.status, answer };
  }

  /** @returns undefined where it does not matter */
  #operatorOf(route: AdminRoute | undefined, method: string, headers: IncomingHttpHeaders): Operator | undefined {
    if (route?.access !== 'anybody') return this.#access.operatorOf(method, headers);
    this.#access.checkHost(headers);
    return undefined;
  }

  /** A stream is none of those that are waited for when the server stops: it never ends by itself. */
  #startStream(stream: EventStream, { method }: IncomingMessage, response: ServerResponse): void {
    this.#answering.delete(response);
    if (this.#streams.size >= MAX_STREAMS) {
      const message = `There are ${MAX_STREAMS} event streams already: close one that nobody looks at`;
      throw new AdminError('too-many-streams', 503, message);
    }
    if (method === 'HEAD') {
      response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8' }).end();
      return;
    }
    const client = stream.start(response, () => performance.now());
    this.#streams.add(client);
    response.once('close', () => this.#streams.delete(client));
    if (this.#isStopping) client.end();
  }

  #routesAboutItself(): readonly AdminRoute[] {
    const { version } = this.#parts;
    return [
      adminRoute({
        method: 'GET',
        path: '/openapi.json',
        showsOwnApps: true,
        summary: 'this API as an OpenAPI 3.1 document',
        answer: OPEN_API,
        run: async () => describeAdminApi(this.#routes, version, this.#access.needsToken),
      }),
      adminRoute({
        method: 'GET',
        path: '/',
        showsOwnApps: true,
        summary: 'this list',
        answer: OVERVIEW,
        run: async () => ({ kulkul: version, routes: describeRoutes(this.#routes) }),
      }),
    ];
  }

  #explain(error: unknown, { method, url }: IncomingMessage): Refusal {
    if (error instanceof AdminError) return error;
    if (error instanceof ApiError) {
      const { id, status, message, retryAfterSeconds } = error;
      return {
        id,
        status,
        message,
        details: {},
        headers: retryAfterSeconds === undefined ? {} : { retryAfterSeconds },
      };
    }
    if (error instanceof AppConflict) return new AdminError('app-conflict', 409, error.message);
    if (error instanceof SeamUnavailable) {
      // Whoever may call this may know where it is.
      return new AdminError('unavailable', 503, `Not possible right now: ${error.detail}. Try again`);
    }
    this.#parts.log.error({ err: error, request: `${method} ${url}` }, 'unexpected failure');
    return new AdminError('internal-error', 500, 'Internal error: see the log of the server');
  }

  #refuse(response: ServerResponse, { id, status, message, details, headers }: Refusal): void {
    const { allow, retryAfterSeconds = status === 503 ? RETRY_AFTER_SECONDS : undefined } = headers;
    if (status === 401) response.setHeader('WWW-Authenticate', 'Bearer realm="kulkul admin"');
    if (retryAfterSeconds !== undefined) response.setHeader('Retry-After', retryAfterSeconds);
    if (allow !== undefined) response.setHeader('Allow', allow);
    send(response, status, { error: id, message, ...details });
  }
}

/** Never kept by anybody unless the answer says so, as there may be a new secret in it. */
function send(response: ServerResponse, status: number, answer: object): void {
  const { body, contentType, headers } = answer instanceof TextAnswer ? answer : jsonAnswer(answer);
  response.writeHead(status, {
    'Content-Type': contentType,
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    'Content-Length': Buffer.byteLength(body),
    ...headers,
  });
  response.end(body);
}

/** An error as an operator may see it: what it says may name apps that the operator may not know. */
function withoutOtherApps(error: unknown, operator: Operator, appId = ''): unknown {
  if (operator.apps && error instanceof AdminError && error.id === 'unknown-app') return hiddenApp(appId);
  if (error instanceof TakenByApp && !maySee(operator, error.appId)) return new AppConflict(error.messageWithoutApp);
  return error;
}

function splitOnce(text: string, sign: string): readonly string[] {
  const at = text.indexOf(sign);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

function decodeParam(segment: string): string | undefined {
  if (segment.length > MAX_PARAM_LENGTH) return undefined;
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}

function checkedQuery(
  { query: schema = noQuerySchema }: AdminRoute,
  given: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const query = { ...given };
  const problems = problemsOf(schema, query).map((problem) => ({
    ...problem,
    path: problem.path.replace('/', '?'),
    message: problem.message.replace('unknown field', 'unknown parameter'),
  }));
  if (problems.length > 0) throw invalidRequest(problems);
  return query;
}

function notFound(path: string, routes: readonly AdminRoute[]): AdminError {
  const details: ErrorDetails = { routes: describeRoutes(routes) };
  return new AdminError('not-found', 404, `There is nothing at ${path.slice(0, 200)}`, details);
}

function wrongMethod(method: string, allowed: readonly string[]): AdminError {
  const message = `${method} is not possible here: use ${allowed.join(' or ')}`;
  return new AdminError('method-not-allowed', 405, message, {}, { allow: allowed.join(', ') });
}
