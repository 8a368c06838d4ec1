import { settledBytes } from '../load/process-stats.ts';
import { openSubscribers } from '../load/subscriber.ts';
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
    'Growth of resident memory, after collecting garbage, by connections that are subscribed to one public channel each and silent. ' +
    'Memory that the kernel keeps for sockets is not in it.',
  figures: [{ id: 'bytes', title: 'resident memory', unit: 'bytes per connection', better: 'less' }],
  maxRounds: 3,
  nodeFlags: ['--expose-gc'],
  async measure({ port, pid }, scale, onFailure) {
    const channelOf = (index: number): string => `room-${index % CHANNELS}`;
    const first = await openSubscribers(port, WARM_UP_CONNECTIONS, AT_ONCE, channelOf, onFailure);
    for (const subscriber of first) subscriber.close();
    const before = await settledBytes(pid);
    await openSubscribers(port, scale.idleConnections, AT_ONCE, channelOf, onFailure);
    const after = await settledBytes(pid);
    return { bytes: (after - before) / scale.idleConnections, baseBytes: before };
  },
};
