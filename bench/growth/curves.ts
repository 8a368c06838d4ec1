import { HttpConnection } from '../load/http-connection.ts';
import { openSubscribers } from '../load/open-subscribers.ts';
import { settledBytes } from '../load/process-stats.ts';
import { PublishedWaves } from '../load/published-waves.ts';
import { payload, signedTrigger } from '../load/signed-request.ts';
import { Waves } from '../load/waves.ts';
import { cpuMicroseconds, measureWindow } from '../load/window.ts';
import type { Curve } from './curve.ts';
import { holdChannels, subscriptionCost } from './subscription-cost.ts';

const BURST = 8;
const REQUESTS = 500;
/** Enough for the code to be loaded and compiled. */
const WARM_UP_CONNECTIONS = 200;
const SUBSCRIBE_COST = 'CPU-µs per subscribe and unsubscribe';

/** All curves, in the order in which they are drawn. */
export const CURVES: readonly Curve[] = [
  {
    name: 'delivery',
    title: 'Cost of a delivery',
    x: 'subscribers of the channel',
    y: 'CPU-µs per delivery',
    xs: [10, 30, 100, 300, 1000, 3000, 10_000],
    quickXs: [10, 100, 1000],
    async measure(target, x, { warmUpMs, windowMs }, onFailure) {
      const options = { address: target, channels: 1, subscribersEach: x, connections: BURST, onFailure };
      const load = await PublishedWaves.open(options);
      await load.run(BURST, warmUpMs);
      const window = await measureWindow(target.pid, () => load.run(BURST, windowMs));
      load.check();
      return { y: cpuMicroseconds(window) };
    },
  },
  {
    name: 'publish-channels',
    title: 'Cost of an event on several channels',
    x: 'channels of the event, one subscriber each',
    y: 'CPU-µs per channel',
    xs: [1, 3, 10, 30, 100],
    quickXs: [1, 10, 100],
    floorFlags: ['--verify'],
    async measure(target, x, { warmUpMs, windowMs }, onFailure) {
      const channels = Array.from({ length: x }, (_, index) => `sensor-${index}`);
      const requests = Array.from({ length: REQUESTS }, (_, index) => signedTrigger(target, channels, payload(index)));
      const connections = await HttpConnection.openAll(target, BURST, onFailure);
      const waves = new Waves(x, (index, done) => {
        connections[index % BURST]?.request(requests[index % REQUESTS] ?? Buffer.alloc(0), done);
      });
      await openSubscribers(target, {
        count: x,
        atOnce: 64,
        channelOf: (index) => channels[index],
        onFailure,
        onFrames: (frames) => waves.delivered(frames),
      });
      await waves.run(BURST, warmUpMs);
      return {
        y: cpuMicroseconds(await measureWindow(target.pid, async () => (await waves.run(BURST, windowMs)) * x)),
      };
    },
  },
  {
    name: 'subscribe-size',
    title: 'Cost of a subscription, large channels',
    x: 'other subscribers of the channel',
    y: SUBSCRIBE_COST,
    xs: [1, 10, 100, 1000, 10_000],
    quickXs: [1, 10, 1000],
    async measure(target, x, scale, onFailure) {
      await openSubscribers(target, { count: x, atOnce: 64, channelOf: () => 'room', onFailure });
      return { y: await subscriptionCost(target, scale, () => 'room', onFailure) };
    },
  },
  {
    name: 'subscribe-channels',
    title: 'Cost of a subscription, many channels',
    x: 'other channels of the server',
    y: SUBSCRIBE_COST,
    xs: [100, 1000, 10_000, 100_000],
    quickXs: [100, 1000],
    async measure(target, x, scale, onFailure) {
      await holdChannels(target, x, onFailure);
      return { y: await subscriptionCost(target, scale, (index) => `new-${index}`, onFailure) };
    },
  },
  {
    name: 'subscribe-nodes',
    title: 'Cost of a subscription, several nodes',
    x: 'nodes on one Redis (CPU time of one)',
    y: SUBSCRIBE_COST,
    xs: [1, 2, 3],
    quickXs: [1, 3],
    isOverNodes: true,
    sharesCores: true,
    async measure(target, _nodes, scale, onFailure) {
      return { y: await subscriptionCost(target, scale, (index) => `new-${index}`, onFailure) };
    },
  },
  {
    name: 'memory',
    title: 'Memory of connections',
    x: 'subscribed connections',
    y: 'MB of resident memory',
    xs: [1000, 2500, 5000, 10_000, 15_000],
    quickXs: [500, 1500],
    nodeFlags: ['--expose-gc'],
    needs: ['process'],
    async measure(target, x, _scale, onFailure) {
      const { pid } = target;
      if (pid === undefined) throw new Error('memory of a process that is not ours');
      const open = (count: number) =>
        openSubscribers(target, { count, atOnce: 64, channelOf: (index) => `room-${index % 100}`, onFailure });
      for (const subscriber of await open(WARM_UP_CONNECTIONS)) subscriber.drop();
      const before = await settledBytes(pid);
      await open(x);
      return { y: ((await settledBytes(pid)) - before) / 1e6 };
    },
  },
];

/** @throws {Error} there is none of that name */
export function curveOf(name: string): Curve {
  const curve = CURVES.find((candidate) => candidate.name === name);
  if (curve) return curve;
  throw new Error(`no curve ${name}`);
}
