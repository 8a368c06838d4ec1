import { ApiError } from '../../protocol/errors.ts';
import { quote } from '../../protocol/json.ts';

export type HealthCheck = 'alive' | 'ready' | 'accept-traffic' | 'usage';

/** Questions about channels: they count as read requests. */
export type ReadRoute =
  | { readonly name: 'channels'; readonly appId: string }
  | { readonly name: 'channel' | 'channel-users' | 'channel-stats'; readonly appId: string; readonly channel: string };

/** What is signed for one app. */
export type ApiRoute =
  | ReadRoute
  | { readonly name: 'events' | 'batch-events'; readonly appId: string }
  | { readonly name: 'channel-events'; readonly appId: string; readonly channel: string }
  | { readonly name: 'terminate'; readonly appId: string | undefined; readonly userId: string };

/** What a path asks for. */
export type Route = ApiRoute | { readonly name: 'health'; readonly check: HealthCheck };

const HEALTH: ReadonlyMap<string, HealthCheck> = new Map([
  ['/', 'alive'],
  ['/ready', 'ready'],
  ['/accept-traffic', 'accept-traffic'],
  ['/usage', 'usage'],
]);

/**
 * Finds what a request is for.
 *
 * @param path - without query and path prefix, not decoded
 * @throws {ApiError} 404, or 405 when the path exists for another method
 */
export function findRoute(method: string, path: string): Route {
  const health = HEALTH.get(path);
  const [route, allowed] = health ? ([{ name: 'health', check: health }, 'GET'] as const) : findApiRoute(path);
  if (method !== allowed && !(method === 'HEAD' && allowed === 'GET')) {
    throw new ApiError('method-not-allowed', 405, `${quote(method, 20)} is not possible here: use ${allowed}`);
  }
  return route;
}

function findApiRoute(path: string): readonly [ApiRoute, 'GET' | 'POST'] {
  const segments = path.split('/');
  if (segments[0] === '' && segments[1] === 'apps' && segments.length >= 4) {
    const appId = decode(segments[2]);
    const rest = segments.slice(3);
    const route = findAppRoute(appId, rest);
    if (route) return route;
  }
  // The Python SDK leaves out `/apps/:id` here; the key says which app is meant.
  if (segments[1] === 'users' && segments[3] === 'terminate_connections' && segments.length === 4) {
    return [{ name: 'terminate', appId: undefined, userId: decode(segments[2]) }, 'POST'];
  }
  throw notFound(path);
}

function findAppRoute(
  appId: string,
  [first, second, third, ...more]: readonly string[],
): readonly [ApiRoute, 'GET' | 'POST'] | undefined {
  if (more.length > 0) return undefined;
  if (second === undefined) {
    if (first === 'events') return [{ name: 'events', appId }, 'POST'];
    if (first === 'batch_events') return [{ name: 'batch-events', appId }, 'POST'];
    if (first === 'channels') return [{ name: 'channels', appId }, 'GET'];
    return undefined;
  }
  if (first === 'users' && third === 'terminate_connections') {
    return [{ name: 'terminate', appId, userId: decode(second) }, 'POST'];
  }
  if (first !== 'channels') return undefined;
  const channel = decode(second);
  if (third === undefined) return [{ name: 'channel', appId, channel }, 'GET'];
  if (third === 'users') return [{ name: 'channel-users', appId, channel }, 'GET'];
  if (third === 'stats') return [{ name: 'channel-stats', appId, channel }, 'GET'];
  if (third === 'events') return [{ name: 'channel-events', appId, channel }, 'POST'];
  return undefined;
}

function notFound(path: string): ApiError {
  return new ApiError('not-found', 404, `Path not found: ${quote(path, 100)}; ${adviceFor(path)}`);
}

function adviceFor(path: string): string {
  if (path.startsWith('/app/')) {
    return 'WebSockets connect here, but this request asks for none: does a proxy pass the headers Upgrade and Connection on?';
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
