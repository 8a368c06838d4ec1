import type { DeadLetter } from '../../channels/outbox.ts';
import { quote } from '../../protocol/json.ts';
import type { Logger } from '../log.ts';
import type { WebhookStatus, WebhookTest } from '../webhooks/operations.ts';
import { AdminError, invalidRequest } from './admin-error.ts';
import { problemsOf } from './app-fields.ts';
import type { AppRegistry } from './app-registry.ts';
import { registeredApp } from './app-routes.ts';
import type { Fleet } from './fleet.ts';
import { type AdminRoute, adminRoute } from './route.ts';
import {
  DEAD_LETTER,
  DEAD_LETTERS,
  DISCARDED,
  lettersQuerySchema,
  REPLAYED,
  TEST_WEBHOOK,
  testWebhookSchema,
  WEBHOOK_TEST,
  WEBHOOKS,
} from './webhook-schemas.ts';

/** What is done with the webhooks of an app, and with events that they did not accept. */
export function createWebhookRoutes(registry: AppRegistry, fleet: Fleet, log: Logger): readonly AdminRoute[] {
  const webhooksOf = async (id: string): Promise<readonly WebhookStatus[]> => {
    const { app } = await registeredApp(registry, id);
    return fleet.webhooks(app.id);
  };
  const webhookOf = async (id: string, webhookId: string): Promise<WebhookStatus> => {
    const webhooks = await webhooksOf(id);
    return webhooks.find((webhook) => webhook.id === webhookId) ?? unknownWebhook(id, webhookId);
  };
  const replay = async (id: string, webhookId: string, letter: string | null): Promise<object> => {
    const webhook = await webhookOf(id, webhookId);
    if (webhook.isRemoved) {
      const message = `The app ${id} has the webhook ${webhookId} no longer, so nothing can be sent there. Its dead letters can be discarded`;
      throw new AdminError('webhook-removed', 409, message);
    }
    const replayed = await fleet.replayDeadLetters(id, webhookId, letter);
    if (letter !== null && replayed === 0) throw unknownLetter(webhookId, letter);
    log.info({ app: id, webhook: webhookId, events: replayed }, 'dead letters sent again over the admin API');
    return { replayed };
  };
  const discard = async (id: string, webhookId: string, letter: string | null): Promise<object> => {
    await webhookOf(id, webhookId);
    const discarded = await fleet.discardDeadLetters(id, webhookId, letter);
    if (letter !== null && discarded === 0) throw unknownLetter(webhookId, letter);
    log.info({ app: id, webhook: webhookId, events: discarded }, 'dead letters discarded over the admin API');
    return { discarded };
  };

  return [
    adminRoute({
      method: 'GET',
      path: '/apps/:id/webhooks',
      summary: 'webhooks of an app, how each does, and how many dead letters it has',
      answer: WEBHOOKS,
      run: async ({ params }) => ({ webhooks: (await webhooksOf(params.id)).map(showWebhook) }),
    }),
    adminRoute({
      method: 'POST',
      path: '/apps/:id/webhooks/test',
      summary: 'sends a signed request now, and shows it with its answer ({ "webhook", "channel" })',
      body: { schema: TEST_WEBHOOK, isRequired: false },
      answer: WEBHOOK_TEST,
      async run({ params: { id }, body = {} }) {
        const problems = problemsOf(testWebhookSchema, body);
        if (problems.length > 0) throw invalidRequest(problems);
        const { webhook: named, channel } = testWebhookSchema.parse(body);
        const webhookId = named ?? onlyWebhook(id, await webhooksOf(id));
        const test = (await fleet.testWebhook(id, webhookId, channel)) ?? unknownWebhook(id, webhookId);
        return { webhook: webhookId, ...showTest(test) };
      },
    }),
    adminRoute({
      method: 'GET',
      path: '/apps/:id/dead-letters/:webhook',
      summary: 'events that a webhook did not accept in time, oldest first (?limit=100)',
      query: lettersQuerySchema,
      answer: DEAD_LETTERS,
      async run({ params: { id, webhook }, query }) {
        await webhookOf(id, webhook);
        const { limit } = lettersQuerySchema.parse(query);
        const { total, letters } = await fleet.deadLetters(id, webhook, limit);
        return { total, deadLetters: letters.map(showLetter) };
      },
    }),
    adminRoute({
      method: 'GET',
      path: '/apps/:id/dead-letters/:webhook/:letter',
      summary: 'one of them',
      answer: DEAD_LETTER,
      async run({ params: { id, webhook, letter } }) {
        await webhookOf(id, webhook);
        const found = await fleet.deadLetter(id, webhook, letter);
        if (!found) throw unknownLetter(webhook, letter);
        return showLetter(found);
      },
    }),
    adminRoute({
      method: 'POST',
      path: '/apps/:id/dead-letters/:webhook',
      summary: 'sends all of them again',
      answer: REPLAYED,
      run: ({ params }) => replay(params.id, params.webhook, null),
    }),
    adminRoute({
      method: 'POST',
      path: '/apps/:id/dead-letters/:webhook/:letter',
      summary: 'sends one of them again',
      answer: REPLAYED,
      run: ({ params }) => replay(params.id, params.webhook, params.letter),
    }),
    adminRoute({
      method: 'DELETE',
      path: '/apps/:id/dead-letters/:webhook',
      summary: 'discards all of them',
      answer: DISCARDED,
      run: ({ params }) => discard(params.id, params.webhook, null),
    }),
    adminRoute({
      method: 'DELETE',
      path: '/apps/:id/dead-letters/:webhook/:letter',
      summary: 'discards one of them',
      answer: DISCARDED,
      run: ({ params }) => discard(params.id, params.webhook, params.letter),
    }),
  ];
}

function onlyWebhook(appId: string, webhooks: readonly WebhookStatus[]): string {
  const [first, ...others] = webhooks.filter(({ isRemoved }) => !isRemoved);
  if (!first) throw new AdminError('unknown-webhook', 404, `The app ${appId} has no webhooks`);
  if (others.length === 0) return first.id;
  const ids = [first, ...others].map(({ id }) => id).join(', ');
  throw invalidRequest([{ path: '/webhook', message: `which one is meant? The app has ${ids}` }]);
}

function unknownWebhook(appId: string, webhookId: string): never {
  const message = `The app ${appId} has no webhook ${quote(webhookId, 60)}. GET /apps/${appId}/webhooks lists those that it has`;
  throw new AdminError('unknown-webhook', 404, message);
}

function unknownLetter(webhookId: string, letter: string): AdminError {
  const message = `The webhook ${webhookId} has no dead letter ${quote(letter, 60)}: it was sent again, discarded, or made room for newer ones`;
  return new AdminError('unknown-dead-letter', 404, message);
}

function showWebhook({ oldestMs, lastAttemptMs, isRemoved, buried, ...status }: WebhookStatus): object {
  return {
    ...status,
    givenUp: buried,
    ...(oldestMs !== undefined && { oldest: isoOf(oldestMs) }),
    ...(lastAttemptMs !== undefined && { lastAttempt: isoOf(lastAttemptMs) }),
    ...(isRemoved && { removed: true }),
  };
}

function showLetter({ id, event, timeMs, buriedMs, attempts, error, status }: DeadLetter): object {
  const times = { time: isoOf(timeMs), givenUp: isoOf(buriedMs) };
  return { id, event, ...times, attempts, error, ...(status != null && { status }) };
}

function showTest({ isAccepted, request, answer, error, durationMs }: WebhookTest): object {
  return {
    accepted: isAccepted,
    milliseconds: durationMs,
    request,
    ...(answer && { answer }),
    ...(error && { error }),
  };
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}
