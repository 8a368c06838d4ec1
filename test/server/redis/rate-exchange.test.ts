import pino from 'pino';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { RateLimits } from '../../../channels/rate-limits.ts';
import { systemClock } from '../../../server/clock.ts';
import { createRedisLink } from '../../../server/redis/create-link.ts';
import { RedisKeys } from '../../../server/redis/keys.ts';
import { RateExchange } from '../../../server/redis/rate-exchange.ts';
import type { RedisLink } from '../../../server/redis/redis-link.ts';
import { RedisSeams } from '../../../server/redis/redis-seams.ts';
import { createApp } from '../../channels/test-node.ts';
import { RedisServer } from '../../support/redis-server.ts';
import { redisSettings } from '../../support/redis-settings.ts';
import { seamsNode } from '../../support/seams-node.ts';

const keys = new RedisKeys('');
let redis: RedisServer;
let link: RedisLink;
beforeAll(async () => {
  redis = await RedisServer.start();
  link = createRedisLink(redisSettings({ 'database.redis.port': redis.port }));
  await link.whenUp();
});
afterEach(() => link.commands.do((client) => client.flushall()));
afterAll(async () => {
  link.close();
  await redis.dispose();
});

/** Ten events a second. What ten nodes let pass at once takes all of them nine seconds to make up for. */
const app = createApp({ limits: { maxBackendEventsPerSecond: 10, maxAppClientEventsPerSecond: 10 } });

function createNodes(count: number): { limits: RateLimits; exchange: RateExchange }[] {
  return Array.from({ length: count }, () => {
    const limits = new RateLimits(systemClock);
    return { limits, exchange: new RateExchange(link, keys, limits) };
  });
}

async function exchangeAll(nodes: readonly { exchange: RateExchange }[]): Promise<void> {
  for (const { exchange } of nodes) await exchange.exchange();
}

async function scriptsRun(): Promise<number> {
  const stats = await link.commands.do((client) => client.info('commandstats'));
  return [...stats.matchAll(/^cmdstat_eval(?:sha)?:calls=(\d+)/gm)].reduce((sum, [, calls]) => sum + Number(calls), 0);
}

test('makes all nodes wait for what they let pass together, each limit for itself', async () => {
  const nodes = createNodes(10);
  for (const { limits } of nodes) expect(limits.of(app).backendEvents.take(10)).toBe(0);
  await exchangeAll(nodes);
  // Nothing passed since, but the first to tell did not hear of the others.
  await exchangeAll(nodes);
  for (const { limits } of nodes) {
    expect(limits.of(app).backendEvents.take(1)).toBeGreaterThan(1000);
    expect(limits.of(app).clientEvents.take(10)).toBe(0);
  }
});

test('leaves all of the limit to a node that gets all the traffic', async () => {
  const [one] = createNodes(1);
  expect(one?.limits.of(app).backendEvents.take(4)).toBe(0);
  await one?.exchange.exchange();
  expect(one?.limits.of(app).backendEvents.take(6)).toBe(0);
});

test('says nothing to Redis of apps that are not used, or have no limit', async () => {
  const [node] = createNodes(1);
  node?.limits.of(createApp({ id: '4' })).backendEvents.take(1000);
  const before = await scriptsRun();
  await node?.exchange.exchange();
  expect(await scriptsRun()).toBe(before);
});

test('keeps nothing in Redis once the allowance would be whole again', async () => {
  const [node] = createNodes(1);
  node?.limits.of(app).backendEvents.take(10);
  await node?.exchange.exchange();
  const ttlMs = await link.commands.do((client) => client.pttl(keys.rates(app.id)));
  expect(ttlMs).toBeGreaterThan(0);
  expect(ttlMs).toBeLessThanOrEqual(1000);
});

test('leaves each node the whole limit while Redis is away, and holds nothing of it against the app afterwards', async () => {
  const other = createRedisLink(redisSettings({ 'database.redis.port': redis.port }));
  await other.whenUp();
  const limits = new RateLimits(systemClock);
  const exchange = new RateExchange(other, keys, limits);
  other.close();
  limits.of(app).backendEvents.take(5);
  await exchange.exchange();
  expect(limits.of(app).backendEvents.take(5)).toBe(0);
  expect(await link.commands.do((client) => client.exists(keys.rates(app.id)))).toBe(0);
  expect(limits.collect()).toEqual([expect.objectContaining({ backendEvents: 5 })]);
});

// An app that was gone before its allowance was whole was never taken off the list: it was looked up every 250 ms, and asked about once it was back.
test('an app that is gone is forgotten', async () => {
  const [node] = createNodes(1);
  node?.limits.of(app).backendEvents.take(10);
  await node?.exchange.exchange();
  node?.limits.forget(app.id);
  await node?.exchange.exchange();
  const before = await scriptsRun();
  node?.limits.of(app);
  await node?.exchange.exchange();
  expect(await scriptsRun()).toBe(before);
});

test('goes on by itself on a node that is joined to others', async () => {
  const nodeLink = createRedisLink(redisSettings({ 'database.redis.port': redis.port }));
  await nodeLink.whenUp();
  const seams = new RedisSeams(nodeLink, {
    prefix: '',
    nodeTimeoutMs: 10_000,
    isCountAnnounced: () => false,
    log: pino({ level: 'silent' }),
  });
  const rateLimits = new RateLimits(systemClock);
  await seams.start(seamsNode({ rateLimits }));
  rateLimits.of(app).backendEvents.take(10);
  while ((await link.commands.do((client) => client.exists(keys.rates(app.id)))) === 0);
  await seams.stop();
});
