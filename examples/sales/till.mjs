/**
 * A simulated till (seeded): an order every three seconds or so. First it writes down what was sold while it was not running:
 * in a new shop everything since the month began, and a week at least.
 */
import { seeded } from '../shared/model.mjs';
import { hourOf, openShop, startOfDay, startOfMonth } from './shop.mjs';

const MEAN_PAUSE_MS = 3000;
const ORDERS_PER_BUSY_HOUR = 400;
const WEEK_MS = 7 * 24 * 3_600_000;
/** How busy each hour of the day is, from 0 to 1. */
const BUSY = [
  0.1, 0.06, 0.05, 0.05, 0.08, 0.2, 0.45, 0.7, 0.8, 0.65, 0.6, 0.85, 1, 0.9, 0.6, 0.5, 0.55, 0.7, 0.9, 0.95, 0.8, 0.55,
  0.35, 0.2,
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

const shop = await openShop(process.env.SALES_DATABASE);
const random = seeded(1_945);
const pick = (list) => list[Math.floor(random() * list.length)];

function order(placedAt) {
  const lines = new Map();
  for (let count = 1 + Math.floor(random() * 3); count > 0; count -= 1)
    lines.set(pick(GOODS), 1 + Math.floor(random() * 2));
  const items = [...lines].map(([[name], count]) => `${count} × ${name}`).join(', ');
  const total = [...lines].reduce((sum, [[, price], count]) => sum + price * count, 0);
  return { placedAt, items, paidBy: pick(PAYMENTS), total };
}

function history(from, to) {
  const orders = [];
  for (let at = from; ; ) {
    const perHour = ORDERS_PER_BUSY_HOUR * BUSY[hourOf(at)];
    at += Math.ceil((-Math.log(1 - random()) * 3_600_000) / perHour);
    if (at >= to) return orders;
    orders.push(order(at));
  }
}

const now = Date.now();
const since = shop.lastOrderAt ?? Math.min(startOfMonth(now), startOfDay(now) - WEEK_MS);
const missed = history(since, now);
shop.add(missed);
process.stdout.write(
  `Simulated: ${missed.length} orders written down, and one every ${MEAN_PAUSE_MS / 1000} s or so.\n`,
);

function sell() {
  shop.add([order(Date.now())]);
  setTimeout(sell, MEAN_PAUSE_MS * (0.2 + 1.6 * random()));
}
sell();
