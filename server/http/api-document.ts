import * as schema from './api-schemas.ts';
import { createOpenApi } from './open-api.ts';
import type { ApiRoute } from './routes.ts';

/** Of the signature, and so of what it covers. */
const VERSION = '1.0';

const inQuery = (name: string, description: string): object => ({ type: 'apiKey', in: 'query', name, description });

/** All of them together make a request that an application has signed. */
const SIGNATURE = {
  authKey: inQuery('auth_key', 'A key of the app.'),
  authTimestamp: inQuery('auth_timestamp', 'Unix time in seconds; good for less than 600 seconds either way.'),
  authVersion: inQuery('auth_version', VERSION),
  authSignature: inQuery(
    'auth_signature',
    'Hex HMAC-SHA256, with the secret of the key, of: METHOD, line feed, path, line feed, and all other parameters as name=value, sorted and joined by &. ' +
      'A request with a body also has body_md5, the hex MD5 of it. SDKs of Pusher do all that.',
  ),
};
const signed = Object.fromEntries(Object.keys(SIGNATURE).map((name) => [name, []]));
const byToken = { token: [] };

function securityOf({ access }: ApiRoute): readonly Readonly<Record<string, readonly string[]>>[] {
  switch (access) {
    case 'signature':
      return [signed];
    case 'signature or token':
      return [signed, byToken];
    case 'token':
      // As a field or a cookie, too.
      return [byToken, {}];
    case 'anybody':
      return [];
  }
}

/** The HTTP API as an OpenAPI 3.1 document. */
export function describeApi(routes: readonly ApiRoute[]): object {
  return createOpenApi(routes, {
    title: 'Kulkul HTTP API',
    version: VERSION,
    description:
      'What applications ask of the broker: the HTTP API of Pusher, with what Soketi and Reverb add, and auth endpoints. See PROTOCOL.md.',
    servers: [
      {
        url: '{base}',
        variables: {
          base: { default: 'http://127.0.0.1:6001', description: 'Of the broker, with pathPrefix if it is set.' },
        },
      },
    ],
    schemas: {
      Event: schema.EVENT,
      Batch: schema.BATCH,
      Channels: schema.CHANNELS,
      Channel: schema.CHANNEL,
      Users: schema.USERS,
      ChannelAuthRequest: schema.CHANNEL_AUTH_REQUEST,
      ChannelAuth: schema.CHANNEL_AUTH,
      UserAuthRequest: schema.USER_AUTH_REQUEST,
      UserAuth: schema.USER_AUTH,
      Usage: schema.USAGE,
    },
    responses: {
      Refused: {
        description: 'Refused, or not possible now. One line for people; errors.md has all ids.',
        headers: { 'X-Kulkul-Error': { description: 'Stable id of the error.', schema: { type: 'string' } } },
        content: { 'text/plain': { schema: { type: 'string' } } },
      },
    },
    securitySchemes: {
      ...SIGNATURE,
      token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'Of a user: authorization.md.' },
    },
    securityOf,
    refusal: { $ref: '#/components/responses/Refused' },
  });
}
