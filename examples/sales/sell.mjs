import { ordersSince } from './orders.mjs';
import { startOfDay, startOfMonth } from './shop.mjs';

const WEEK_MS = 7 * 24 * 3_600_000;

/**
 * Writes down what was sold up to now, and from then on each order at its time: one stream, so that no day sells faster than another.
 *
 * @param {Pick<import('./shop.mjs').Shop, 'lastOrderAt' | 'add'>} shop
 * @param {() => number} random - from 0 up to 1
 * @returns how many were sold up to now
 */
export function sell(shop, random) {
  const now = Date.now();
  const orders = ordersSince(shop.lastOrderAt ?? Math.min(startOfMonth(now), startOfDay(now) - WEEK_MS), random);
  const missed = [];
  let { value: next } = orders.next();
  for (; next.placedAt <= now; next = orders.next().value) missed.push(next);
  shop.add(missed);
  const wait = () => setTimeout(sellNext, Math.max(0, next.placedAt - Date.now()));
  const sellNext = () => {
    shop.add([next]);
    next = orders.next().value;
    wait();
  };
  wait();
  return missed.length;
}
