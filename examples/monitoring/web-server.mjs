import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import fastify from 'fastify';
import { serveApi } from './api.mjs';
import { passOnFeed } from './pass-on-feed.mjs';

const DOCUMENTATION = '/swagger';

/**
 * One address for everything: the HTTP API, its documentation, the feed at `/ws`, and the page.
 *
 * @param {object} parts
 * @param {import('./fleet.mjs').Fleet} parts.fleet
 * @param {string} parts.agentToken - what agents have to send
 * @param {string} parts.brokerUrl
 * @param {{ cert: Buffer, key: Buffer } | null} [parts.tls]
 * @param {Buffer} [parts.tokenKey] - public key, PEM: whoever reads the API needs a token that is signed with it
 * @param {() => boolean} parts.isBrokerAway
 * @param {(news: object[]) => Promise<void>} parts.onNews - is told of alerts and recoveries
 * @param {Map<string, { type: string, body: string | Uint8Array }>} parts.page - its files by path
 */
export async function createWebServer({ brokerUrl, page, tls = null, ...parts }) {
  const app = fastify({
    https: tls,
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
    forceCloseConnections: true,
  });
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Monitoring of servers',
        version: '1',
        description: 'What servers say of themselves. Changes come at /ws, to a WebSocket or an EventSource.',
      },
      components: { securitySchemes: { agent: { type: 'http', scheme: 'bearer', description: 'AGENT_TOKEN' } } },
    },
  });
  await app.register(swaggerUi, { routePrefix: DOCUMENTATION });
  app.get(`${DOCUMENTATION}/index.html`, { schema: { hide: true } }, (_, reply) => reply.redirect(`${DOCUMENTATION}/`));
  await app.register(serveApi, parts);
  await app.register(passOnFeed, { brokerUrl });
  for (const [path, { type, body }] of page) {
    app.get(path, { schema: { hide: true } }, (_, reply) => reply.type(type).send(body));
  }
  app.setNotFoundHandler(({ url }, reply) => reply.code(404).send({ error: `There is no ${url}.` }));
  return app;
}
