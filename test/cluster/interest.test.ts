import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { QUESTIONS_CHANNEL } from '../../channels/node-questions.ts';
import { NODES_APP, NODES_CHANNEL } from '../../channels/nodes-channel.ts';
import { RedisKeys } from '../../server/redis/keys.ts';
import { atLength } from '../support/at-length.ts';
import { APP } from '../support/broker.ts';
import type { RawClient } from '../support/raw-client.ts';
import { untilEqual } from '../support/until.ts';
import { Cluster } from './cluster.ts';
import { WireTap } from './wire-tap.ts';

const EVENTS = atLength(300, 1000);
const CHANNEL = 'private-scada';
/** A channel of the node whose wire is tapped. What comes on it shows that what was published before it has come, or never will. */
const OWN = 'private-own';
const PAYLOAD = 'station Ubud, level 4.2';

let cluster: Cluster;
let redis: Redis;
let tap: WireTap;
beforeAll(async () => {
  // Nodes look after one that a loaded machine held up, channels and all. None dies here.
  cluster = await Cluster.start({ apps: [APP], settings: { 'adapter.nodeTimeoutSeconds': 30 } });
  redis = new Redis(cluster.redis.port, '127.0.0.1');
  tap = new WireTap(cluster.node(2).wire);
});
afterAll(async () => {
  redis.disconnect();
  await cluster.stop();
});

const keys = new RedisKeys('');
/** Where nodes tell and ask each other what concerns all of them: nothing, in this test. */
const OF_NODES = [NODES_CHANNEL, QUESTIONS_CHANNEL].map((channel) => keys.topic(NODES_APP, channel));
const topic = (channel: string): string => keys.topic(APP.id, channel);

/** How many nodes Redis hands the events of a channel to. */
async function interestedNodes(channel: string): Promise<unknown> {
  const [, count] = await redis.pubsub('NUMSUB', topic(channel));
  return count;
}

async function subscriber(node: number, channel: string): Promise<RawClient> {
  const client = await cluster.node(node).connect();
  await client.subscribed(channel);
  return client;
}

/** Publishes many events that a listener on another node gets, and has the tapped node hear its own channel's in the end. */
async function publishMany(listener: RawClient, own: RawClient): Promise<void> {
  let next = 0;
  const publishers = Array.from({ length: 8 }, async () => {
    for (; next < EVENTS; ) {
      next += 1;
      expect(await cluster.node(0).publish(CHANNEL, 'e', `${next}: ${PAYLOAD}`)).toBe(200);
    }
  });
  await Promise.all(publishers);
  for (let count = 0; count < EVENTS; count += 1) await listener.next('e');
  await fence(own);
}

/** Until the tapped node has all that Redis sent it before. */
async function fence(own: RawClient): Promise<void> {
  expect(await cluster.node(0).publish(OWN, 'end', 'of it')).toBe(200);
  await own.next('end');
}

function expectNothingHeard(): void {
  expect(tap.cameFromTopics).toEqual([['message', topic(OWN), expect.stringContaining('"event":"end"')]]);
  expect(tap.hasBroughtDown(PAYLOAD)).toBe(false);
  expect(tap.hasBroughtDown(CHANNEL)).toBe(false);
}

test('a node hears nothing of channels that only others listen to, nor of those that its last subscriber has left', async () => {
  const listener = await subscriber(1, CHANNEL);
  const own = await subscriber(2, OWN);
  tap.clear();
  await publishMany(listener, own);
  expectNothingHeard();

  const guest = await subscriber(2, CHANNEL);
  expect(await cluster.node(0).publish(CHANNEL, 'e', PAYLOAD)).toBe(200);
  for (const client of [listener, guest]) await client.next('e');
  expect(tap.hasBroughtDown(PAYLOAD)).toBe(true);
  expect(await interestedNodes(CHANNEL)).toBe(2);

  // The node lingers in the channel for a moment, in case somebody comes back.
  await guest.close();
  await untilEqual(() => interestedNodes(CHANNEL), 1);
  await fence(own);
  tap.clear();
  await publishMany(listener, own);
  expectNothingHeard();

  await listener.close();
  await untilEqual(async () => (await redis.pubsub('CHANNELS', '*')).toSorted(), [...OF_NODES, topic(OWN)].toSorted());
  await own.close();
});

test('a subscribe to a channel that the node has already asks Redis for nothing', async () => {
  const channel = 'private-shared';
  const written = (count: number): Promise<void> =>
    untilEqual(() => redis.hvals(keys.counts(APP.id, channel)), [String(count)]);
  const clients = await Promise.all(Array.from({ length: 100 }, () => cluster.node(2).connect()));
  tap.clear();
  const first = await subscriber(2, channel);
  await written(1);
  expect(tap.commandsNaming(channel)).toContainEqual(['subscribe', topic(channel)]);

  tap.clear();
  for (const client of clients) client.subscribe(channel);
  for (const client of clients) await client.next('pusher_internal:subscription_succeeded');
  // One that goes and comes back before it is missed.
  first.send({ event: 'pusher:unsubscribe', data: { channel } });
  await first.subscribed(channel);
  await written(clients.length + 1);
  // The node's own number is written a moment later, one write for all that came meanwhile, and nobody waits for it.
  const isCountWrite = (command: unknown): boolean => /^\["evalsha",.+:counts:/.test(JSON.stringify(command));
  const commands = tap.commandsNaming(channel);
  expect(commands.filter((command) => !isCountWrite(command))).toEqual([]);
  expect(commands.length).toBeLessThan(clients.length / 2);

  // Not even an answer of Redis is waited for.
  cluster.node(2).wire.silence();
  const late = await cluster.node(2).connect();
  await late.subscribed(channel);
  cluster.node(2).wire.mend();
  await Promise.all([...clients, first, late].map((client) => client.close()));
});
