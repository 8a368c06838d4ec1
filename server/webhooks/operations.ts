import { randomBytes } from 'node:crypto';
import type { App } from '../../channels/app.ts';
import type { MaybePromise } from '../../channels/maybe-promise.ts';
import type { DeadLetter, Outbox, WebhookState } from '../../channels/outbox.ts';
import type { Webhook, WebhookEventType } from '../../protocol/webhook.ts';
import { MASK, maskSecrets } from '../config/mask.ts';
import { webhookRequest } from './request.ts';
import type { Sender, WebhookAnswer } from './sender.ts';

/** How a webhook does over all nodes. Counts begin anew with each process, and after ten minutes without an event. */
export interface WebhookStatus extends Omit<WebhookState, 'appId' | 'webhookId'> {
  readonly id: string;
  readonly eventTypes: readonly WebhookEventType[];
  readonly deadLetters: number;
  /** The app has it no longer: there are dead letters of it, or some node still works for it. */
  readonly isRemoved: boolean;
}

/** Oldest first. */
export interface DeadLetterList {
  readonly total: number;
  readonly letters: readonly DeadLetter[];
}

/** A request that was sent to see what comes of it. */
export interface WebhookTest {
  readonly isAccepted: boolean;
  readonly request: { readonly url: string; readonly headers: Readonly<Record<string, string>>; readonly body: string };
  /** Null: there was none. */
  readonly answer: WebhookAnswer | null;
  /** Why there was no answer. */
  readonly error: string | null;
  readonly durationMs: number;
}

/** What operators do with webhooks. Arguments and answers are JSON. */
export interface WebhookOperations {
  webhooks(appId: string): MaybePromise<readonly WebhookStatus[]>;
  deadLetters(appId: string, webhookId: string, limit: number): MaybePromise<DeadLetterList>;
  /** Null: there is none with this id. */
  deadLetter(appId: string, webhookId: string, id: string): MaybePromise<DeadLetter | null>;
  /** @param id - null: all. @returns how many are sent again */
  replayDeadLetters(appId: string, webhookId: string, id: string | null): MaybePromise<number>;
  /** @param id - null: all. @returns how many there were */
  discardDeadLetters(appId: string, webhookId: string, id: string | null): MaybePromise<number>;
  /** Null: the app has no such webhook. */
  testWebhook(appId: string, webhookId: string, channel: string): MaybePromise<WebhookTest | null>;
}

/** As `Webhooks` has them. */
export interface OperationsParts {
  readonly outbox: Outbox;
  find(appId: string): MaybePromise<App | undefined>;
  sender(): Promise<Sender>;
  readonly now: () => number;
  /** Has this node deliver. */
  work(): void;
}

export function webhookOperations({ outbox, find, sender, now, work }: OperationsParts): WebhookOperations {
  return {
    async webhooks(appId) {
      const [app, states, counts] = await Promise.all([
        find(appId),
        outbox.states(appId),
        outbox.deadLetterCounts(appId),
      ]);
      const configured = app?.webhooks ?? [];
      const ids = new Set([
        ...configured.map(({ id }) => id),
        ...states.map(({ webhookId }) => webhookId),
        ...counts.keys(),
      ]);
      return [...ids].map((id) => {
        const webhook = configured.find((each) => each.id === id);
        const own = states.filter(({ webhookId }) => webhookId === id);
        return { ...statusOf(id, webhook, own), deadLetters: counts.get(id) ?? 0 };
      });
    },
    async deadLetters(appId, webhookId, limit) {
      const letters = await outbox.deadLetters(appId, webhookId);
      return { total: letters.length, letters: letters.slice(0, limit) };
    },
    async deadLetter(appId, webhookId, id) {
      return (await outbox.deadLetters(appId, webhookId)).find((letter) => letter.id === id) ?? null;
    },
    async replayDeadLetters(appId, webhookId, id) {
      const kept = await outbox.deadLetters(appId, webhookId);
      const letters = id === null ? kept : kept.filter((letter) => letter.id === id);
      for (const letter of letters) {
        // In this order a crash in between has it sent twice, and not lost.
        await outbox.append(appId, letter.event, { webhookId, eventId: letter.id });
        await outbox.exhume(appId, webhookId, [letter.id]);
      }
      if (letters.length > 0) work();
      return letters.length;
    },
    async discardDeadLetters(appId, webhookId, id) {
      return (await outbox.exhume(appId, webhookId, id === null ? undefined : [id])).length;
    },
    async testWebhook(appId, webhookId, channel) {
      const app = await find(appId);
      const webhook = app?.webhooks.find((each) => each.id === webhookId);
      return app && webhook ? sendTest(app, webhook, channel, await sender(), now) : null;
    },
  };
}

export async function sendTest(
  app: App,
  webhook: Webhook,
  channel: string,
  sender: Sender,
  now: () => number,
): Promise<WebhookTest> {
  const timeMs = now();
  const id = `test-${randomBytes(6).toString('hex')}`;
  const event = { name: 'channel_occupied', channel } as const;
  const request = webhookRequest(app, webhook, [{ id, event, timeMs }], { 'X-Kulkul-Test': '1' });
  const sent = {
    url: maskSecrets(webhook.url),
    headers: withoutSecrets(request.headers, webhook),
    body: request.body,
  };
  try {
    const answer = await sender.send(request);
    const isAccepted = answer.status >= 200 && answer.status <= 299;
    return { isAccepted, request: sent, answer, error: null, durationMs: now() - timeMs };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { isAccepted: false, request: sent, answer: null, error: message, durationMs: now() - timeMs };
  }
}

/** The values of an app's own headers may be anything. */
function withoutSecrets(headers: Readonly<Record<string, string>>, webhook: Webhook): Record<string, string> {
  const own = new Set(Object.keys(webhook.headers));
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, own.has(name) ? MASK : value]));
}

function statusOf(id: string, webhook: Webhook | undefined, states: readonly WebhookState[]) {
  const sum = (count: (state: WebhookState) => number): number =>
    states.reduce((total, state) => total + count(state), 0);
  const [latest] = states.toSorted((one, other) => (other.lastAttemptMs ?? 0) - (one.lastAttemptMs ?? 0));
  const oldest = states.flatMap(({ oldestMs }) => oldestMs ?? []);
  return {
    id,
    url: webhook ? maskSecrets(webhook.url) : (latest?.url ?? ''),
    eventTypes: webhook?.eventTypes ?? [],
    isRemoved: webhook === undefined,
    waiting: sum(({ waiting }) => waiting),
    oldestMs: oldest.length > 0 ? Math.min(...oldest) : undefined,
    attempts: sum(({ attempts }) => attempts),
    failures: sum(({ failures }) => failures),
    delivered: sum(({ delivered }) => delivered),
    buried: sum(({ buried }) => buried),
    lastError: latest?.lastError,
    lastStatus: latest?.lastStatus,
    lastAttemptMs: latest?.lastAttemptMs,
  };
}
