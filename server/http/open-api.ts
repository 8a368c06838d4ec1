import type { JsonSchema, RouteFacts, SchemaSource } from './route-table.ts';

type Security = readonly Readonly<Record<string, readonly string[]>>[];

/** What an API has in common. */
export interface ApiFacts<R> {
  readonly title: string;
  readonly version: string;
  readonly description: string;
  readonly servers?: readonly object[];
  /** By name; a route that answers one of them refers to it. */
  readonly schemas: Readonly<Record<string, SchemaSource>>;
  readonly securitySchemes: Readonly<Record<string, object>>;
  /** What all routes ask for. */
  readonly security?: Security;
  /** What one route asks for, where they differ. */
  readonly securityOf?: (route: R) => Security;
  readonly responses?: Readonly<Record<string, object>>;
  /** The response to a request that is refused. */
  readonly refusal: object;
}

/** Describes routes as an OpenAPI 3.1 document. */
export function createOpenApi<R extends RouteFacts>(routes: readonly R[], facts: ApiFacts<R>): object {
  const { title, version, description, servers, schemas, securitySchemes, security, securityOf } = facts;
  const { responses, refusal } = facts;
  const names = new Map(Object.entries(schemas).map(([name, schema]) => [schema, name]));
  const paths = new Map<string, Record<string, object>>();
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, '{$1}');
    const operations = paths.get(path) ?? {};
    operations[route.method.toLowerCase()] = {
      ...describeRoute(route, names, refusal),
      ...(securityOf && { security: securityOf(route) }),
    };
    paths.set(path, operations);
  }
  return {
    openapi: '3.1.0',
    info: { title, version, description },
    ...(servers && { servers }),
    paths: Object.fromEntries(paths),
    components: { schemas: madeOf(schemas), ...(responses && { responses }), securitySchemes },
    ...(security && { security }),
  };
}

function describeRoute(route: RouteFacts, names: ReadonlyMap<SchemaSource, string>, refusal: object): object {
  const { method, path, summary, query = {}, body, answer, answerType = 'application/json', status = 200 } = route;
  const content = (type: string, schema: SchemaSource): object => {
    const name = names.get(schema);
    return { [type]: { schema: name === undefined ? made(schema) : { $ref: `#/components/schemas/${name}` } } };
  };
  const types = body?.contentTypes ?? ['application/json'];
  return {
    operationId: operationId(method, path),
    summary,
    parameters: [
      ...[...path.matchAll(/:(\w+)/g)].map(([, name]) => parameter('path', String(name), { type: 'string' })),
      ...Object.entries(query).map(([name, schema]) => parameter('query', name, schema)),
    ],
    ...(body && {
      requestBody: {
        required: body.isRequired,
        content: Object.assign({}, ...types.map((type) => content(type, body.schema))),
      },
    }),
    responses: {
      [status]: { description: 'Done.', ...(answer && { content: content(answerType, answer) }) },
      default: refusal,
    },
  };
}

function made(schema: SchemaSource): JsonSchema {
  return typeof schema === 'function' ? schema() : schema;
}

function madeOf(schemas: Readonly<Record<string, SchemaSource>>): Readonly<Record<string, JsonSchema>> {
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, made(schema)]));
}

function parameter(where: 'path' | 'query', name: string, schema: JsonSchema): object {
  return { name, in: where, required: where === 'path', schema };
}

/** `DELETE /apps/:id/keys/:key` to `deleteAppsIdKeysKey`. */
function operationId(method: string, path: string): string {
  const words = path.split(/[^a-zA-Z0-9]+/).filter(Boolean);
  return method.toLowerCase() + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}
