import { describe, expect, test } from 'vitest';
import { FactLog, MOST_KEPT, meets, TYPE_GROUPS } from '../../console/data/fact-log.ts';
import type { LiveFact } from '../../server/console/contract.ts';

const TIME = '2026-01-02T03:04:05.006Z';
const PUBLISHED: LiveFact = {
  type: 'published',
  time: TIME,
  node: 'n1',
  app: 'shop',
  channels: ['orders.1', 'private-orders.2'],
  event: 'order.paid',
  data: '{"total":"49.90"}',
};
const WEBHOOK: LiveFact = { type: 'webhook', time: TIME, node: 'n1', app: 'shop', events: ['channel_occupied'] };

describe('the log', () => {
  test('has the newest fact first, and numbers them in the order in which they came', () => {
    const log = new FactLog();
    log.happened({ facts: [PUBLISHED, WEBHOOK] });
    log.happened({ facts: [PUBLISHED] });
    expect(log.rows.value.map(({ number, fact }) => [number, fact.type])).toEqual([
      [3, 'published'],
      [2, 'webhook'],
      [1, 'published'],
    ]);
  });

  test('keeps the last thousand, of one large batch too', () => {
    const log = new FactLog();
    log.happened({ facts: [WEBHOOK] });
    log.happened({ facts: Array.from({ length: MOST_KEPT + 5 }, () => PUBLISHED) });
    expect(log.rows.value).toHaveLength(MOST_KEPT);
    expect(log.rows.value.every(({ fact }) => fact === PUBLISHED)).toBe(true);
  });

  test('adds up what nodes left out, until it is cleared', () => {
    const log = new FactLog();
    log.happened({ facts: [PUBLISHED] });
    log.skipped({ count: 3 });
    log.skipped({ count: 4 });
    expect(log.left.value).toBe(7);
    log.clear();
    expect([log.left.value, log.rows.value]).toEqual([0, []]);
  });
});

describe('a filter', () => {
  test.for([
    [{}, true],
    [{ app: 'shop' }, true],
    [{ app: 'other' }, false],
    [{ type: 'webhook,published' }, true],
    [{ type: 'webhook' }, false],
    [{ channel: 'private-*' }, true],
    [{ channel: 'orders.2' }, false],
    [{ channel: 'order?' }, false],
    [{ event: 'order.*' }, true],
    [{ event: 'order.p' }, false],
    [{ socket: '1.2' }, false],
    [{ text: '49.90' }, true],
    [{ text: 'ORDER.PAID' }, true],
    [{ text: 'nothing' }, false],
    [{ app: 'shop', text: 'nothing' }, false],
  ] as const)('%o of a published event: %s', ([filter, isMet]) => {
    expect(meets(PUBLISHED, filter)).toBe(isMet);
  });

  test('finds webhooks by the events that they were told', () => {
    expect(meets(WEBHOOK, { event: 'channel_*' })).toBe(true);
    expect(meets(WEBHOOK, { event: 'member_*' })).toBe(false);
  });

  test('can name each type in exactly one group', () => {
    const types = TYPE_GROUPS.flatMap((group) => group.types);
    expect(new Set(types).size).toBe(types.length);
    const all: Record<LiveFact['type'], true> = {
      connected: true,
      refused: true,
      disconnected: true,
      subscribed: true,
      'subscription-refused': true,
      unsubscribed: true,
      'signed-in': true,
      'signed-out': true,
      published: true,
      'publish-refused': true,
      'client-event': true,
      'message-refused': true,
      'cache-missed': true,
      webhook: true,
      audit: true,
    };
    expect(types.sort()).toEqual(Object.keys(all).sort());
  });
});
