import { expect, test } from 'vitest';
import { AppNames, Collection } from '../../../server/metrics/collection.ts';
import { MAX_TARGETS, WebhookCounts } from '../../../server/metrics/webhook-counts.ts';

const ACCEPTED = { outcome: 'accepted', seconds: 0.1, events: [], attempt: 1, status: 200, error: undefined } as const;

// Numbers were kept for each address that a webhook ever had. Symptom: an app whose webhooks are changed by a program has ever more time series.
test('further webhooks of an app have their numbers together, and those that are known keep theirs', () => {
  const counts = new WebhookCounts(new AppNames(), { now: () => 0 });
  const tell = (appId: string, id: string): void =>
    counts.attempted({ appId, webhook: { id, url: 'https://app.example/hook' } }, ACCEPTED);
  for (let index = 0; index < MAX_TARGETS + 5; index += 1) tell('a', `w${index}`);
  tell('a', 'w0');
  tell('b', 'w0');
  const collection = new Collection(new AppNames());
  counts.put(collection.put, []);
  const accepted = collection
    .samples('kulkul_webhook_requests_total')
    .flatMap(([[app, target, outcome], value]) => (outcome === 'accepted' ? [[app, target, value]] : []));
  expect(accepted).toHaveLength(MAX_TARGETS + 2);
  expect(accepted).toContainEqual(['a', 'app.example w0', 2]);
  expect(accepted).toContainEqual(['a', 'other', 5]);
  expect(accepted).toContainEqual(['b', 'other', 1]);
});
