import { afterEach, expect, test, vi } from 'vitest';

interface Order {
  readonly placedAt: number;
  readonly total: number;
}

interface Shop {
  readonly lastOrderAt: number | undefined;
  add(orders: readonly Order[]): void;
}

async function partOf<T>(file: string): Promise<T> {
  return (await import(new URL(`../../examples/${file}`, import.meta.url).href)) as T;
}

const { sell } = await partOf<{ sell(shop: Shop, random: () => number): number }>('sales/sell.mjs');
const { ordersPerHour } = await partOf<{ ordersPerHour(atMs: number): number }>('sales/orders.mjs');
const { hourOf } = await partOf<{ hourOf(atMs: number): number }>('sales/shop.mjs');
const { seeded } = await partOf<{ seeded(seed: number): () => number }>('shared/model.mjs');

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Midnight on Bali, on the eleventh: ten days are written down at the start. */
const START_MS = Date.UTC(2026, 4, 10, 16);
const DAYS = 10;

afterEach(() => {
  vi.useRealTimers();
});

/** Orders of each hour of the day, per day. */
function byHour(orders: readonly Order[]): number[] {
  const counts = Array<number>(24).fill(0);
  for (const { placedAt } of orders) counts[hourOf(placedAt)] = (counts[hourOf(placedAt)] ?? 0) + 1;
  return counts.map((count) => count / DAYS);
}

// The till sold 1,200 orders an hour while it ran, and 436 at most for the time when it did not: today ran away from yesterday.
test('as much is sold in each hour while the till runs as was written down for the days before', async () => {
  vi.useFakeTimers({ toFake: ['Date', 'setTimeout'], now: START_MS });
  const orders: Order[] = [];
  const written = sell({ lastOrderAt: undefined, add: (more) => orders.push(...more) }, seeded(1));
  expect(orders).toHaveLength(written);
  vi.advanceTimersByTime(DAYS * DAY_MS);
  const [before, live] = [byHour(orders.slice(0, written)), byHour(orders.slice(written))];
  for (let hour = 0; hour < 24; hour += 1) {
    const expected = ordersPerHour(START_MS + hour * HOUR_MS);
    for (const [kind, count] of [
      ['before', before[hour]],
      ['live', live[hour]],
    ] as const) {
      const isNear = Math.abs((count ?? 0) / expected - 1) < 0.1;
      expect({ kind, hour, count, expected, isNear }).toMatchObject({ isNear: true });
    }
  }
});

test('orders come in the order of time, none twice, and each at its time', () => {
  vi.useFakeTimers({ toFake: ['Date', 'setTimeout'], now: START_MS });
  const orders: (Order & { readonly writtenAt: number })[] = [];
  const lastOrderAt = START_MS - HOUR_MS;
  const written = sell(
    { lastOrderAt, add: (more) => orders.push(...more.map((order) => ({ ...order, writtenAt: Date.now() }))) },
    seeded(1),
  );
  vi.advanceTimersByTime(HOUR_MS);
  const times = orders.map(({ placedAt }) => placedAt);
  expect(times).toEqual([...new Set(times)].toSorted((a, b) => a - b));
  expect(times[0]).toBeGreaterThan(lastOrderAt);
  expect(orders.slice(0, written).every(({ writtenAt }) => writtenAt === START_MS)).toBe(true);
  expect(orders.slice(written).every(({ placedAt, writtenAt }) => placedAt === writtenAt)).toBe(true);
  expect(orders.length).toBeGreaterThan(written);
});
