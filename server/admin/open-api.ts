import { createOpenApi } from '../http/open-api.ts';
import type { JsonSchema } from '../http/route-table.ts';
import { PROGRAM_HEADER } from './access.ts';
import type { AdminRoute } from './route.ts';
import { ADMIN_ERROR, describeQuery, SHOWN_APP } from './schemas.ts';

/**
 * The admin API as an OpenAPI 3.1 document, made from what requests are checked with.
 *
 * @param hasToken - requests must bring the token
 */
export function describeAdminApi(routes: readonly AdminRoute[], version: string, hasToken: boolean): object {
  const described = routes.map(({ query, ...route }) => ({
    ...route,
    ...(query && { query: describeQuery(query).properties as Readonly<Record<string, JsonSchema>> }),
  }));
  const inHeader = {
    type: 'apiKey',
    in: 'header',
    name: PROGRAM_HEADER,
    description: 'Any value; for requests that change something.',
  };
  return createOpenApi(described, {
    title: 'Kulkul admin API',
    version,
    description: 'Create, change, watch and delete apps of the broker. For operators; never for pages.',
    schemas: { App: SHOWN_APP, Error: ADMIN_ERROR },
    securitySchemes: { token: hasToken ? { type: 'http', scheme: 'bearer' } : inHeader },
    security: [{ token: [] }],
    refusal: {
      description: 'Refused.',
      content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
    },
  });
}
