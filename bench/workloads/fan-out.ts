import { PublishedWaves } from '../load/published-waves.ts';
import { loads, measureWindow, perCpuSecond, perSecond } from '../load/window.ts';
import type { Workload } from './workload.ts';

const BURST = 8;

/** One trigger, a thousand deliveries. */
export const fanOut: Workload = {
  name: 'fan-out',
  title: 'Fan-out to 1,000 subscribers',
  description:
    'Triggers of 200 bytes over HTTP to one public channel with 1,000 subscribers, one at a time or ' +
    `${BURST} at once over as many connections; the next follow when every subscriber got all of those before. The floor parses ` +
    'the body, encodes the frame and publishes it natively; it checks no signature.',
  figures: [
    {
      id: 'single',
      title: 'deliveries, one trigger at a time',
      unit: 'per CPU-second',
      better: 'more',
      target: { share: 0.95 },
    },
    {
      id: 'bursts',
      title: `deliveries, ${BURST} triggers at once`,
      unit: 'per CPU-second',
      better: 'more',
      target: { share: 0.95 },
    },
    { id: 'perSecond', title: `deliveries, ${BURST} triggers at once`, unit: 'per second', better: 'more' },
  ],
  async measure(target, scale, onFailure) {
    const load = await PublishedWaves.open({
      address: target,
      channels: 1,
      subscribersEach: scale.fanOutSubscribers,
      connections: BURST,
      onFailure,
    });
    await load.run(1, scale.warmUpMs);
    const one = await measureWindow(target.pid, () => load.run(1, scale.windowMs));
    await load.run(BURST, scale.warmUpMs / 4);
    const several = await measureWindow(target.pid, () => load.run(BURST, scale.windowMs));
    load.check();
    return {
      single: perCpuSecond(one),
      bursts: perCpuSecond(several),
      perSecond: perSecond(several),
      ...loads(one, 'single_'),
      ...loads(several, 'bursts_'),
    };
  },
};
