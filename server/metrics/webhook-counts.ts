import type { Clock } from '../../channels/clock.ts';
import type { WebhookState } from '../../channels/outbox.ts';
import type { AttemptOutcome, WatchedWebhook, WebhookAttempt, WebhookWatch } from '../webhooks/target.ts';
import { type AppNames, OTHER_APPS, type Put } from './collection.ts';
import { Histogram } from './histogram.ts';

/** Webhooks that have numbers of their own: whoever changes the addresses of an app's webhooks all the time must not cost memory. */
export const MAX_TARGETS = 2000;
const OTHER_TARGETS = 'other';

const OUTCOMES: readonly AttemptOutcome[] = ['accepted', 'refused', 'failed'];

interface TargetCounts {
  readonly labels: readonly [app: string, target: string];
  readonly outcomes: Map<AttemptOutcome, number>;
  buried: number;
}

/** Counts what webhooks are told, and how they take it. */
export class WebhookCounts implements WebhookWatch {
  readonly #names: AppNames;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #attempts = new Histogram('kulkul_webhook_attempt_seconds');
  readonly #targets = new Map<string, TargetCounts>();

  constructor(names: AppNames, clock: Pick<Clock, 'now'>) {
    this.#names = names;
    this.#clock = clock;
  }

  attempted(webhook: WatchedWebhook, { outcome, seconds }: WebhookAttempt): void {
    const { outcomes } = this.#of(webhook);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    this.#attempts.observe(seconds);
  }

  buried(webhook: WatchedWebhook, events: number): void {
    this.#of(webhook).buried += events;
  }

  /** @param states - of the webhooks that this node tells something now */
  put(put: Put, states: readonly WebhookState[]): void {
    put('kulkul_webhook_attempt_seconds', [], this.#attempts.value);
    for (const { labels, outcomes, buried } of this.#targets.values()) {
      for (const [outcome, count] of outcomes) put('kulkul_webhook_requests_total', [...labels, outcome], count);
      put('kulkul_webhook_dead_letters_total', labels, buried);
    }
    for (const { appId, webhookId, url, waiting, oldestMs } of states) {
      const labels = this.#labels(appId, webhookId, url);
      const ageMs = oldestMs === undefined ? 0 : this.#clock.now() - oldestMs;
      put('kulkul_webhook_waiting', labels, waiting);
      put('kulkul_webhook_oldest_seconds', labels, Math.max(0, ageMs) / 1000);
    }
  }

  #of({ appId, webhook: { id, url } }: WatchedWebhook): TargetCounts {
    const labels = this.#labels(appId, id, url);
    const known = this.#targets.get(JSON.stringify(labels));
    if (known) return known;
    return this.#targets.size < MAX_TARGETS ? this.#add(labels) : this.#others(labels[0]);
  }

  /** The further webhooks of an app have their numbers together. */
  #others(app: string): TargetCounts {
    const labels = [app, OTHER_TARGETS] as const;
    return this.#targets.get(JSON.stringify(labels)) ?? this.#add(labels);
  }

  #add(labels: TargetCounts['labels']): TargetCounts {
    const counts = { labels, outcomes: new Map(OUTCOMES.map((outcome) => [outcome, 0])), buried: 0 };
    this.#targets.set(JSON.stringify(labels), counts);
    return counts;
  }

  /** Neither user names, passwords nor paths of a URL, any of which may be secret. */
  #labels(appId: string, webhookId: string, url: string): readonly [app: string, target: string] {
    const app = this.#names.of(appId);
    if (app === OTHER_APPS) return [app, OTHER_TARGETS];
    const host = URL.canParse(url) ? new URL(url).host : '';
    return [app, `${host} ${webhookId}`.trim()];
  }
}
