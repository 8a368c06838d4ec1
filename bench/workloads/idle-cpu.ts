import { PING } from '../load/client-frame.ts';
import { openSubscribers } from '../load/open-subscribers.ts';
import { settledCpu } from '../load/process-stats.ts';
import { loads, measureWindow } from '../load/window.ts';
import type { Workload } from './workload.ts';

const AT_ONCE = 64;
const CHANNELS = 100;
const STEP_MS = 20;

/** What it costs to know that clients are still there. */
export const idleCpu: Workload = {
  name: 'idle-cpu',
  title: 'CPU time of an idle connection',
  description:
    '15,000 connections, subscribed to one public channel each, do what pusher-js does: they send a ping after as much silence as the server told ' +
    'them to, and get a pong. That is 50 seconds with Kulkul and the floor, 30 with Soketi. Their pings are spread evenly over that time. It is measured for 150 seconds, after which ' +
    'Kulkul has looked at every connection itself. The floor answers pings, and never looks.',
  figures: [{ id: 'cpu', title: 'server', unit: 'CPU-µs per connection and minute', better: 'less' }],
  maxRounds: 1,
  isExtra: true,
  needs: ['process'],
  async measure(target, { idleConnections, idleMs }, onFailure) {
    let pongs = 0;
    const clients = await openSubscribers(target, {
      count: idleConnections,
      atOnce: AT_ONCE,
      channelOf: (index) => `room-${index % CHANNELS}`,
      onFailure,
      onFrames: (frames) => {
        pongs += frames;
      },
    });
    const [{ activityTimeoutSeconds } = { activityTimeoutSeconds: 50 }] = clients;
    await settledCpu(target.pid);
    let pings = 0;
    const window = await measureWindow(target.pid, async () => {
      const startedMs = performance.now();
      for (let elapsedMs = 0; elapsedMs < idleMs; elapsedMs = performance.now() - startedMs) {
        const due = (elapsedMs / 1000 / activityTimeoutSeconds) * idleConnections;
        for (; pings < due; pings += 1) clients[pings % idleConnections]?.send(PING);
        await new Promise((resolve) => setTimeout(resolve, STEP_MS));
      }
      return idleConnections;
    });
    while (pongs < pings) await new Promise((resolve) => setTimeout(resolve, STEP_MS));
    const minutes = window.seconds / 60;
    return {
      cpu: (1e6 * window.serverCpuSeconds) / idleConnections / minutes,
      activityTimeoutSeconds,
      ...loads(window),
    };
  },
};
