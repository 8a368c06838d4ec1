import { expect, test } from 'vitest';
import { AppNames, Collection, MAX_APPS, type Sample, type Snapshot } from '../../../server/metrics/collection.ts';
import { metricsText } from '../../../server/metrics/text-format.ts';
import { WorkerTotals } from '../../../server/metrics/worker-totals.ts';

const counted = (messages: number, open: number): Snapshot => ({
  kulkul_messages_sent_total: [[['a'], messages]],
  kulkul_connections: [[['a'], open]],
  kulkul_publish_seconds: [[[], { counts: [messages, 0], sum: messages / 10 }]],
});

function only(snapshot: Snapshot, name: keyof Snapshot): Sample[1] | undefined {
  return snapshot[name]?.[0]?.[1];
}

test('what a worker counted stays when it is gone, and what it had open does not', () => {
  const totals = new WorkerTotals<object>();
  const [first, second, third] = [{}, {}, {}];
  totals.began(first);
  totals.began(second);
  totals.note(first, counted(10, 2));
  totals.note(second, counted(5, 3));
  expect(only(totals.total(), 'kulkul_messages_sent_total')).toBe(15);
  totals.ended(first, true);
  totals.began(third);
  // An answer that was under way when the worker ended.
  totals.note(first, counted(11, 2));
  expect(only(totals.total(), 'kulkul_messages_sent_total')).toBe(15);
  totals.note(third, counted(1, 1));
  const total = totals.total();
  expect(only(total, 'kulkul_messages_sent_total')).toBe(16);
  expect(only(total, 'kulkul_connections')).toBe(4);
  expect(only(total, 'kulkul_publish_seconds')).toEqual({ counts: [16, 0], sum: 1.6 });
  expect(only(total, 'kulkul_worker_restarts_total')).toBe(1);
});

test('a worker that says nothing counts with what it said last', () => {
  const totals = new WorkerTotals<object>();
  const worker = {};
  totals.began(worker);
  totals.note(worker, counted(10, 2));
  totals.total();
  expect(only(totals.total(), 'kulkul_messages_sent_total')).toBe(10);
});

test('the first apps keep their name for good, all others share one', () => {
  const names = new AppNames();
  for (const round of [1, 2]) {
    const collection = new Collection(names);
    for (let index = 0; index < MAX_APPS + 500; index += 1)
      collection.put('kulkul_connections', [`app-${index}`], round);
    const samples = collection.samples('kulkul_connections');
    expect(samples.length).toBe(MAX_APPS + 1);
    expect(samples.at(-1)).toEqual([['other'], 500 * round]);
  }
});

test('labels are written so that no value can end them', () => {
  const collection = new Collection(new AppNames());
  collection.put('kulkul_connections', ['a"b\\c\nd'], 1);
  const text = [...metricsText(collection, { prefix: 'soketi_', port: 6001 })].join('');
  expect(text).toContain('kulkul_connections{app_id="a\\"b\\\\c\\nd"} 1\n');
});
