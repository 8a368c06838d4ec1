/** Parameters, bodies and answers of the HTTP API, for its OpenAPI document. Bodies are checked by `protocol/trigger.ts`. */
import type { JsonSchema } from './route-table.ts';

function text(description: string): JsonSchema {
  return { type: 'string', description };
}

function count(description: string): JsonSchema {
  return { type: 'integer', minimum: 0, description };
}

function list(items: JsonSchema, description: string): JsonSchema {
  return { type: 'array', items, description };
}

function object(properties: Readonly<Record<string, JsonSchema>>, required: readonly string[] = []): JsonSchema {
  return { type: 'object', properties, required };
}

function byChannel(schema: JsonSchema, description: string): JsonSchema {
  return { type: 'object', additionalProperties: schema, description };
}

export const INFO = text(
  'What to tell about each channel: user_count, subscription_count, cache; with commas between.',
);
export const TRIGGER_INFO = text(
  'What to tell about each channel: user_count, subscription_count, receivers; with commas between.',
);
export const PREFIX = text('Only channels whose names begin so.');
export const WITH_USER_INFO = text('1: user_info of each user, too.');
export const EVENT_NAME = text('Name of the event.');
export const SOCKET_ID = text('The connection that does not get the event: 123.456.');

const FACTS = {
  user_count: count('Users in a presence channel.'),
  subscription_count: count('Connections that are subscribed.'),
};
const CACHE: JsonSchema = {
  type: ['object', 'null'],
  properties: { data: text('As it was published.'), ttl: count('Seconds that it is still kept.') },
  description: 'The last event of a cache channel.',
};

const EVENT_FIELDS = {
  name: EVENT_NAME,
  data: { description: 'The payload: a string, delivered as it is. Anything else is delivered as its JSON text.' },
  socket_id: SOCKET_ID,
  info: TRIGGER_INFO,
};
const CHANNEL_NAME = text('Name of a channel.');

export const EVENT: JsonSchema = {
  ...object({ ...EVENT_FIELDS, channels: list(CHANNEL_NAME, 'Where it is published.'), channel: CHANNEL_NAME }, [
    'name',
    'data',
  ]),
  anyOf: [{ required: ['channels'] }, { required: ['channel'] }],
};
export const BATCH = object(
  { batch: list(object({ ...EVENT_FIELDS, channel: CHANNEL_NAME }, ['name', 'data', 'channel']), 'Events.') },
  ['batch'],
);
export const RAW_DATA: JsonSchema = { description: 'The payload of the event.' };
const PUBLISHED_FACTS = {
  ...FACTS,
  receivers: {
    ...object(
      {
        connections: count('That the event was handed to, without the excluded one.'),
        nodes: count('That have any of them.'),
      },
      ['connections', 'nodes'],
    ),
    description: 'Who the event was handed to. With Redis, what the other nodes have written of it.',
  },
};
export const PUBLISHED = object({ channels: byChannel(object(PUBLISHED_FACTS), 'Where info asks for something.') });
export const BATCH_PUBLISHED = object({
  batch: list(object(PUBLISHED_FACTS), 'In the order of the request, where info asks for something.'),
});

export const CHANNELS = object({ channels: byChannel(object(FACTS), 'Those with a subscriber.') }, ['channels']);
export const CHANNEL = object({ occupied: { type: 'boolean' }, ...FACTS, cache: CACHE }, ['occupied']);
export const USERS = object({ users: list(object({ id: { type: 'string' }, user_info: {} }, ['id']), 'Each once.') }, [
  'users',
]);
export const STATS = object(
  { occupied: { type: 'boolean' }, user_count: FACTS.user_count, connection_count: FACTS.subscription_count },
  ['occupied', 'connection_count'],
);
export const CONNECTIONS = object({ connections: count('Over all nodes.') }, ['connections']);
export const USER = object(
  {
    online: { type: 'boolean', description: 'Signed in on at least one connection.' },
    connections: count('Those that are signed in as the user, over all nodes.'),
  },
  ['online', 'connections'],
);
export const EMPTY: JsonSchema = { type: 'object', maxProperties: 0 };

export const CHANNEL_AUTH_FIELDS = {
  socket_id: text('Of the connection: 123.456.'),
  channel_name: text('A private or presence channel.'),
  app_key: text('Which app is meant, where neither the path nor their number tells.'),
  token: text('For clients that can set no header.'),
};
const { channel_name: _, ...userAuthFields } = CHANNEL_AUTH_FIELDS;
export const USER_AUTH_FIELDS: Readonly<Record<string, JsonSchema>> = userAuthFields;
export const CHANNEL_AUTH_REQUEST = object(CHANNEL_AUTH_FIELDS, ['socket_id', 'channel_name']);
export const USER_AUTH_REQUEST = object(USER_AUTH_FIELDS, ['socket_id']);
export const CALLBACK = text(
  "A function of the page, which the answer then calls as a script: Pusher.auth_callbacks['1'].",
);
export const CHANNEL_AUTH = object(
  {
    auth: text('KEY:SIGNATURE'),
    channel_data: text('JSON text, for pusher:subscribe.'),
    shared_secret: text('Base64 of the key of an encrypted channel.'),
  },
  ['auth', 'channel_data'],
);
export const USER_AUTH = object({ auth: text('KEY:SIGNATURE'), user_data: text('JSON text, for pusher:signin.') }, [
  'auth',
  'user_data',
]);

export const OPEN_API = object({ openapi: { const: '3.1.0' } }, ['openapi']);
export const PLAIN_TEXT: JsonSchema = { type: 'string' };
export const UP = object({ health: { const: 'OK' } }, ['health']);
export const USAGE = object(
  {
    memory: object(
      {
        free: count('Bytes.'),
        used: count('Bytes, of all processes of the broker.'),
        total: count('Bytes that the broker may use: of its container, else of the machine.'),
        percent: { type: 'number', description: 'The tightest of several limits.' },
      },
      ['free', 'used', 'total', 'percent'],
    ),
    connections: count('Of all apps on this machine.'),
  },
  ['memory', 'connections'],
);
