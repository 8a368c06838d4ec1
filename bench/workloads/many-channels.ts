import { PublishedWaves } from '../load/published-waves.ts';
import { loads, measureWindow, perCpuSecond, perSecond } from '../load/window.ts';
import type { Workload } from './workload.ts';

const SUBSCRIBERS = 10;
const AT_ONCE = 32;

/** What most applications look like: many small channels. */
export const manyChannels: Workload = {
  name: 'many-channels',
  title: '1,000 channels with 10 subscribers each',
  description:
    `Triggers of 200 bytes over HTTP to 1,000 public channels in turn, ${AT_ONCE} at once over as many connections; the next follow when every ` +
    'subscriber got its event. The floor is that of the fan-out.',
  figures: [
    { id: 'perCpuSecond', title: 'deliveries', unit: 'per CPU-second', better: 'more' },
    { id: 'perSecond', title: 'deliveries', unit: 'per second', better: 'more' },
  ],
  async measure(target, scale, onFailure) {
    const load = await PublishedWaves.open({
      address: target,
      channels: scale.channels,
      subscribersEach: SUBSCRIBERS,
      connections: AT_ONCE,
      onFailure,
    });
    await load.run(AT_ONCE, scale.warmUpMs);
    const window = await measureWindow(target.pid, () => load.run(AT_ONCE, scale.windowMs));
    load.check();
    return { perCpuSecond: perCpuSecond(window), perSecond: perSecond(window), ...loads(window) };
  },
};
