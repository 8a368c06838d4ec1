import { HttpConnection } from '../load/http-connection.ts';
import { openSubscribers } from '../load/open-subscribers.ts';
import { bytesRead, cpuSeconds, machineCpuSeconds } from '../load/process-stats.ts';
import { redisCommands } from '../load/redis-stats.ts';
import { sendAll } from '../load/send-all.ts';
import { payload, signedTrigger } from '../load/signed-request.ts';
import type { Subscriber } from '../load/subscriber.ts';
import type { Parts, Target, Workload } from './workload.ts';

const CONNECTIONS = 64;
/** Requests that are signed beforehand, no two alike, and then sent in turn. */
const REQUESTS = 5000;
const SUBSCRIPTIONS = 1000;
const MOST_OTHERS_PERCENT = 20;

/** What it costs to be several: Redis, and who hears what. */
export const cluster: Workload = {
  name: 'cluster',
  title: 'Three nodes on one Redis',
  description:
    `Nodes A, B and C and a redis-server, all on this machine, which share both cores with the load generator. Triggers of 200 bytes over ${CONNECTIONS} ` +
    'keep-alive connections to A, one request at a time on each: first to a channel with a subscriber on every node, then to one with a subscriber on B ' +
    'only, so that A publishes, B is interested and C is not. What C took in as much time without any events is subtracted from its figures. Then ' +
    `${SUBSCRIPTIONS} clients subscribe on B to the channel that it has, and as many to channels that are new to it; Redis counts ` +
    `each command in a script as one too. Rounds in which everything else on the machine took more than ${MOST_OTHERS_PERCENT} percent of a core are repeated.`,
  figures: [
    { id: 'everywhere', title: 'events to subscribers on all three nodes', unit: 'per second', better: 'more' },
    { id: 'routed', title: 'events to a subscriber on B', unit: 'per second', better: 'more' },
    { id: 'cpuA', title: 'A, which publishes', unit: 'CPU-µs per event', better: 'less' },
    { id: 'cpuB', title: 'B, which is interested', unit: 'CPU-µs per event', better: 'less' },
    { id: 'cpuC', title: 'C, which is not interested', unit: 'CPU-µs per event', better: 'less' },
    { id: 'cpuRedis', title: 'Redis', unit: 'CPU-µs per event', better: 'less' },
    { id: 'bytesB', title: 'B', unit: 'bytes from Redis per event', better: 'less' },
    { id: 'bytesC', title: 'C', unit: 'bytes from Redis per event', better: 'less' },
    { id: 'known', title: 'subscribing to a channel that B has', unit: 'Redis commands each', better: 'less' },
    { id: 'new', title: 'subscribing to a channel that is new to B', unit: 'Redis commands each', better: 'less' },
  ],
  maxRounds: 3,
  deployments: 'cluster',
  isExtra: true,
  sharesCores: true,
  mostOthersPercent: MOST_OTHERS_PERCENT,
  async measure(target, scale, onFailure) {
    const { parts } = target;
    const { a, b, c, redis } = parts;
    if (!a || !b || !c || !redis) throw new Error('the workload needs nodes A, B and C, and Redis');
    const subscribe = async (port: number, channel: string): Promise<Subscriber> => {
      const crowd = { count: 1, atOnce: 1, channelOf: () => channel, onFailure };
      const [subscriber] = await openSubscribers({ ...target, port }, crowd);
      if (!subscriber) throw new Error('no subscriber');
      return subscriber;
    };
    const everywhere = await Promise.all([a, b, c].map(({ port }) => subscribe(port, 'everywhere')));
    const onB = await subscribe(b.port, 'routed');
    const publish = publisher(await HttpConnection.openAll(target, CONNECTIONS, onFailure), target);

    await publish('everywhere', scale.warmUpMs, everywhere);
    const all = await publish('everywhere', scale.windowMs, everywhere);
    await publish('routed', scale.warmUpMs / 4, [onB]);
    const before = usage(parts);
    const routed = await publish('routed', scale.windowMs, [onB]);
    const after = usage(parts);
    // As long again, with nothing to do but to show each other that they live.
    await new Promise((resolve) => setTimeout(resolve, routed.seconds * 1000));
    const idle = usage(parts);

    const growth = (part: string, of: 'cpu' | 'bytes', from: Usage, to: Usage): number =>
      (to[part]?.[of] ?? Number.NaN) - (from[part]?.[of] ?? 0);
    const perEvent = (part: string, of: 'cpu' | 'bytes'): number => growth(part, of, before, after) / routed.count;
    // The clock of CPU time ticks each 10 ms, so that next to nothing may come out below nothing.
    const beyondIdle = (part: string, of: 'cpu' | 'bytes'): number =>
      Math.max(0, growth(part, of, before, after) - growth(part, of, after, idle)) / routed.count;
    const ownCpu = ['load', ...Object.keys(parts)].reduce((sum, part) => sum + growth(part, 'cpu', before, after), 0);
    const otherCpu = growth('machine', 'cpu', before, after) - ownCpu;
    return {
      everywhere: all.count / all.seconds,
      routed: routed.count / routed.seconds,
      cpuA: 1e6 * perEvent('a', 'cpu'),
      cpuB: 1e6 * perEvent('b', 'cpu'),
      cpuC: 1e6 * beyondIdle('c', 'cpu'),
      cpuRedis: 1e6 * perEvent('redis', 'cpu'),
      bytesB: perEvent('b', 'bytes'),
      bytesC: beyondIdle('c', 'bytes'),
      otherBusyPercent: (100 * Math.max(0, otherCpu)) / routed.seconds,
      known: await commandsPerSubscription(redis.port, { ...target, port: b.port }, () => 'routed', onFailure),
      new: await commandsPerSubscription(redis.port, { ...target, port: b.port }, (index) => `new-${index}`, onFailure),
    };
  },
};

/** @returns what publishes for a while, and answers how many events arrived at each subscriber in how long */
function publisher(connections: readonly HttpConnection[], target: Target) {
  return async (channel: string, durationMs: number, subscribers: readonly Subscriber[]) => {
    const requests = Array.from({ length: REQUESTS }, (_, index) => signedTrigger(target, [channel], payload(index)));
    const before = subscribers.map(({ received }) => received);
    const startedMs = performance.now();
    const count = await sendAll(connections, requests, durationMs);
    const lacking = (): number[] => subscribers.map(({ received }, index) => (before[index] ?? 0) + count - received);
    // What is lost shows by a round that does not end.
    while (lacking().some((events) => events > 0)) await new Promise((resolve) => setImmediate(resolve));
    if (lacking().some((events) => events < 0)) throw new Error('a subscriber got more than was published');
    return { count, seconds: (performance.now() - startedMs) / 1000 };
  };
}

type Usage = Readonly<Record<string, { readonly cpu: number; readonly bytes: number }>>;

function usage(parts: Parts): Usage {
  const ofPid = (pid: number): Usage[string] => ({ cpu: cpuSeconds(pid), bytes: bytesRead(pid) });
  return {
    ...Object.fromEntries(Object.entries(parts).map(([name, { pid }]) => [name, ofPid(pid)])),
    load: ofPid(process.pid),
    machine: { cpu: machineCpuSeconds(), bytes: 0 },
  };
}

async function commandsPerSubscription(
  redisPort: number,
  node: Target,
  channelOf: (index: number) => string,
  onFailure: (error: Error) => void,
): Promise<number> {
  const before = await redisCommands(redisPort);
  const subscribers = await openSubscribers(node, { count: SUBSCRIPTIONS, atOnce: 50, channelOf, onFailure });
  const after = await redisCommands(redisPort);
  for (const subscriber of subscribers) subscriber.drop();
  return (after - before) / SUBSCRIPTIONS;
}
