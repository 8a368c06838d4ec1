import { PROGRAM_HEADER } from './gate.ts';
import type { AdminRoute, JsonSchema } from './route.ts';
import { ADMIN_ERROR, describeQuery, SHOWN_APP } from './schemas.ts';

interface Options {
  readonly version: string;
  /** Requests must bring the token. */
  readonly hasToken: boolean;
}

/** The admin API as an OpenAPI 3.1 document, made from what requests are checked with. */
export function createOpenApi(routes: readonly AdminRoute[], { version, hasToken }: Options): object {
  const paths = new Map<string, Record<string, object>>();
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, '{$1}');
    const operations = paths.get(path) ?? {};
    operations[route.method.toLowerCase()] = describeOperation(route);
    paths.set(path, operations);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Kulkul admin API',
      version,
      description: 'Apps of the broker: make, change, watch and delete them. For whoever runs it; never for pages.',
    },
    paths: Object.fromEntries(paths),
    components: {
      schemas: { App: SHOWN_APP, Error: ADMIN_ERROR },
      securitySchemes: {
        token: hasToken
          ? { type: 'http', scheme: 'bearer' }
          : {
              type: 'apiKey',
              in: 'header',
              name: PROGRAM_HEADER,
              description: 'Any value; for requests that change something.',
            },
      },
    },
    security: [{ token: [] }],
  };
}

function describeOperation({ method, path, summary, query, body, answer, status }: AdminRoute): object {
  return {
    operationId: operationId(method, path),
    summary,
    parameters: [...pathParameters(path), ...(query ? queryParameters(describeQuery(query)) : [])],
    ...(body && { requestBody: { required: body.isRequired, content: jsonContent(body.schema) } }),
    responses: {
      [status ?? 200]: {
        description: 'Done.',
        content: jsonContent(answer === SHOWN_APP ? { $ref: '#/components/schemas/App' } : answer),
      },
      default: { description: 'Refused.', content: jsonContent({ $ref: '#/components/schemas/Error' }) },
    },
  };
}

function jsonContent(schema: JsonSchema): object {
  return { 'application/json': { schema } };
}

function pathParameters(path: string): object[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
}

function queryParameters({ properties }: JsonSchema): object[] {
  return Object.entries(properties as Readonly<Record<string, object>>).map(([name, schema]) => ({
    name,
    in: 'query',
    required: false,
    schema,
  }));
}

/** `DELETE /apps/:id/keys/:key` to `deleteAppsIdKeysKey`. */
function operationId(method: string, path: string): string {
  const words = path.split(/\W+/).filter(Boolean);
  return method.toLowerCase() + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}
