import type { z } from 'zod';

/** What a route is asked. */
export interface AdminRequest {
  /** Parts of the path by name, decoded. */
  readonly params: Readonly<Record<string, string>>;
  /** Parameters of the URL; checked with the route's `query`. */
  readonly query: Readonly<Record<string, unknown>>;
  /** Parsed JSON; undefined where there was none. */
  readonly body: unknown;
}

/** A schema of a body, made from the one that it is checked with. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** One thing that the admin API does. */
export interface AdminRoute {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** `/apps/:id` */
  readonly path: string;
  /** One line, for people. */
  readonly summary: string;
  readonly query?: z.ZodObject;
  readonly body?: { readonly schema: JsonSchema; readonly isRequired: boolean };
  readonly answer: JsonSchema;
  /** Default: 200. */
  readonly status?: 201;
  /** @throws {AdminError | ApiError | AppConflict | SeamUnavailable} by rejection */
  run(request: AdminRequest): Promise<object>;
}

/** `GET /apps/:id  what it does`, in columns. */
export function describeRoutes(routes: readonly AdminRoute[]): string[] {
  const names = routes.map(({ method, path }) => `${method.padEnd(6)} ${path}`);
  const width = Math.max(...names.map(({ length }) => length));
  return routes.map(({ summary }, index) => `${(names[index] ?? '').padEnd(width)}  ${summary}`);
}
