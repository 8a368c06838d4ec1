/** What goes in and out of the HTTP API: it is checked by these schemas, and documented by them. */

const SERVER_NAME = { type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$', description: 'Name of a server' };
const MILLISECONDS = { type: 'integer', description: 'Milliseconds since 1970' };
const BYTES = { type: 'number', minimum: 0, description: 'Bytes' };
const PERCENT = { type: 'number', minimum: 0, maximum: 100 };

const share = orNull({ percent: PERCENT, used: BYTES, total: BYTES });
const figures = {
  cpu: orNull({ percent: PERCENT, cores: { type: 'integer', minimum: 1 } }),
  memory: share,
  disk: share,
  network: orNull({ receivedPerSecond: BYTES, sentPerSecond: BYTES }),
  load: { type: 'array', items: { type: 'number' }, maxItems: 3, description: 'Over 1, 5 and 15 minutes' },
  uptimeSeconds: { type: 'number', minimum: 0 },
  unreadable: {
    type: 'array',
    maxItems: 10,
    items: object({ figure: { type: 'string' }, reason: { type: 'string', maxLength: 200 } }),
  },
  info: {
    type: 'object',
    maxProperties: 10,
    additionalProperties: { type: 'string', maxLength: 300 },
    description: 'Anything else that is worth knowing of the server. Passwords in it are masked.',
  },
};

/** A reading, as an agent sends it. */
export const readingSchema = {
  ...object({ server: SERVER_NAME, ...figures }),
  required: ['server', 'cpu', 'memory', 'disk', 'network'],
  additionalProperties: false,
};

const metrics = object({ status: { type: 'string', enum: ['up', 'silent'] }, readAt: MILLISECONDS, ...figures });

export const metricsSchema = { type: 'object', additionalProperties: metrics, description: 'By name of the server' };

export const serversSchema = object({
  servers: {
    type: 'array',
    items: object({
      name: SERVER_NAME,
      status: { type: 'string', enum: ['up', 'silent'] },
      readAt: MILLISECONDS,
      uptimeSeconds: { type: 'number' },
      alerts: { type: 'integer', description: 'How many alerts are on' },
    }),
  },
});

const alert = object({
  id: { type: 'integer' },
  kind: { type: 'string', enum: ['alert', 'recovery'] },
  server: SERVER_NAME,
  metric: { type: 'string', description: 'cpu, memory, disk, agent, drill' },
  subject: { type: 'string', examples: ['[ALERT] web-1 memory high'] },
  message: { type: 'string', examples: ['Memory used 85.0% (threshold 80.0%)'] },
  sentAt: MILLISECONDS,
});

export const alertsSchema = object({ alerts: { type: 'array', items: alert, description: 'The latest first' } });

const figure = { type: ['number', 'null'], description: 'null: not known' };

export const historySchema = object({
  rows: {
    type: 'array',
    description: 'The oldest first',
    items: object({
      at: MILLISECONDS,
      servers: {
        type: 'object',
        description: 'By name. Shares in percent, network in bytes per second',
        additionalProperties: object({ cpu: figure, memory: figure, disk: figure, received: figure, sent: figure }),
      },
    }),
  },
});

export const historyQuerySchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    minutes: { type: 'string', pattern: '^([1-9]|10)$', description: 'How far back: 1 to 10', default: '5' },
  },
};

export const healthSchema = object({
  status: { type: 'string', enum: ['ok', 'degraded'] },
  broker: { type: 'string', enum: ['up', 'away'] },
  servers: { type: 'integer' },
  silent: { type: 'array', items: SERVER_NAME },
});

export const stateSchema = object({
  servers: metricsSchema,
  alerts: object({ active: { type: 'array', items: alert }, recent: { type: 'array', items: alert } }),
  limits: {
    type: 'array',
    items: object({
      metric: { type: 'string' },
      label: { type: 'string' },
      limit: PERCENT,
      hysteresis: PERCENT,
    }),
  },
  sentAt: MILLISECONDS,
});

export const drillSchema = {
  ...object({ server: SERVER_NAME, note: { type: 'string', maxLength: 200 } }),
  required: ['server'],
  additionalProperties: false,
};

export const messageSchema = object({ message: { type: 'string' } });
export const errorSchema = object({ error: { type: 'string' } });

function object(properties) {
  return { type: 'object', properties };
}

function orNull(properties) {
  return {
    type: ['object', 'null'],
    properties,
    required: Object.keys(properties),
    additionalProperties: false,
    description: 'null: could not be read',
  };
}
