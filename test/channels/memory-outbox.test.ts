import { describe, expect, test } from 'vitest';
import type { Edge } from '../../channels/edge.ts';
import { MemoryOutbox } from '../../channels/memory-outbox.ts';
import { FakeClock } from '../support/fake-clock.ts';

const GRACE_MS = 3000;

const edge = (kind: Edge['kind'], about: object): Edge =>
  ({ kind, appId: '1', channel: 'presence-room', ...about }) as Edge;
const member = (kind: 'member_added' | 'member_removed', userId: string): Edge => edge(kind, { userId });

function create(wants = -1) {
  const clock = new FakeClock();
  const outbox = new MemoryOutbox(clock, { graceMs: GRACE_MS, wants: () => wants });
  const events = () => outbox.read(0, '', 100).map(({ event }) => event);
  return { clock, outbox, events };
}

describe('grace', () => {
  test('whoever comes back within it makes neither leaving nor coming known', async () => {
    const { clock, outbox, events } = create();
    outbox.onEdge(member('member_added', 'ann'));
    outbox.onEdge(member('member_removed', 'ann'));
    await clock.advance(GRACE_MS - 1);
    outbox.onEdge(member('member_added', 'ann'));
    await clock.advance(2 * GRACE_MS);
    expect(events()).toEqual([{ name: 'member_added', channel: 'presence-room', user_id: 'ann' }]);
  });

  test('members are removed before their channel is vacated', async () => {
    const { clock, outbox, events } = create();
    outbox.onEdge(member('member_removed', 'ann'));
    await clock.advance(1000);
    outbox.onEdge(member('member_removed', 'bob'));
    outbox.onEdge(edge('channel_vacated', {}));
    await clock.advance(GRACE_MS - 1000);
    expect(events()).toEqual([{ name: 'member_removed', channel: 'presence-room', user_id: 'ann' }]);
    await clock.advance(1000);
    expect(events().map(({ name }) => name)).toEqual(['member_removed', 'member_removed', 'channel_vacated']);
  });
});

test('at the end, what is held back is due at once, and what is left is counted', () => {
  const { outbox, events } = create();
  outbox.onEdge(member('member_removed', 'ann'));
  outbox.onEdge(edge('channel_vacated', {}));
  expect(outbox.conclude()).toBe(2);
  expect(events().map(({ name }) => name)).toEqual(['member_removed', 'channel_vacated']);
  outbox.remove(
    0,
    outbox.read(0, '', 10).map(({ id }) => id),
  );
  expect(outbox.conclude()).toBe(0);
});

test('whoever leaves while another process takes over is not told to be gone, as clients go on there', async () => {
  const { clock, outbox, events } = create();
  outbox.onEdge(member('member_removed', 'ann'));
  outbox.handOver();
  outbox.onEdge(member('member_removed', 'bob'));
  await clock.advance(GRACE_MS);
  expect(outbox.conclude()).toBe(1);
  expect(events()).toMatchObject([{ name: 'member_removed', user_id: 'ann' }]);
});

test('what no webhook wants is not kept', async () => {
  const { clock, outbox } = create(0);
  outbox.onEdge(member('member_added', 'ann'));
  outbox.onEdge(member('member_removed', 'ann'));
  await clock.advance(GRACE_MS);
  expect(outbox.size).toBe(0);
});

test('reading goes on after an entry that was removed meanwhile', () => {
  const { outbox } = create();
  for (const channel of ['a', 'b', 'c']) outbox.append('1', { name: 'cache_miss', channel });
  const [first, second] = outbox.read(0, '', 2);
  outbox.remove(0, [first?.id ?? '', second?.id ?? '']);
  expect(outbox.read(0, second?.id ?? '', 10)).toMatchObject([{ event: { channel: 'c' } }]);
});

test('many misses of a channel at once are one entry, and a later one is another', async () => {
  const { clock, outbox, events } = create();
  for (let count = 0; count < 5; count += 1) outbox.appendMiss('1', 'cache-news');
  outbox.appendMiss('1', 'cache-other');
  expect(events()).toHaveLength(2);
  await clock.advance(3000);
  outbox.appendMiss('1', 'cache-news');
  expect(events()).toHaveLength(3);
});

test('the oldest dead letters go where there are too many, and where they are too old', async () => {
  const { clock, outbox } = create();
  const letter = (id: string) => ({
    id,
    appId: '1',
    webhookId: 'w',
    url: 'http://localhost/',
    event: { name: 'cache_miss', channel: 'cache-a' } as const,
    timeMs: clock.now(),
    buriedMs: clock.now(),
    attempts: 1,
    error: 'answered 500',
  });
  const bounds = { max: 2, maxAgeMs: 60_000 };
  outbox.bury([letter('a'), letter('b'), letter('c')], bounds);
  expect(outbox.deadLetters('1', 'w').map(({ id }) => id)).toEqual(['b', 'c']);
  await clock.advance(60_000);
  outbox.bury([letter('d')], bounds);
  expect(outbox.deadLetters('1', 'w').map(({ id }) => id)).toEqual(['d']);
  expect(outbox.deadLetterCounts('1')).toEqual(new Map([['w', 1]]));
  expect(outbox.exhume('1', 'w', ['d', 'gone'])).toHaveLength(1);
  expect(outbox.deadLetters('1', 'w')).toEqual([]);
});
