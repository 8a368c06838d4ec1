import type { App } from '../../channels/app.ts';
import type { MaybePromise } from '../../channels/maybe-promise.ts';
import type { Node } from '../../channels/node.ts';
import { ApiError } from '../../protocol/errors.ts';
import { quote } from '../../protocol/json.ts';
import { type Answer, json } from './answer.ts';
import { describeApi } from './api-document.ts';
import * as schema from './api-schemas.ts';
import { type AuthParts, type AuthRequest, type AuthSubject, answerAuth } from './auth/auth-endpoint.ts';
import type { ApiRequest } from './authenticate.ts';
import { AUTH_BODY, BATCH_BODY, type BodyRule, EVENT_BODY } from './body.ts';
import {
  channelStats,
  countConnections,
  forceReconnect,
  listChannels,
  listUsers,
  revokeFromEveryone,
  revokeFromSocket,
  revokeFromUser,
  showChannel,
  showUser,
  terminateConnections,
  triggerBatch,
  triggerEvent,
  triggerOldStyle,
} from './endpoints.ts';
import type { ErrorPages } from './error-pages.ts';
import type { Health, HealthCheck } from './health.ts';
import { type Match, type PathParams, type RouteFacts, RouteTable } from './route-table.ts';

interface ApiRouteFacts extends RouteFacts {
  readonly body?: NonNullable<RouteFacts['body']> & { readonly limit: BodyRule };
}

/** What an application asks for. */
export interface AppRoute extends ApiRouteFacts {
  /** With the secret of a key of the app; to publish, a token that the app's rules admit will do. */
  readonly access: 'signature' | 'signature or token';
  readonly publishes?: true;
  /** @throws {ApiError} what the client did wrong */
  run(node: Node, app: App, request: ApiRequest): MaybePromise<Answer>;
}

/** What clients ask for who want to enter a channel or to sign in, unsigned. */
export interface AuthRoute extends ApiRouteFacts {
  readonly access: 'token';
  run(parts: AuthParts, request: AuthRequest): MaybePromise<Answer>;
}

/** What answers those who need no credentials. */
export interface OpenParts {
  readonly health: Health;
  readonly errorPages: ErrorPages;
}

/** What load balancers and people ask for. */
export interface OpenRoute extends ApiRouteFacts {
  readonly access: 'anybody';
  /** @param isTrusted - whoever asks has the token of the admin API */
  run(parts: OpenParts, isTrusted: boolean, params: Readonly<Record<string, string>>): MaybePromise<Answer>;
}

export type ApiRoute = AppRoute | AuthRoute | OpenRoute;

/** A route whose handler knows which parts its path has. */
function appRoute<Path extends string>(
  route: Omit<AppRoute, 'path' | 'run'> & {
    readonly path: Path;
    run(node: Node, app: App, request: ApiRequest<PathParams<Path>>): MaybePromise<Answer>;
  },
): AppRoute {
  return route;
}

const INFO = { info: schema.INFO };

const APP_ROUTES: readonly AppRoute[] = [
  appRoute({
    method: 'POST',
    path: '/apps/:app/events',
    summary: 'publishes an event on one or more channels; its fields may be parameters of the URL instead',
    access: 'signature or token',
    query: { info: schema.TRIGGER_INFO },
    body: { schema: schema.EVENT, isRequired: false, limit: EVENT_BODY },
    answer: schema.PUBLISHED,
    publishes: true,
    run: triggerEvent,
  }),
  appRoute({
    method: 'POST',
    path: '/apps/:app/batch_events',
    summary: 'publishes several events',
    access: 'signature or token',
    query: { info: schema.TRIGGER_INFO },
    body: { schema: schema.BATCH, isRequired: true, limit: BATCH_BODY },
    answer: schema.BATCH_PUBLISHED,
    publishes: true,
    run: triggerBatch,
  }),
  appRoute({
    method: 'GET',
    path: '/apps/:app/channels',
    summary: 'channels with a subscriber',
    access: 'signature',
    query: { filter_by_prefix: schema.PREFIX, ...INFO },
    answer: schema.CHANNELS,
    run: listChannels,
  }),
  appRoute({
    method: 'GET',
    path: '/apps/:app/channels/:channel',
    summary: 'one channel',
    access: 'signature',
    query: INFO,
    answer: schema.CHANNEL,
    run: showChannel,
  }),
  appRoute({
    method: 'GET',
    path: '/apps/:app/channels/:channel/users',
    summary: 'users in a presence channel',
    access: 'signature',
    query: { with_user_info: schema.WITH_USER_INFO },
    answer: schema.USERS,
    run: listUsers,
  }),
  appRoute({
    method: 'GET',
    path: '/apps/:app/connections',
    summary: 'number of open connections of the app, as in Reverb',
    access: 'signature',
    answer: schema.CONNECTIONS,
    run: countConnections,
  }),
  appRoute({
    method: 'GET',
    path: '/apps/:app/users/:user',
    summary: 'whether a user is signed in anywhere, and on how many connections',
    access: 'signature',
    answer: schema.USER,
    run: showUser,
  }),
  appRoute({
    method: 'POST',
    path: '/apps/:app/users/:user/force_reconnect',
    summary: 'ends all connections of a signed-in user so that they come back at once, and are authorized again',
    access: 'signature',
    body: { schema: {}, isRequired: false, limit: EVENT_BODY },
    answer: schema.EMPTY,
    run: forceReconnect,
  }),
  appRoute({
    method: 'POST',
    path: '/apps/:app/users/:user/terminate_connections',
    summary: 'ends all connections of a signed-in user',
    access: 'signature',
    body: { schema: {}, isRequired: false, limit: EVENT_BODY },
    answer: schema.EMPTY,
    run: terminateConnections,
  }),
  appRoute({
    method: 'DELETE',
    path: '/apps/:app/channels/:channel/users/:user',
    summary: 'removes a user from a channel, or from all that match a pattern (private-*)',
    access: 'signature',
    answer: schema.EMPTY,
    run: revokeFromUser,
  }),
  appRoute({
    method: 'DELETE',
    path: '/apps/:app/channels/:channel/sockets/:socket',
    summary: 'removes one connection from a channel',
    access: 'signature',
    answer: schema.EMPTY,
    run: revokeFromSocket,
  }),
  appRoute({
    method: 'DELETE',
    path: '/apps/:app/channels/:channel/subscriptions',
    summary: 'removes everybody from a channel',
    access: 'signature',
    answer: schema.EMPTY,
    run: revokeFromEveryone,
  }),
  appRoute({
    method: 'POST',
    path: '/apps/:app/channels/:channel/events',
    summary: 'publishes an event, as clients did before 2012: the whole body is its payload',
    access: 'signature',
    query: { name: schema.EVENT_NAME, socket_id: schema.SOCKET_ID },
    body: { schema: schema.RAW_DATA, isRequired: false, contentTypes: ['*/*'], limit: EVENT_BODY },
    status: 202,
    publishes: true,
    run: triggerOldStyle,
  }),
  appRoute({
    method: 'GET',
    path: '/apps/:app/channels/:channel/stats',
    summary: 'one channel, as clients asked before 2012',
    access: 'signature',
    answer: schema.STATS,
    run: channelStats,
  }),
  // The Python SDK leaves out `/apps/:app` here; the key says which app is meant.
  appRoute({
    method: 'POST',
    path: '/users/:user/terminate_connections',
    summary: 'ends all connections of a signed-in user of the app that auth_key names',
    access: 'signature',
    body: { schema: {}, isRequired: false, limit: EVENT_BODY },
    answer: schema.EMPTY,
    run: terminateConnections,
  }),
];

/** Where Laravel Echo and pusher-js look for auth endpoints unless they are told otherwise. */
const AUTH_PATHS: readonly (readonly [path: string, what: AuthSubject])[] = [
  ['/broadcasting/auth', 'channel'],
  ['/broadcasting/user-auth', 'user'],
  ['/pusher/auth', 'channel'],
  ['/pusher/user-auth', 'user'],
];
/** The same below an app. */
const APP_AUTH_PATHS = [['/channel', 'channel'], ['/user', 'user'], ...AUTH_PATHS].map(
  ([path, what]) => [`/apps/:app/auth${path}`, what] as [string, AuthSubject],
);

/** Both ways to ask an auth endpoint. */
function authRoutes([path, what]: readonly [string, AuthSubject]): readonly AuthRoute[] {
  const isChannel = what === 'channel';
  const facts = {
    path,
    summary: isChannel ? 'signs what lets a connection into a channel' : 'signs what makes a connection that of a user',
    access: 'token',
    answer: isChannel ? schema.CHANNEL_AUTH : schema.USER_AUTH,
    run: (parts: AuthParts, request: AuthRequest) => answerAuth(parts, what, request),
  } as const;
  const fields = isChannel ? schema.CHANNEL_AUTH_FIELDS : schema.USER_AUTH_FIELDS;
  const body = {
    schema: isChannel ? schema.CHANNEL_AUTH_REQUEST : schema.USER_AUTH_REQUEST,
    isRequired: false,
    contentTypes: ['application/x-www-form-urlencoded', 'application/json'],
    limit: AUTH_BODY,
  };
  return [
    { ...facts, method: 'GET', query: { ...fields, callback: schema.CALLBACK } },
    { ...facts, method: 'POST', body },
  ];
}

function healthRoute(path: string, check: HealthCheck, summary: string, answer: RouteFacts['answer']): OpenRoute {
  return {
    method: 'GET',
    path,
    summary,
    access: 'anybody',
    ...(answer && { answer, answerType: answer === schema.PLAIN_TEXT ? 'text/plain' : 'application/json' }),
    run: ({ health }, isTrusted) => health.answer(check, isTrusted),
  };
}

/** Everything that the HTTP API does. */
export const API_ROUTES: readonly ApiRoute[] = [
  ...APP_ROUTES,
  ...[...AUTH_PATHS, ...APP_AUTH_PATHS].flatMap(authRoutes),
  healthRoute('/', 'alive', 'whether the broker runs', schema.PLAIN_TEXT),
  healthRoute('/live', 'alive', 'the same, for orchestrators: 200 as long as the event loop turns', schema.PLAIN_TEXT),
  healthRoute('/up', 'up', 'the same, as Reverb answers', schema.UP),
  healthRoute('/ready', 'ready', 'whether it should get connections, or else why not (503)', schema.PLAIN_TEXT),
  healthRoute('/accept-traffic', 'accept-traffic', 'the same, under the name that Soketi has', schema.PLAIN_TEXT),
  healthRoute('/usage', 'usage', 'memory and connections', schema.USAGE),
  {
    method: 'GET',
    path: '/errors',
    summary: 'the errors of this API and of WebSockets',
    access: 'anybody',
    answer: schema.PLAIN_TEXT,
    answerType: 'text/plain',
    run: ({ errorPages }) => errorPages.list(),
  },
  {
    method: 'GET',
    path: '/errors/:error',
    summary: 'what an error means and what to do about it',
    access: 'anybody',
    answer: schema.PLAIN_TEXT,
    answerType: 'text/plain',
    run: ({ errorPages }, _isTrusted, { error = '' }) => errorPages.explain(error),
  },
  {
    method: 'GET',
    path: '/openapi.json',
    summary: 'this API as an OpenAPI 3.1 document',
    access: 'anybody',
    answer: schema.OPEN_API,
    run: () => {
      description ??= json(describeApi(API_ROUTES));
      return description;
    },
  },
];

/** Made when it is asked for, once. */
let description: Answer | undefined;

const table = new RouteTable<ApiRoute>(API_ROUTES, decode);

/** A segment that can't be decoded may be what a client means. */
function decode(segment: string): string {
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/**
 * Finds what a request is for.
 *
 * @param path - without query and path prefix, not decoded
 * @throws {ApiError} 404, or 405 when the path exists for another method
 */
export function findRoute(method: string, path: string): Extract<Match<ApiRoute>, { route: ApiRoute }> {
  const match = table.find(method, path);
  if (!match) throw notFound(path);
  if (match.route) return match;
  const { allowed } = match;
  const message = `${quote(method, 20)} is not possible here: use ${allowed.join(' or ')}`;
  const allow = allowed.flatMap((each) => (each === 'GET' ? ['GET', 'HEAD'] : [each])).join(', ');
  throw new ApiError('method-not-allowed', 405, message, undefined, { Allow: allow });
}

/** Whether a path, without the prefix, is one of the HTTP API's. */
export function isRoute(path: string): boolean {
  return table.has(path);
}

/** Whether this is the path of an auth endpoint for whichever app. */
export function isAuthPath(path: string): boolean {
  return AUTH_PATHS.some(([each]) => each === path);
}

/** Of a path that is looked at for advice. */
const MAX_ADVISED = 1000;

export function notFound(path: string): ApiError {
  return new ApiError('not-found', 404, `Path not found: ${quote(path, 100)}; ${adviceFor(path)}`);
}

function adviceFor(whole: string): string {
  const path = whole.slice(0, MAX_ADVISED);
  const collapsed = path.replace(/\/{2,}/g, '/').replace(/(.)\/$/, '$1');
  if (collapsed !== path && (collapsed.startsWith('/app/') || isRoute(collapsed))) {
    return `it has a slash too many: ask for ${quote(collapsed, 100)}. Does the base of the URL end with a slash?`;
  }
  if (path.startsWith('/app/')) {
    return 'WebSockets connect here, but this request asks for none: it has no Sec-WebSocket-Key, which a proxy must pass on';
  }
  const inner = path.indexOf('/apps/');
  return inner > 0
    ? `there is a prefix ${quote(path.slice(0, inner), 60)} before /apps: set pathPrefix to it, or have the proxy take it away`
    : 'the HTTP API is below /apps/APP_ID, WebSockets connect to /app/APP_KEY';
}
