import { ApiError } from '../../protocol/errors.ts';
import { quote } from '../../protocol/json.ts';
import type { RevocationSubject } from './revocation-route.ts';

export type HealthCheck = 'alive' | 'ready' | 'accept-traffic' | 'usage';

/** Questions about channels: they count as read requests. */
export type ReadRoute =
  | { readonly name: 'channels'; readonly appId: string }
  | { readonly name: 'channel' | 'channel-users' | 'channel-stats'; readonly appId: string; readonly channel: string };

/** What the application asks for, signed; events a client may publish by a token, too. */
export type ApiRoute =
  | ReadRoute
  | { readonly name: 'events' | 'batch-events'; readonly appId: string }
  | { readonly name: 'channel-events'; readonly appId: string; readonly channel: string }
  | { readonly name: 'terminate'; readonly appId: string | undefined; readonly userId: string }
  | {
      readonly name: 'revoke';
      readonly appId: string;
      /** Or a pattern. */
      readonly channel: string;
      readonly subject: RevocationSubject;
    };

export type AuthSubject = 'channel' | 'user';

/** An auth endpoint, as clients ask for it: by a token, and unsigned. */
export interface AuthRoute {
  readonly name: 'auth';
  /** Authorize for a channel, or authenticate the user. */
  readonly what: AuthSubject;
  /** Undefined: the only app, or the one that the request names. */
  readonly appId: string | undefined;
}

/** What a path asks for. */
export type Route = ApiRoute | AuthRoute | { readonly name: 'health'; readonly check: HealthCheck };

type Method = 'GET' | 'POST' | 'DELETE';
/** A route and the methods that it is for. */
type Match<T extends Route = Route> = readonly [T, ...Method[]];

const APPS = '/apps/';
/** More than any route has. */
const MAX_SEGMENTS = 6;
/** Of a path that is looked at for advice. */
const MAX_ADVISED = 1000;
/** Of an app. */
const AUTH = 'auth/';

const HEALTH: ReadonlyMap<string, HealthCheck> = new Map([
  ['/', 'alive'],
  ['/ready', 'ready'],
  ['/accept-traffic', 'accept-traffic'],
  ['/usage', 'usage'],
]);

/** Where Laravel Echo and pusher-js look for auth endpoints unless they are told otherwise. */
const AUTH_PATHS: ReadonlyMap<string, AuthSubject> = new Map([
  ['/broadcasting/auth', 'channel'],
  ['/broadcasting/user-auth', 'user'],
  ['/pusher/auth', 'channel'],
  ['/pusher/user-auth', 'user'],
]);

/** The same below an app. */
const APP_AUTH_PATHS: ReadonlyMap<string, AuthSubject> = new Map([
  ['/channel', 'channel'],
  ['/user', 'user'],
  ...AUTH_PATHS,
]);

/** Whether this is the path of an auth endpoint for whichever app. */
export function isAuthPath(path: string): boolean {
  return AUTH_PATHS.has(path);
}

/**
 * Finds what a request is for.
 *
 * @param path - without query and path prefix, not decoded
 * @throws {ApiError} 404, or 405 when the path exists for another method
 */
export function findRoute(method: string, path: string): Route {
  const [route, ...methods] = findMatch(path);
  if (!methods.some((allowed) => method === allowed || (method === 'HEAD' && allowed === 'GET'))) {
    const message = `${quote(method, 20)} is not possible here: use ${methods.join(' or ')}`;
    const allow = methods.flatMap((allowed) => (allowed === 'GET' ? ['GET', 'HEAD'] : [allowed])).join(', ');
    throw new ApiError('method-not-allowed', 405, message, undefined, { Allow: allow });
  }
  return route;
}

/** Whether a path, without the prefix, is one of the HTTP API's. */
export function isRoute(path: string): boolean {
  return searchMatch(path) !== undefined;
}

function findMatch(path: string): Match {
  const match = searchMatch(path);
  if (match) return match;
  throw notFound(path);
}

function searchMatch(path: string): Match | undefined {
  const health = HEALTH.get(path);
  if (health) return [{ name: 'health', check: health }, 'GET'];
  if (path.startsWith(APPS)) {
    const end = path.indexOf('/', APPS.length);
    return end < 0 ? undefined : findAppMatch(decode(path.slice(APPS.length, end)), path.slice(end + 1));
  }
  const auth = AUTH_PATHS.get(path);
  if (auth) return [{ name: 'auth', what: auth, appId: undefined }, 'GET', 'POST'];
  const segments = path.split('/', MAX_SEGMENTS);
  // The Python SDK leaves out `/apps/:id` here; the key says which app is meant.
  if (segments[1] === 'users' && segments[3] === 'terminate_connections' && segments.length === 4) {
    return [{ name: 'terminate', appId: undefined, userId: decode(segments[2]) }, 'POST'];
  }
  return undefined;
}

/** @param resource - what follows the app's id; the commonest are not taken apart */
function findAppMatch(appId: string, resource: string): Match | undefined {
  if (resource === 'events') return [{ name: 'events', appId }, 'POST'];
  if (resource === 'batch_events') return [{ name: 'batch-events', appId }, 'POST'];
  if (resource === 'channels') return [{ name: 'channels', appId }, 'GET'];
  if (resource.startsWith(AUTH)) {
    const what = APP_AUTH_PATHS.get(resource.slice(AUTH.length - 1));
    return what && [{ name: 'auth', what, appId }, 'GET', 'POST'];
  }
  const [first, second, third, fourth, ...more] = resource.split('/', MAX_SEGMENTS);
  if (second === undefined) return undefined;
  if (first === 'users' && third === 'terminate_connections' && fourth === undefined) {
    return [{ name: 'terminate', appId, userId: decode(second) }, 'POST'];
  }
  if (first !== 'channels' || more.length > 0) return undefined;
  const channel = decode(second);
  return fourth === undefined
    ? findChannelMatch(appId, channel, third)
    : findSubjectMatch(appId, channel, third, decode(fourth));
}

function findChannelMatch(appId: string, channel: string, third: string | undefined): Match<ApiRoute> | undefined {
  if (third === undefined) return [{ name: 'channel', appId, channel }, 'GET'];
  if (third === 'users') return [{ name: 'channel-users', appId, channel }, 'GET'];
  if (third === 'stats') return [{ name: 'channel-stats', appId, channel }, 'GET'];
  if (third === 'events') return [{ name: 'channel-events', appId, channel }, 'POST'];
  if (third === 'subscriptions') return [{ name: 'revoke', appId, channel, subject: undefined }, 'DELETE'];
  return undefined;
}

function findSubjectMatch(
  appId: string,
  channel: string,
  third: string | undefined,
  id: string,
): Match<ApiRoute> | undefined {
  if (third === 'users') return [{ name: 'revoke', appId, channel, subject: { userId: id } }, 'DELETE'];
  if (third === 'sockets') return [{ name: 'revoke', appId, channel, subject: { socketId: id } }, 'DELETE'];
  return undefined;
}

export function notFound(path: string): ApiError {
  return new ApiError('not-found', 404, `Path not found: ${quote(path, 100)}; ${adviceFor(path)}`);
}

function adviceFor(whole: string): string {
  const path = whole.slice(0, MAX_ADVISED);
  const collapsed = path.replace(/\/{2,}/g, '/').replace(/(.)\/$/, '$1');
  if (collapsed !== path && (collapsed.startsWith('/app/') || searchMatch(collapsed))) {
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

function decode(segment = ''): string {
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
