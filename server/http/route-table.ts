/** JSON Schema 2020-12, as OpenAPI 3.1 takes it. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** A schema, or what makes it once somebody asks for it. */
export type SchemaSource = JsonSchema | (() => JsonSchema);

/** What a route of any API of this program says of itself: enough to find it, and to describe it in an OpenAPI document. */
export interface RouteFacts {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** `/apps/:app/events`: a segment that begins with a colon stands for any text. */
  readonly path: string;
  /** One line, for people. */
  readonly summary: string;
  /** Optional parameters of the URL. */
  readonly query?: Readonly<Record<string, JsonSchema>>;
  readonly body?: {
    readonly schema: SchemaSource;
    readonly isRequired: boolean;
    /** Default: `application/json`. */
    readonly contentTypes?: readonly string[];
  };
  /** What a success is answered with. Default: nothing. */
  readonly answer?: SchemaSource;
  /** Default: `application/json`. */
  readonly answerType?: string;
  /** Of a success. Default: 200. */
  readonly status?: number;
}

/** The names in a path: `'app' | 'channel'` of `/apps/:app/channels/:channel`. */
type ParamNames<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Name | ParamNames<Rest>
  : Path extends `${string}:${infer Name}`
    ? Name
    : never;

/** Segments of a request's path by the names that its route gives them, decoded. */
export type PathParams<Path extends string = string> = string extends Path
  ? Readonly<Record<string, string>>
  : { readonly [Name in ParamNames<Path>]: string };

export type Match<R> =
  | { readonly route: R; readonly params: PathParams }
  /** The path exists, but for these methods. */
  | { readonly route: undefined; readonly allowed: readonly string[] };

/** Paths that begin alike. */
interface Branch<R> {
  readonly fixed: Map<string, Branch<R>>;
  /** Whatever the segment is. */
  any: Branch<R> | undefined;
  /** Of the path that ends here. */
  readonly byMethod: Map<string, R>;
  names: readonly string[];
}

/** Longer ones are not kept: nobody's path is. */
const MAX_KEPT_LENGTH = 512;

/** Finds routes by method and path. It looks at each segment of a path once, however many routes there are. */
export class RouteTable<R extends Pick<RouteFacts, 'method' | 'path'>> {
  readonly #root: Branch<R> = newBranch();
  readonly #decode: (segment: string) => string | undefined;
  /** Of the request before: a backend posts to one path all day. */
  #last: { readonly method: string; readonly path: string; readonly match: Match<R> } | undefined;

  /**
   * @param decode - reads a segment that stands for any text; undefined: no route has such a path
   * @throws {TypeError} two routes for one request
   */
  constructor(routes: readonly R[], decode: (segment: string) => string | undefined) {
    this.#decode = decode;
    for (const route of routes) this.#add(route);
  }

  /** @param path - without the query, not decoded */
  find(method: string, path: string): Match<R> | undefined {
    const last = this.#last;
    if (last && last.path === path && last.method === method) return last.match;
    const match = this.#find(method, path);
    if (match && path.length <= MAX_KEPT_LENGTH) this.#last = { method, path, match };
    return match;
  }

  #find(method: string, path: string): Match<R> | undefined {
    const values: string[] = [];
    const branch = this.#walk(path, values);
    if (!branch) return undefined;
    // Whoever can get something can ask for its headers alone.
    const route = branch.byMethod.get(method) ?? (method === 'HEAD' ? branch.byMethod.get('GET') : undefined);
    if (!route) return { route: undefined, allowed: [...branch.byMethod.keys()] };
    const params: Record<string, string> = {};
    for (let index = 0; index < values.length; index += 1) {
      const value = this.#decode(values[index] ?? '');
      if (value === undefined) return undefined;
      params[branch.names[index] ?? ''] = value;
    }
    return { route, params };
  }

  /** Whether there is a route for a path, whatever the method. */
  has(path: string): boolean {
    return this.#walk(path, []) !== undefined;
  }

  #walk(path: string, values: string[]): Branch<R> | undefined {
    if (!path.startsWith('/')) return undefined;
    let branch = this.#root;
    for (let start = 1; ; ) {
      const slash = path.indexOf('/', start);
      const segment = slash < 0 ? path.slice(start) : path.slice(start, slash);
      let next = branch.fixed.get(segment);
      if (!next && branch.any) {
        next = branch.any;
        values.push(segment);
      }
      if (!next) return undefined;
      branch = next;
      if (slash < 0) return branch.byMethod.size > 0 ? branch : undefined;
      start = slash + 1;
    }
  }

  #add(route: R): void {
    const { method, path } = route;
    let branch = this.#root;
    const names: string[] = [];
    for (const segment of path.slice(1).split('/')) {
      const isAny = segment.startsWith(':');
      if (isAny) names.push(segment.slice(1));
      let next = isAny ? branch.any : branch.fixed.get(segment);
      if (!next) {
        next = newBranch();
        if (isAny) branch.any = next;
        else branch.fixed.set(segment, next);
        // A segment is looked up once: a fixed one would hide what other paths have in its place.
        if (branch.any && branch.fixed.size > 0) throw new TypeError(`${path} and another route hide one another`);
      }
      branch = next;
    }
    if (branch.byMethod.has(method)) throw new TypeError(`there are two routes ${method} ${path}`);
    branch.byMethod.set(method, route);
    branch.names = names;
  }
}

function newBranch<R>(): Branch<R> {
  return { fixed: new Map(), any: undefined, byMethod: new Map(), names: [] };
}
