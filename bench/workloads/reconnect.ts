import { openSubscribers } from '../load/open-subscribers.ts';
import { loads, measureWindow, perCpuSecond } from '../load/window.ts';
import type { Workload } from './workload.ts';

const CHANNELS = 100;
/** Fewer than what the kernel lets wait in the queue of a listening socket: others would try again a second later. */
const AT_ONCE = 256;

/** A network fails for a moment, and everybody is back at once. */
export const reconnect: Workload = {
  name: 'reconnect',
  title: '10,000 clients lose their connection at once',
  description:
    `All connections are reset in the same moment, and the clients connect again at once, ${AT_ONCE} at a time, and subscribe to one of ${CHANNELS} public channels. ` +
    'The load generator is one process too: how busy it was says whether the time is that of the server. The floor is that of connections.',
  figures: [
    { id: 'seconds', title: 'until all are subscribed again', unit: 'seconds', better: 'less' },
    { id: 'perCpuSecond', title: 'clients that went and came back', unit: 'per CPU-second', better: 'more' },
    { id: 'loadBusyPercent', title: 'load generator', unit: 'percent of a core', better: 'less' },
  ],
  async measure(target, { reconnects: count }, onFailure) {
    const open = () =>
      openSubscribers(target, { count, atOnce: AT_ONCE, channelOf: (index) => `room-${index % CHANNELS}`, onFailure });
    const before = await open();
    const window = await measureWindow(target.pid, async () => {
      for (const subscriber of before) subscriber.drop();
      await open();
      return count;
    });
    return { seconds: window.seconds, perCpuSecond: perCpuSecond(window), ...loads(window) };
  },
};
