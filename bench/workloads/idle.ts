import { openSubscribers } from '../load/open-subscribers.ts';
import { settledBytes } from '../load/process-stats.ts';
import type { Workload } from './workload.ts';

const AT_ONCE = 64;
const CHANNELS = 100;
/** Opened and dropped several times before measuring, until the code is compiled and V8 has discarded what it no longer needs. */
const WARM_UP_CONNECTIONS = 200;
const WARM_UP_ROUNDS = 10;
/** Share of the connections that are open when measuring begins. They fill the free memory that the start left behind: how much depends on what was loaded. */
const HELD_SHARE = 1 / 3;

/** What a silent client costs. */
export const idle: Workload = {
  name: 'idle',
  title: 'Memory of an idle connection',
  description:
    'Growth of resident memory, after collecting garbage, from 5,000 to 15,000 connections that are subscribed to one public channel each and silent. ' +
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
  // Otherwise V8 may enlarge or shrink the young heap by 16 MB while measuring, which is 1,600 bytes per connection and has nothing to do with them.
  nodeFlags: ['--expose-gc', '--max-semi-space-size=1'],
  needs: ['process'],
  async measure(target, { idleConnections }, onFailure) {
    const { pid } = target;
    if (pid === undefined) throw new Error('memory of a process that is not ours');
    const channelOf = (index: number): string => `room-${index % CHANNELS}`;
    const open = (count: number) => openSubscribers(target, { count, atOnce: AT_ONCE, channelOf, onFailure });
    for (let round = 0; round < WARM_UP_ROUNDS; round += 1) {
      for (const subscriber of await open(WARM_UP_CONNECTIONS)) subscriber.drop();
      await settledBytes(pid);
    }
    const held = Math.round(idleConnections * HELD_SHARE);
    await open(held);
    const before = await settledBytes(pid);
    await open(idleConnections - held);
    const after = await settledBytes(pid);
    return { bytes: (after - before) / (idleConnections - held), baseBytes: before };
  },
};
