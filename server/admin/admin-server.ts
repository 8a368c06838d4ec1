import type { AddressInfo } from 'node:net';
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { type ParseError, parseTree } from 'jsonc-parser';
import { SeamUnavailable } from '../../channels/broker.ts';
import { ApiError } from '../../protocol/errors.ts';
import { AppConflict } from '../apps/app-store.ts';
import type { Logger } from '../log.ts';
import { AdminError, type ErrorDetails, invalidRequest } from './admin-error.ts';
import { problemsOf } from './app-fields.ts';
import type { AppRegistry } from './app-registry.ts';
import { createAppRoutes } from './app-routes.ts';
import type { Fleet } from './fleet.ts';
import { createFleetRoutes } from './fleet-routes.ts';
import { Gate } from './gate.ts';
import { createOpenApi } from './open-api.ts';
import { type AdminRequest, type AdminRoute, describeRoutes } from './route.ts';
import { noQuerySchema, OPEN_API, OVERVIEW } from './schemas.ts';

/** An app with many rules and keys has a few KB. */
const MAX_BODY_BYTES = 1_048_576;
/** For a request to arrive in whole, in milliseconds. */
const REQUEST_MS = 10_000;
/** Between two looks at requests that are late. */
const LATE_CHECK_MS = 500;
const MAX_PARAM_LENGTH = 2000;
const RETRY_AFTER_SECONDS = 1;

export interface AdminServerParts {
  readonly registry: AppRegistry;
  readonly fleet: Fleet;
  /** '' for none, which is for loopback only. */
  readonly token: string;
  /** Others than this machine reach the broker itself. */
  readonly isExposed: boolean;
  readonly version: string;
  readonly log: Logger;
  /** Unset: `REQUEST_MS`. */
  readonly requestMs?: number;
}

/** What an error is answered with. */
interface Refusal extends Pick<AdminError, 'id' | 'status' | 'message'> {
  readonly details?: ErrorDetails;
}

/** The admin API over HTTP. */
export class AdminServer {
  readonly #parts: AdminServerParts;
  readonly #routes: readonly AdminRoute[];
  readonly #gate: Gate;
  readonly #http: FastifyInstance;

  constructor(parts: AdminServerParts) {
    this.#parts = parts;
    this.#gate = new Gate(parts.token);
    const { registry, fleet, isExposed, log, requestMs = REQUEST_MS } = parts;
    this.#routes = [
      ...createAppRoutes(registry, log, isExposed),
      ...createFleetRoutes(registry, fleet, log),
      ...this.#routesAboutItself(),
    ];
    this.#http = fastify({
      logger: false,
      bodyLimit: MAX_BODY_BYTES,
      requestTimeout: requestMs,
      // Of the two times Node.js takes the longer one for whole requests, and looks every 30 seconds unless told otherwise.
      http: { requestTimeout: requestMs, headersTimeout: requestMs, connectionsCheckingInterval: LATE_CHECK_MS },
      forceCloseConnections: true,
      routerOptions: { maxParamLength: MAX_PARAM_LENGTH, ignoreTrailingSlash: true },
      // A path that can't be decoded never gets to a route, nor to the hook before it.
      frameworkErrors: (_error, request, reply) => this.#refuse(reply, this.#refusalOf(request)),
    });
    this.#serve();
  }

  /** @returns the port. Rejects with the error of the system when the address can't be had. */
  async listen(host: string, port: number): Promise<number> {
    await this.#http.listen({ host, port });
    return (this.#http.server.address() as AddressInfo).port;
  }

  /** Answers what it has taken, then ends. */
  async stop(): Promise<void> {
    await this.#http.close();
  }

  #serve(): void {
    const http = this.#http;
    http.removeAllContentTypeParsers();
    http.addContentTypeParser(
      ['application/json', 'application/merge-patch+json'],
      { parseAs: 'string' },
      (_request, body, done) => {
        try {
          done(null, parseBody(String(body)));
        } catch (error) {
          done(error as Error);
        }
      },
    );
    http.addHook('onRequest', async ({ method, headers }) => this.#gate.check(method, headers));
    http.setErrorHandler((error: FastifyError, request, reply) =>
      this.#refuse(reply, this.#explain(error, `${request.method} ${request.url}`)),
    );
    http.setNotFoundHandler((request, reply) => {
      const methods = methodsFor(request.url, this.#routes);
      const refusal = methods.length === 0 ? notFound(request.url, this.#routes) : notAllowed(request.method, methods);
      if (methods.length > 0) void reply.header('Allow', methods.join(', '));
      return this.#refuse(reply, refusal);
    });
    for (const route of this.#routes) {
      http.route({
        method: route.method,
        url: route.path,
        handler: async (request, reply) => {
          const answer = await route.run(checkedRequest(route, request as AdminRequest));
          return send(reply, route.status ?? 200, answer);
        },
      });
    }
  }

  #routesAboutItself(): readonly AdminRoute[] {
    const { version, token } = this.#parts;
    return [
      {
        method: 'GET',
        path: '/openapi.json',
        summary: 'this API as an OpenAPI 3.1 document',
        answer: OPEN_API,
        run: async () => createOpenApi(this.#routes, { version, hasToken: token !== '' }),
      },
      {
        method: 'GET',
        path: '/',
        summary: 'this list',
        answer: OVERVIEW,
        run: async () => ({ kulkul: version, routes: describeRoutes(this.#routes) }),
      },
    ];
  }

  #refusalOf({ url, method, headers }: FastifyRequest): AdminError {
    try {
      this.#gate.check(method, headers);
      return notFound(url, this.#routes);
    } catch (error) {
      if (error instanceof AdminError) return error;
      throw error;
    }
  }

  #explain(error: FastifyError, request: string): Refusal {
    if (error instanceof AdminError || error instanceof ApiError) return error;
    if (error instanceof AppConflict) return new AdminError('app-conflict', 409, error.message);
    if (error instanceof SeamUnavailable) {
      // Whoever may call this may know where it is.
      return new AdminError('unavailable', 503, `Not possible just now: ${error.detail}. Try again`);
    }
    const known = explainFastify(error);
    if (known) return known;
    this.#parts.log.error({ err: error, request }, 'unexpected failure');
    return new AdminError('internal-error', 500, 'Internal error: the log of the server says more');
  }

  #refuse(reply: FastifyReply, { id, status, message, details }: Refusal): FastifyReply {
    if (status === 401) void reply.header('WWW-Authenticate', 'Bearer realm="kulkul admin"');
    if (status === 503) void reply.header('Retry-After', RETRY_AFTER_SECONDS);
    return send(reply, status, { error: id, message, ...details });
  }
}

/** A line of its own for whoever reads it in a terminal; never kept by anybody, as there may be a new secret in it. */
function send(reply: FastifyReply, status: number, answer: object): FastifyReply {
  return reply
    .code(status)
    .header('Content-Type', 'application/json; charset=utf-8')
    .header('Cache-Control', 'no-store')
    .header('X-Content-Type-Options', 'nosniff')
    .send(`${JSON.stringify(answer, null, 2)}\n`);
}

function checkedRequest({ query: schema = noQuerySchema }: AdminRoute, request: AdminRequest): AdminRequest {
  const problems = problemsOf(schema, { ...request.query }).map((problem) => ({
    ...problem,
    path: problem.path.replace('/', '?'),
    message: problem.message.replace('unknown field', 'unknown parameter'),
  }));
  if (problems.length > 0) throw invalidRequest(problems);
  const { params, query, body } = request;
  return { params, query, body: body ?? undefined };
}

function parseBody(text: string): unknown {
  if (text.trim() === '') return undefined;
  // Before anything that goes down into it: JSON has no bound, stacks and the JSON of databases have.
  if (isDeep(text)) {
    const message = `The body is nested more than ${MAX_DEPTH} levels deep, which no app is`;
    throw new AdminError('invalid-json', 400, message);
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new AdminError('invalid-json', 400, `The body is not valid JSON: ${reasonOf(text)}`);
  }
}

/** MySQL takes 100 levels; options of an app have a few. */
const MAX_DEPTH = 50;

/** Whether objects and lists of a JSON text, which may be broken, are in one another too often. */
function isDeep(text: string): boolean {
  let depth = 0;
  let isText = false;
  for (let at = 0; at < text.length && depth <= MAX_DEPTH; at += 1) {
    const sign = text[at];
    if (sign === '"') isText = !isText;
    else if (isText) at += sign === '\\' ? 1 : 0;
    else if (sign === '[' || sign === '{') depth += 1;
    else if (sign === ']' || sign === '}') depth -= 1;
  }
  return depth > MAX_DEPTH;
}

/** Where it is wrong; without showing a piece of it, which may be a secret. */
function reasonOf(text: string): string {
  const errors: ParseError[] = [];
  parseTree(text, errors, { disallowComments: true });
  const offset = errors[0]?.offset ?? text.length;
  if (offset >= text.trimEnd().length) return 'it ends too early';
  const lines = text.slice(0, offset).split('\n');
  return `there is an error at line ${lines.length}, column ${(lines.at(-1) ?? '').length + 1}`;
}

function explainFastify({ code, statusCode = 500, message }: FastifyError): AdminError | undefined {
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new AdminError('body-too-large', 413, `The body exceeds the limit of ${MAX_BODY_BYTES} bytes`);
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new AdminError('unsupported-content-type', 415, 'Send the body as JSON: Content-Type: application/json');
    default:
      return statusCode < 500 ? new AdminError('invalid-request', 400, message) : undefined;
  }
}

function notFound(url: string, routes: readonly AdminRoute[]): AdminError {
  const [path = ''] = url.split('?');
  const details: ErrorDetails = { routes: describeRoutes(routes) };
  return new AdminError('not-found', 404, `There is nothing at ${path.slice(0, 200)}`, details);
}

function notAllowed(method: string, methods: readonly string[]): AdminError {
  return new AdminError('method-not-allowed', 405, `${method} is not possible here: use ${methods.join(' or ')}`);
}

/** What can be done with a path. */
function methodsFor(url: string, routes: readonly AdminRoute[]): string[] {
  const [path = ''] = url.split('?');
  const fitting = routes.filter((route) => new RegExp(`^${route.path.replace(/:\w+/g, '[^/]+')}$`).test(path));
  return fitting.map(({ method }) => method);
}
