import { openSubscribers } from '../load/open-subscribers.ts';
import { settledBytes } from '../load/process-stats.ts';
import type { Workload } from './workload.ts';

const AT_ONCE = 64;
const CHANNELS = 100;
/** Enough for the code to be loaded and compiled, few enough to leave hardly any free memory behind. */
const WARM_UP_CONNECTIONS = 200;

/** What a client costs that only listens. */
export const idle: Workload = {
  name: 'idle',
  title: 'Memory of an idle connection',
  description:
    'Growth of resident memory, after collecting garbage, by 15,000 connections that are subscribed to one public channel each and silent. ' +
    'Memory that the kernel keeps for sockets is not in it.',
  figures: [
    {
      id: 'bytes',
      title: 'resident memory',
      unit: 'bytes per connection',
      better: 'less',
      target: { above: 1000 },
    },
  ],
  maxRounds: 3,
  nodeFlags: ['--expose-gc'],
  needs: ['process'],
  async measure(target, { idleConnections }, onFailure) {
    const { pid } = target;
    if (pid === undefined) throw new Error('memory of a process that is not ours');
    const channelOf = (index: number): string => `room-${index % CHANNELS}`;
    const open = (count: number) => openSubscribers(target, { count, atOnce: AT_ONCE, channelOf, onFailure });
    for (const subscriber of await open(WARM_UP_CONNECTIONS)) subscriber.drop();
    const before = await settledBytes(pid);
    await open(idleConnections);
    const after = await settledBytes(pid);
    return { bytes: (after - before) / idleConnections, baseBytes: before };
  },
};
