import type { DeadLetterBounds } from '../../channels/outbox.ts';

/** How webhooks are told. */
export interface WebhookOptions {
  /** How long an event waits for others that go along with it; undefined: each has a request of its own. */
  readonly batchMs: number | undefined;
  /** How long after a fact it is sent again. */
  readonly retryMs: number;
  /** Events that wait for one webhook. */
  readonly maxQueued: number;
  /** Requests to one webhook at once. */
  readonly concurrency: number;
  readonly deadLetters: DeadLetterBounds;
}
