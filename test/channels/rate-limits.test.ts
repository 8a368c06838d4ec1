import { beforeEach, describe, expect, test } from 'vitest';
import { RateLimit, RateLimits, retryAdvice } from '../../channels/rate-limits.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { createApp } from './test-node.ts';

let clock: FakeClock;
beforeEach(() => {
  clock = new FakeClock();
});

describe('a rate limit', () => {
  test('lets so many pass per second, all of them again a second later', () => {
    const limit = new RateLimit(10, clock);
    for (let round = 0; round < 3; round += 1) {
      for (let taken = 0; taken < 10; taken += 1) expect(limit.take(1)).toBe(0);
      expect(limit.take(1)).toBeGreaterThan(0);
      clock.advance(1000);
    }
  });

  test('tells how long to wait, and lets pass what waited so long', () => {
    const limit = new RateLimit(10, clock);
    expect(limit.take(10)).toBe(0);
    clock.advance(300);
    const wait = limit.take(1);
    expect(wait).toBe(700);
    clock.advance(wait - 1);
    expect(limit.take(1)).toBeGreaterThan(0);
    clock.advance(1);
    expect(limit.take(1)).toBe(0);
  });

  test.for([-3_600_000, 3_600_000])('goes on when the clock is set by %i ms', (ms) => {
    const limit = new RateLimit(10, clock);
    expect(limit.take(10)).toBe(0);
    clock.setBy(ms);
    expect(limit.take(1)).toBe(1000);
    clock.advance(1000);
    expect(limit.take(10)).toBe(0);
  });

  test('takes several at once, or none of them', () => {
    const limit = new RateLimit(10, clock);
    expect(limit.take(8)).toBe(0);
    expect(limit.take(3)).toBeGreaterThan(0);
    expect(limit.take(2)).toBe(0);
  });

  test('never lets more pass at once than a whole second allows', () => {
    expect(new RateLimit(10, clock).take(11)).toBe(Number.POSITIVE_INFINITY);
  });

  test('of 0 lets nothing pass, of -1 everything', () => {
    expect(new RateLimit(0, clock).take(1)).toBe(Number.POSITIVE_INFINITY);
    const none = new RateLimit(-1, clock);
    for (let taken = 0; taken < 1000; taken += 1) expect(none.take(1000)).toBe(0);
  });
});

test('keeps the limits of apps apart', () => {
  const limits = new RateLimits(clock);
  const app = createApp({ limits: { maxBackendEventsPerSecond: 1, maxReadRequestsPerSecond: 1 } });
  const other = createApp({ id: '4', limits: { maxBackendEventsPerSecond: 1 } });
  expect(limits.of(app).backendEvents.take(1)).toBe(0);
  expect(limits.of(app).backendEvents.take(1)).toBeGreaterThan(0);
  expect(limits.of(app).readRequests.take(1)).toBe(0);
  expect(limits.of(other).backendEvents.take(1)).toBe(0);
});

describe('a limit that several nodes keep', () => {
  const app = createApp({ limits: { maxBackendEventsPerSecond: 10 } });

  test('is used up by what passed elsewhere', () => {
    const [here, there] = [new RateLimits(clock), new RateLimits(clock)];
    expect(there.of(app).backendEvents.take(8)).toBe(0);
    for (const use of there.collect()) here.takeElsewhere(app, use);
    expect(here.of(app).backendEvents.take(3)).toBeGreaterThan(0);
    expect(here.of(app).backendEvents.take(2)).toBe(0);
  });

  test('is all there for a node that gets all the traffic', () => {
    expect(new RateLimits(clock).of(app).backendEvents.take(10)).toBe(0);
  });

  test('makes up for a burst that came everywhere at once, so that it holds over several seconds', () => {
    const nodes = [new RateLimits(clock), new RateLimits(clock), new RateLimits(clock)];
    let passed = 0;
    for (let tenth = 0; tenth < 200; tenth += 1) {
      for (const node of nodes) while (node.of(app).backendEvents.take(1) === 0) passed += 1;
      for (const node of nodes) {
        const uses = node.collect();
        for (const other of nodes) if (other !== node) for (const use of uses) other.takeElsewhere(app, use);
      }
      clock.advance(100);
    }
    // Twenty seconds at ten a second, and what three nodes may let pass before they hear of each other.
    expect(passed).toBeGreaterThan(190);
    expect(passed).toBeLessThanOrEqual(200 + 3 * 10);
  });

  // A database of apps tells only of changes to apps that it knew: one that was deleted and made anew had the former limits.
  test('belongs to the limits that the app has when it is asked, whoever told of them', () => {
    const limits = new RateLimits(clock);
    limits
      .of(createApp({ limits: { maxBackendEventsPerSecond: 1, maxReadRequestsPerSecond: 2 } }))
      .readRequests.take(2);
    const next = limits.of(createApp({ limits: { maxBackendEventsPerSecond: 5, maxReadRequestsPerSecond: 2 } }));
    expect(next.backendEvents.take(5)).toBe(0);
    expect(next.readRequests.take(1)).toBeGreaterThan(0);
    limits.forget('3');
    expect(limits.find('3')).toBe(undefined);
  });

  test('goes on with what is left over all nodes, less what passed since it was told', () => {
    const limits = new RateLimits(clock);
    const limit = limits.of(app).backendEvents;
    limit.take(5);
    limits.collect();
    limit.take(3);
    limit.takeOver(4);
    expect(limit.take(2)).toBe(100);
    expect(limit.take(1)).toBe(0);
    limit.takeOver(-20);
    expect(limit.take(1)).toBe(2500);
  });

  test('tells only what is limited, and each once', () => {
    const limits = new RateLimits(clock);
    limits.of(app).backendEvents.take(2);
    limits.of(app).readRequests.take(5);
    limits.of(createApp({ id: '4' })).backendEvents.take(5);
    expect(limits.collect()).toEqual([{ appId: app.id, backendEvents: 2, clientEvents: 0, readRequests: 0 }]);
    expect(limits.collect()).toEqual([]);
  });
});

test('advises to wait, unless waiting does not help', () => {
  expect(retryAdvice(319.2)).toBe('try again in 320 ms');
  expect(retryAdvice(Number.POSITIVE_INFINITY)).toBe('it can never pass: send fewer at once, or raise the limit');
});
