import { timingSafeEqual } from 'node:crypto';
import jwt from 'jsonwebtoken';
import {
  alertsSchema,
  drillSchema,
  errorSchema,
  healthSchema,
  historyQuerySchema,
  historySchema,
  messageSchema,
  metricsSchema,
  readingSchema,
  serversSchema,
  stateSchema,
} from './api-schemas.mjs';
import { mask } from './mask.mjs';

const MAX_BODY_BYTES = 16_384;
const MINUTE_MS = 60_000;
const READINGS = '/api/v1/readings';
/** As in kulkul.production.json: who may read the feed may read the API. */
const AUDIENCE = 'monitoring';
const ROLE = 'operator';

/**
 * The HTTP API, below `/api`. What comes in is masked here, before anything else sees it.
 *
 * @param {import('fastify').FastifyInstance} app
 * @param {import('./web-server.mjs').Parts} parts
 */
export async function serveApi(app, { fleet, agentToken, tokenKey, isBrokerAway, onNews }) {
  app.setErrorHandler((error, _, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) process.stdout.write(`${mask(String(error.stack))}\n`);
    return reply.code(status).send({ error: status >= 500 ? 'Internal error: see the log' : error.message });
  });

  if (tokenKey)
    app.addHook('onRequest', async (request, reply) => {
      // Agents have a token of their own.
      if (request.url === READINGS || isReader(request.headers.authorization, tokenKey)) return undefined;
      return refuse(reply, 401, 'Authorization: Bearer TOKEN, of an operator');
    });

  get('/api/v1/servers', 'All servers and how they are', serversSchema, () => ({
    servers: Object.entries(fleet.metrics).map(([name, { status, readAt, uptimeSeconds }]) => ({
      name,
      status,
      readAt,
      uptimeSeconds,
      alerts: fleet.activeAlerts.filter(({ server }) => server === name).length,
    })),
  }));
  get('/api/v1/servers/metrics', 'The last reading of each server', metricsSchema, () => fleet.metrics);
  get(
    '/api/v1/servers/metrics/history',
    'The readings of the last minutes',
    historySchema,
    ({ query }) => ({ rows: fleet.historySince(Date.now() - Number(query.minutes) * MINUTE_MS) }),
    { querystring: historyQuerySchema },
  );
  get('/api/v1/alerts/active', 'Alerts that are on', alertsSchema, () => ({ alerts: fleet.activeAlerts }));
  get('/api/v1/alerts', 'The last alerts and recoveries', alertsSchema, () => ({ alerts: fleet.recentAlerts }));
  get('/api/v1/health', 'How the application is', healthSchema, () => {
    const silent = Object.entries(fleet.metrics).filter(([, { status }]) => status === 'silent');
    const isAway = isBrokerAway();
    return {
      status: isAway ? 'degraded' : 'ok',
      broker: isAway ? 'away' : 'up',
      servers: fleet.names.length,
      silent: silent.map(([name]) => name),
    };
  });
  get('/api/state', 'Everything at once, for pages that poll', stateSchema, () => ({
    servers: fleet.metrics,
    alerts: { active: fleet.activeAlerts, recent: fleet.recentAlerts },
    limits: fleet.limits,
    sentAt: Date.now(),
  }));

  post(READINGS, 'A reading of a server, from its agent', readingSchema, async ({ headers, body }, reply) => {
    if (!isToken(headers.authorization, agentToken)) return refuse(reply, 401, 'Authorization: Bearer AGENT_TOKEN');
    const { server, ...reading } = body;
    const news = fleet.take(server, mask(reading), Date.now());
    if (!news) return refuse(reply, 429, 'There are too many servers already.');
    await onNews(news);
    return { message: 'Taken.' };
  });
  post(
    '/api/v1/drill',
    'An alert for two readings of a server, to see what happens',
    drillSchema,
    async (request, reply) => {
      const { server, note = '' } = request.body;
      if (!isOwnPage(request.headers)) return refuse(reply, 403, `Not from ${request.headers.origin}.`);
      if (!fleet.startDrill(server, mask(note.trim()))) return refuse(reply, 404, `There is no server ${server}.`);
      return reply.code(202).send({ message: `The next two readings of ${server} are a drill.` });
    },
  );

  function get(url, summary, answer, handler, schema = {}) {
    app.get(url, { schema: { ...schema, summary, response: { 200: answer, '4xx': errorSchema } } }, async (request) =>
      handler(request),
    );
  }

  function post(url, summary, body, handler, documentation = {}) {
    const schema = { ...documentation, summary, body, response: { '2xx': messageSchema, '4xx': errorSchema } };
    app.post(url, { schema, bodyLimit: MAX_BODY_BYTES }, handler);
  }
}

function refuse(reply, status, error) {
  return reply.code(status).send({ error });
}

function isReader(header = '', tokenKey) {
  try {
    const { exp, roles = [] } = jwt.verify(header.replace(/^Bearer /, ''), tokenKey, { audience: AUDIENCE });
    return exp !== undefined && roles.includes(ROLE);
  } catch {
    return false;
  }
}

function isToken(header = '', token) {
  const [given, expected] = [header, `Bearer ${token}`].map((text) => Buffer.from(text));
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** Any page on the web can send a request here; only ours is answered. */
function isOwnPage({ origin, host }) {
  return origin === undefined || origin.replace(/^https?:\/\//, '') === host;
}
