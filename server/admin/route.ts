import type { z } from 'zod';
import type { PathParams, RouteFacts } from '../http/route-table.ts';

/** What a route is asked. */
export interface AdminRequest<Params = PathParams> {
  readonly params: Params;
  /** Parameters of the URL; checked with the route's `query`. */
  readonly query: Readonly<Record<string, unknown>>;
  /** Parsed JSON; undefined where there was none. */
  readonly body: unknown;
}

/** One thing that the admin API does. */
export interface AdminRoute extends Omit<RouteFacts, 'query'> {
  readonly query?: z.ZodObject;
  /** `anybody`: without a token, too. Default: those who may use the API. */
  readonly access?: 'anybody';
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
