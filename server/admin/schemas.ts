import * as z from 'zod';
import { appOptionsSchema, keyPairSchema } from '../config/app-options.ts';
import { settingMeta } from '../config/setting.ts';
import type { JsonSchema } from '../http/route-table.ts';

/**
 * What is taken here, or given back, as JSON Schema 2020-12. Made when it is asked for, with the document that has it: to make all of them took a sixth of
 * the time that the broker needs to start.
 */
export function describe(schema: z.ZodType, io: 'input' | 'output'): () => JsonSchema {
  return () => {
    const { $schema, ...described } = z.toJSONSchema(schema, {
      io,
      unrepresentable: 'any',
      override({ zodSchema, jsonSchema }) {
        const meta = settingMeta.get(zodSchema as unknown as z.ZodType);
        if (meta) jsonSchema.description = meta.description;
        // Files of the server are not for the API.
        delete jsonSchema.properties?.publicKeyFile;
      },
    });
    return described as JsonSchema;
  };
}

const appInput = describe(appOptionsSchema, 'input');

/** Everything may be left out: id, key and secret are made then. */
export const NEW_APP = (): JsonSchema => ({ ...appInput(), required: [] });

/** What is not there stays; null sets back to the default. */
export const CHANGED_APP = (): JsonSchema => {
  const { properties, ...others } = appInput();
  const changed = Object.entries(properties as Readonly<Record<string, JsonSchema>>).map(
    ([name, { default: _, ...schema }]) => [
      name,
      { anyOf: [schema, { type: 'null' }], ...('description' in schema && { description: schema.description }) },
    ],
  );
  return { ...others, required: [], properties: Object.fromEntries(changed) };
};

const warning = z.string().optional().describe('Why not every node has heard of the change. Absent: all have.');
const stored = z
  .enum(['file', 'memory', 'database'])
  .describe('Where it is kept: in the configuration file, in memory (lost at a restart), or in the database.');

const shownPair = keyPairSchema.pick({ key: true });
const shownApp = appOptionsSchema.omit({ key: true, secret: true, keys: true, auth: true, webhooks: true }).extend({
  keys: z.array(shownPair).describe('Oldest first. Without their secrets.'),
  auth: z
    .object({ jwt: z.looseObject({}) })
    .optional()
    .describe('Without secrets.'),
  stored,
  warning,
});

export const SHOWN_APP = describe(shownApp, 'output');
export const MADE_APP = describe(
  shownApp.extend({ keys: z.array(keyPairSchema).describe('With their secrets, which are shown here only.') }),
  'output',
);
export const APP_LIST = describe(
  z.object({ apps: z.array(shownApp), more: z.boolean().describe('There are more than were asked for.') }),
  'output',
);

/** Of `POST /apps/:id/keys`. */
export const newKeySchema = keyPairSchema.partial();
export const NEW_KEY = describe(newKeySchema, 'input');
export const MADE_KEY = describe(keyPairSchema.extend({ stored, warning }), 'output');

export const DELETED = describe(z.object({ deleted: z.literal(true), stored, warning }), 'output');
export const PURGED = describe(z.object({ purged: z.literal(true) }), 'output');
export const REVOKED = describe(z.object({ revoked: z.literal(true) }), 'output');
export const RECONNECTED = describe(z.object({ reconnected: z.literal(true) }), 'output');
export const USER = describe(
  z.object({
    id: z.string(),
    online: z.boolean().describe('Signed in on at least one connection.'),
    connections: z.int().describe('Those that are signed in as the user, over all nodes.'),
  }),
  'output',
);
export const TERMINATED = describe(z.object({ terminated: z.literal(true) }), 'output');
export const USAGE = describe(
  z.object({
    id: z.string(),
    connections: z.int().describe('Those that count in maxConnections, over all nodes.'),
    channels: z.int().describe('With at least one subscriber.'),
    subscriptions: z.int(),
    presenceUsers: z.int().describe('Members of presence channels: a user counts once in each.'),
  }),
  'output',
);
export const HEALTH = describe(
  z.object({
    ready: z.boolean().describe('What GET /ready answers with 200 or 503; with workers, of one of them.'),
    reason: z.string().describe('Why not, or OK, with what works less well.'),
  }),
  'output',
);
export const OVERVIEW = describe(z.object({ kulkul: z.string(), routes: z.array(z.string()) }), 'output');
export const OPEN_API = describe(z.looseObject({ openapi: z.string() }), 'output');

export const ADMIN_ERROR = describe(
  z.object({
    error: z.string().describe('Stable id, see docs/errors.md.'),
    message: z.string().describe('What was wrong and what to do about it, for people.'),
    problems: z
      .array(
        z.object({
          path: z.string().describe('JSON Pointer into the body; ?name for a parameter of the URL.'),
          message: z.string(),
          suggestion: z.string().optional(),
        }),
      )
      .optional(),
    routes: z.array(z.string()).optional(),
  }),
  'output',
);

/** Of `GET /apps`. */
export const listQuerySchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(10_000).default(1000).describe('Apps at most.'),
});

export const describeQuery = (schema: z.ZodObject): JsonSchema => describe(schema, 'input')();

/** Of all other routes: a misspelt parameter must not look as if it had been heeded. */
export const noQuerySchema = z.strictObject({});
