import type { IncomingHttpHeaders } from 'node:http';
import type { z } from 'zod';
import type { PathParams, RouteFacts } from '../http/route-table.ts';
import type { Operator } from './operator.ts';

/** What a route is asked. */
export interface AdminRequest<Params = PathParams> {
  readonly params: Params;
  /** Parameters of the URL; checked with the route's `query`. */
  readonly query: Readonly<Record<string, unknown>>;
  /** Parsed JSON; undefined where there was none. */
  readonly body: unknown;
  readonly operator: Operator;
  readonly headers: IncomingHttpHeaders;
  /** Whoever is connected: the client, or a proxy. */
  readonly address: string;
}

/** One thing that the admin API does. */
export interface AdminRoute extends Omit<RouteFacts, 'query'> {
  readonly query?: z.ZodObject;
  /** Who may do it. `anybody`: whoever has no token, too. Default: `read` of a GET, else `all`. */
  readonly access?: 'anybody' | 'read' | 'all';
  /**
   * A route without `/apps/:id`, for operators of some apps, too: it shows them nothing of other apps. Default: it is refused to them.
   */
  readonly showsOwnApps?: boolean;
  /**
   * @returns what becomes JSON, a `TextAnswer` or an `EventStream`
   * @throws {AdminError | ApiError | AppConflict | SeamUnavailable} by rejection
   */
  run(request: AdminRequest): Promise<object>;
}

/** A route whose handler knows which parts its path has. */
export function adminRoute<Path extends string>(
  route: Omit<AdminRoute, 'path' | 'run'> & {
    readonly path: Path;
    run(request: AdminRequest<PathParams<Path>>): Promise<object>;
  },
): AdminRoute {
  return route;
}

/** `GET /apps/:id  what it does`, in columns. */
export function describeRoutes(routes: readonly AdminRoute[]): string[] {
  const names = routes.map(({ method, path }) => `${method.padEnd(6)} ${path}`);
  const width = Math.max(...names.map(({ length }) => length));
  return routes.map(({ summary }, index) => `${(names[index] ?? '').padEnd(width)}  ${summary}`);
}
