import { HttpConnection } from '../load/http-connection.ts';
import { type Latencies, OpenLoop } from '../load/open-loop.ts';
import { openSubscribers } from '../load/open-subscribers.ts';
import { machineCpuSeconds } from '../load/process-stats.ts';
import { payload, signedTrigger } from '../load/signed-request.ts';
import type { Subscriber } from '../load/subscriber.ts';
import { checkReceived } from '../load/waves.ts';
import type { Figure, Workload } from './workload.ts';

const PER_SECOND = [1000, 5000, 10_000];
const CHANNELS = 100;
const SUBSCRIBERS_PER_NODE = 300;
const CONNECTIONS_PER_NODE = 24;
/** Payloads per channel that are signed beforehand. */
const PAYLOADS = 20;
const TARGETS: Readonly<Record<string, Figure['target']>> = { p95_1: { value: 5 } };
const PERCENTILES = { p50: 'median', p95: '95th percentile', p99: '99th percentile' } as const;

/** How late events are when they come from another node. */
export const clusterLatency: Workload = {
  name: 'cluster-latency',
  title: 'Latency across three nodes on one Redis',
  description:
    `${CHANNELS} public channels with three subscribers on each node, 900 in all, so that each event makes nine deliveries. Triggers of 200 bytes to the nodes in turn, at ` +
    'fixed times whatever becomes of those before; latency counts from when the event was due until a subscriber has it. Nodes, redis-server and load generator share ' +
    'both cores. The load generator looks at the clock once in a millisecond, which is in the figures.',
  figures: PER_SECOND.flatMap((rate, index) =>
    (Object.keys(PERCENTILES) as (keyof typeof PERCENTILES)[]).map((percentile): Figure => {
      const id = `${percentile}_${index}`;
      const target = TARGETS[id];
      const title = `${rate.toLocaleString('en-US')} events per second, ${PERCENTILES[percentile]}`;
      return { id, title, unit: 'ms', better: 'less', ...(target ? { target } : {}) };
    }),
  ),
  maxRounds: 3,
  deployments: 'clusters',
  isExtra: true,
  sharesCores: true,
  async measure(target, scale, onFailure) {
    const nodes = ['a', 'b', 'c'].map((part) => ({ ...target, port: target.parts[part]?.port ?? 0 }));
    const connections: HttpConnection[] = [];
    for (let count = 0; count < CONNECTIONS_PER_NODE; count += 1) {
      for (const node of nodes) connections.push(await HttpConnection.open(node, onFailure));
    }
    const all: Subscriber[] = [];
    const channelOf = (index: number): string => `room-${index % CHANNELS}`;
    const requests = Array.from({ length: CHANNELS * PAYLOADS }, (_, event) =>
      signedTrigger(target, [channelOf(event)], payload(event)),
    );
    const loop = new OpenLoop({
      connections,
      requestOf: (event) => requests[event % requests.length] ?? Buffer.alloc(0),
      channels: CHANNELS,
      spins: false,
    });
    for (const node of nodes) {
      const subscribers = await openSubscribers(node, {
        count: SUBSCRIBERS_PER_NODE,
        atOnce: 50,
        channelOf,
        onFailure,
        onFrames: (frames, subscriber) => loop.delivered(frames, subscriber),
      });
      subscribers.forEach((subscriber, index) => {
        loop.time(subscriber, index % CHANNELS);
      });
      all.push(...subscribers);
    }
    const figures: Record<string, number> = {};
    let events = 0;
    const run = async (rate: number, durationMs: number): Promise<Latencies> => {
      const ran = await loop.run(rate, durationMs);
      events += ran.events;
      checkReceived(all, events / CHANNELS);
      return ran.latencies;
    };
    for (const [index, rate] of PER_SECOND.entries()) {
      await run(rate, scale.warmUpMs);
      const startedMs = performance.now();
      const before = machineCpuSeconds();
      for (const [name, value] of Object.entries(await run(rate, scale.windowMs))) figures[`${name}_${index}`] = value;
      const seconds = (performance.now() - startedMs) / 1000;
      figures[`machineBusyPercent_${index}`] = (100 * (machineCpuSeconds() - before)) / seconds;
      figures[`seconds_${index}`] = seconds;
    }
    return figures;
  },
};
