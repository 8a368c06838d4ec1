import { openSubscribers } from '../load/subscriber.ts';
import { loads, measureWindow, perCpuSecond } from '../load/window.ts';
import type { Target, Workload } from './workload.ts';

const AT_ONCE = 64;
const CHANNELS = 100;
const WARM_UP_SHARE = 0.25;

/** What a restart or a network that comes back costs: everybody connects and subscribes. */
export const connectAndSubscribe: Workload = {
  name: 'connect',
  title: 'Connect and subscribe',
  description:
    `Clients connect, ${AT_ONCE} at a time, and subscribe to one of ${CHANNELS} public channels; all of them stay. The floor sends ` +
    'the handshake frame, parses the subscription, subscribes natively and confirms.',
  figures: [{ id: 'perCpuSecond', title: 'connections', unit: 'per CPU-second', better: 'more' }],
  async measure(target, scale, onFailure) {
    for (const subscriber of await open(target, scale.connects * WARM_UP_SHARE, onFailure)) subscriber.close();
    const window = await measureWindow(target.pid, async () => {
      const subscribers = await open(target, scale.connects, onFailure);
      return subscribers.length;
    });
    return { perCpuSecond: perCpuSecond(window), ...loads(window) };
  },
};

function open({ port }: Target, count: number, onFailure: (error: Error) => void) {
  return openSubscribers(port, count, AT_ONCE, (index) => `room-${index % CHANNELS}`, onFailure);
}
