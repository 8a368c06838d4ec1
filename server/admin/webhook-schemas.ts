import * as z from 'zod';
import { describe } from './schemas.ts';

const time = (description: string) => z.string().describe(description);
const texts = z.record(z.string(), z.string());

/** Of `POST /apps/:id/webhooks/test`. */
export const testWebhookSchema = z.strictObject({
  webhook: z.string().optional().describe('Its id. May be left out where the app has only one.'),
  channel: z.string().min(1).max(200).default('kulkul-test').describe('The event says that this channel is occupied.'),
});
export const TEST_WEBHOOK = describe(testWebhookSchema, 'input');

/** Of `GET /apps/:id/dead-letters/:webhook`. */
export const lettersQuerySchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1000).default(100).describe('Dead letters at most.'),
});

export const WEBHOOKS = describe(
  z.object({
    webhooks: z.array(
      z.object({
        id: z.string().describe('The same as long as its URL is.'),
        url: z.string().describe('Without what may be secret in it.'),
        eventTypes: z.array(z.string()),
        waiting: z.int().describe('Events that nodes have taken up and the webhook does not have yet.'),
        oldest: time('When the oldest of them happened.').optional(),
        attempts: z
          .int()
          .describe(
            'Requests. Counts are for the time since the nodes started, and begin anew after ten minutes without an event.',
          ),
        failures: z.int().describe('Requests that it did not accept.'),
        delivered: z.int().describe('Events that it accepted.'),
        givenUp: z.int().describe('Events that became dead letters.'),
        deadLetters: z.int().describe('Events that can be sent again.'),
        lastAttempt: time('When it was sent the last request.').optional(),
        lastStatus: z.int().optional().describe('Of its last answer.'),
        lastError: z.string().optional().describe('Why it last failed.'),
        removed: z.literal(true).optional().describe('The app has it no longer.'),
      }),
    ),
  }),
  'output',
);

const letter = z.object({
  id: z.string().describe('Of the event, as in X-Kulkul-Event-Ids.'),
  event: z.looseObject({ name: z.string(), channel: z.string() }),
  time: time('When it happened.'),
  givenUp: time('When it became a dead letter.'),
  attempts: z.int(),
  error: z.string().describe('Why the last attempt failed, or why there was none.'),
  status: z.int().optional().describe('Of the last answer, if there was one.'),
});
export const DEAD_LETTER = describe(letter, 'output');
export const DEAD_LETTERS = describe(
  z.object({ total: z.int().describe('How many there are.'), deadLetters: z.array(letter).describe('Oldest first.') }),
  'output',
);
export const REPLAYED = describe(z.object({ replayed: z.int() }), 'output');
export const DISCARDED = describe(z.object({ discarded: z.int() }), 'output');
export const WEBHOOK_TEST = describe(
  z.object({
    webhook: z.string(),
    accepted: z.boolean().describe('Its answer was 2xx.'),
    milliseconds: z.number(),
    request: z.object({
      url: z.string(),
      headers: texts.describe('The values of your own are hidden.'),
      body: z.string(),
    }),
    answer: z
      .object({ status: z.int(), headers: texts, body: z.string().describe('The first kilobyte.') })
      .optional()
      .describe('Absent: there was none, for the reason in error.'),
    error: z.string().optional(),
  }),
  'output',
);
