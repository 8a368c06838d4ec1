import * as z from 'zod';
import { describe } from '../admin/schemas.ts';
import type { ChannelKindName, LiveType } from './contract.ts';

const LIVE_TYPES = [
  'connected',
  'refused',
  'disconnected',
  'subscribed',
  'subscription-refused',
  'unsubscribed',
  'signed-in',
  'signed-out',
  'published',
  'publish-refused',
  'client-event',
  'message-refused',
  'cache-missed',
  'webhook',
  'audit',
] as const satisfies readonly LiveType[];

const KINDS = [
  'public',
  'private',
  'private-encrypted',
  'presence',
  'cache',
  'private-cache',
  'private-encrypted-cache',
  'presence-cache',
] as const satisfies readonly ChannelKindName[];

const text = (description: string) => z.string().min(1).max(300).optional().describe(description);
const limit = (most: number, usual: number) =>
  z.coerce.number().int().min(1).max(most).default(usual).describe('At most.');
const time = (description: string) => z.string().describe(description);

/** `subscribed,unsubscribed`, as a list. */
export function typesIn(list: string): readonly LiveType[] {
  return list.split(',') as LiveType[];
}

/** Of `GET /live`. */
export const liveQuerySchema = z.strictObject({
  app: text('Id of an app.'),
  type: z
    .string()
    .refine((list) => list.split(',').every((type) => (LIVE_TYPES as readonly string[]).includes(type)), {
      error: `must be some of ${LIVE_TYPES.join(',')}`,
    })
    .optional()
    .describe('Types, joined by commas.'),
  channel: text('A name, or a pattern with *.'),
  event: text('A name, or a pattern with *.'),
  socket: text('A socket id.'),
  text: text('Anywhere in the fact, whatever its case.'),
});

/** Of `GET /apps/:id/channels`. */
export const channelsQuerySchema = z.strictObject({
  prefix: z.string().max(300).default('').describe('The beginning of their names.'),
  kind: z.enum(KINDS).optional(),
  limit: limit(1000, 100),
  after: text('next of the page before.'),
});

/** Of `GET /apps/:id/channels/:channel`: members. */
export const membersQuerySchema = z.strictObject({
  limit: limit(1000, 100),
  after: text('next of the page before.'),
});

/** Of `GET /apps/:id/connections`. */
export const connectionsQuerySchema = z.strictObject({
  socket: text('The beginning of their socket ids.'),
  user: text('Id of the user who is signed in.'),
  channel: text('In this channel.'),
  limit: limit(500, 100),
  after: text('next of the page before.'),
});

/** Of `POST …/unsubscribe`. */
export const unsubscribeSchema = z.strictObject({ channel: z.string().min(1).max(300) });
export const UNSUBSCRIBE = describe(unsubscribeSchema, 'input');

/** Of `POST /apps/:id/events`; checked as the HTTP API checks it. */
export const EVENT = describe(
  z.object({
    name: z.string(),
    channels: z.array(z.string()).optional().describe('Or channel, for a single one.'),
    channel: z.string().optional(),
    data: z.unknown().describe('A string as it is; anything else as JSON.'),
    socket_id: z.string().optional().describe('The connection that does not get it.'),
    info: z.string().optional().describe('subscription_count, user_count, receivers; with commas between.'),
  }),
  'input',
);
export const EVENT_PUBLISHED = describe(
  z.object({
    channels: z
      .record(
        z.string(),
        z.object({
          subscription_count: z.int().optional(),
          user_count: z.int().optional(),
          receivers: z.object({ connections: z.int(), nodes: z.int() }).optional(),
        }),
      )
      .optional()
      .describe('By name, where info asks for something.'),
  }),
  'output',
);

const rates = z.object({
  received: z.number().describe('Messages from clients.'),
  published: z.number().describe('Events that were accepted, once for each channel.'),
  delivered: z.number().describe('Frames handed to connections because of them.'),
});

const nodeReport = z.object({
  id: z.string().describe('Unique while it runs.'),
  state: z
    .enum(['ready', 'not-ready', 'stopping', 'silent'])
    .describe('silent: it did not answer within two seconds, and nothing but its id is known.'),
  reason: z.string(),
  host: z.string(),
  pid: z.int(),
  worker: z.int().nullable().describe('From 1; null where there are no workers.'),
  version: z.string(),
  since: z.string(),
  figures: z
    .object({
      connections: z.int(),
      channels: z.int(),
      subscriptions: z.int(),
      perSecond: rates.nullable().describe('In GET /live only.'),
      eventLoopDelayMs: z.number().describe('The longest since the report before, in milliseconds.'),
      eventLoopUtilization: z.number().describe('From 0 to 1.'),
      residentBytes: z.int(),
      heapShare: z.number().describe('Of the heap that may be used: from 0 to 1.'),
      redis: z.object({ isReached: z.boolean(), detail: z.string() }).nullable(),
      certificateExpires: z.string().nullable().describe('null without TLS.'),
    })
    .nullable(),
});
export const NODES = describe(z.object({ nodes: z.array(nodeReport).describe('Workers are nodes, too.') }), 'output');

const next = z.string().nullable().describe('For after of the next page; null: this is the last.');
const channelRow = {
  name: z.string(),
  kind: z.enum(KINDS),
  subscriptions: z.int(),
  users: z.int().nullable().describe('null of a channel that is no presence channel.'),
};
export const CHANNEL_PAGE = describe(
  z.object({
    channels: z.array(z.object(channelRow)).describe('Occupied ones, by name.'),
    total: z.int().describe('Of those that match.'),
    next,
  }),
  'output',
);
export const CHANNEL_DETAIL = describe(
  z.object({
    ...channelRow,
    members: z
      .object({
        members: z.array(z.object({ id: z.string(), info: z.string().nullable().describe('As JSON text.') })),
        total: z.int(),
        next,
      })
      .nullable()
      .describe('Of a presence channel.'),
    lastEvent: z
      .object({
        event: z.string(),
        data: z.string().describe('The first 4,096 characters.'),
        bytes: z.int(),
        remainingSeconds: z.int(),
      })
      .nullable(),
    keepsLastEvent: z.boolean(),
  }),
  'output',
);

const connectionRow = {
  socket: z.string(),
  node: z.string(),
  since: z.string(),
  origin: z.string().describe('Empty: the client sent none.'),
  user: z.string().nullable().describe('Who is signed in.'),
  subscriptions: z.int(),
  bufferedBytes: z.int().describe('What waits for the client.'),
  readsFeed: z.boolean(),
};
export const CONNECTION_PAGE = describe(
  z.object({
    connections: z.array(z.object(connectionRow)).describe('By socket id.'),
    total: z.int().describe('Of those that match, on nodes that answered.'),
    next,
    silent: z.array(z.string()).describe('Nodes that did not answer.'),
  }),
  'output',
);
export const CONNECTION_DETAIL = describe(
  z.object({
    ...connectionRow,
    key: z.string().describe("The app's key that it came with."),
    lastReceived: time('When it last sent something.'),
    channels: z
      .array(
        z.object({
          name: z.string(),
          kind: z.enum(KINDS),
          user: z.string().nullable().describe('Who it is in a presence channel.'),
        }),
      )
      .describe('The first 500.'),
    lastRefusal: z
      .object({ time: z.string(), cause: z.string(), reason: z.string(), channel: z.string().nullable() })
      .nullable(),
  }),
  'output',
);
export const SOCKET_ENDED = describe(z.object({ disconnected: z.literal(true) }), 'output');
export const SOCKET_UNSUBSCRIBED = describe(z.object({ unsubscribed: z.literal(true) }), 'output');
