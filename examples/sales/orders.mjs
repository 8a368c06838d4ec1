/** The simulated part: who comes when, and buys what. The same stream of orders, whether it is written down later or as it comes. */
import { hourOf } from './shop.mjs';

const HOUR_MS = 3_600_000;
/** One every six seconds. */
const ORDERS_PER_BUSIEST_HOUR = 600;
/** How busy each hour of the day is, as a part of the busiest; never quite still, as the shop is beside a night market. */
const BUSY = [
  0.3, 0.26, 0.25, 0.25, 0.28, 0.35, 0.5, 0.7, 0.8, 0.65, 0.6, 0.85, 1, 0.9, 0.6, 0.5, 0.55, 0.7, 0.9, 0.95, 0.8, 0.55,
  0.45, 0.35,
];
const GOODS = [
  ['Kopi susu', 24_000],
  ['Kopi tubruk', 15_000],
  ['Es teh manis', 9_000],
  ['Nasi campur', 38_000],
  ['Mie goreng', 32_000],
  ['Sate lilit', 45_000],
  ['Pisang goreng', 18_000],
  ['Jus alpukat', 27_000],
];
const PAYMENTS = ['QRIS', 'QRIS', 'Cash', 'Cash', 'Card', 'GoPay'];

/** How many orders an hour brings, on the average. */
export function ordersPerHour(atMs) {
  return ORDERS_PER_BUSIEST_HOUR * BUSY[hourOf(atMs)];
}

/**
 * Orders without an end, in the order of time.
 *
 * @param sinceMs - the first one comes after that
 * @param {() => number} random - from 0 up to 1
 */
export function* ordersSince(sinceMs, random) {
  for (let at = sinceMs; ; ) {
    at += Math.ceil((-Math.log(1 - random()) * HOUR_MS) / ordersPerHour(at));
    yield orderOf(at, random);
  }
}

function orderOf(placedAt, random) {
  const pick = (list) => list[Math.floor(random() * list.length)];
  const lines = new Map();
  for (let count = 1 + Math.floor(random() * 3); count > 0; count -= 1)
    lines.set(pick(GOODS), 1 + Math.floor(random() * 2));
  const items = [...lines].map(([[name], count]) => `${count} × ${name}`).join(', ');
  const total = [...lines].reduce((sum, [[, price], count]) => sum + price * count, 0);
  return { placedAt, items, paidBy: pick(PAYMENTS), total };
}
