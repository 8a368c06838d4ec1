import { openSteadyFanOut, STEADY } from '../load/steady-fan-out.ts';
import { cpuMicroseconds, loads } from '../load/window.ts';
import type { Workload } from './workload.ts';

const PER_SECOND = 100;

/** How late an event is at a steady pace. */
export const fanOutLatency: Workload = {
  name: 'fan-out-latency',
  title: 'Latency of a fan-out at 100 events per second',
  description:
    `${PER_SECOND} triggers of 200 bytes each second, whatever becomes of those before (open loop), to one public channel with 1,000 ` +
    `subscribers. ${STEADY} The floor is that of the fan-out.`,
  figures: [
    { id: 'p50', title: 'latency, median', unit: 'ms', better: 'less' },
    { id: 'p95', title: 'latency, 95th percentile', unit: 'ms', better: 'less' },
    { id: 'p99', title: 'latency, 99th percentile', unit: 'ms', better: 'less', target: { share: 1.2 } },
    { id: 'p999', title: 'latency, 99.9th percentile', unit: 'ms', better: 'less' },
    { id: 'cpu', title: 'server', unit: 'CPU-µs per delivery', better: 'less' },
  ],
  async measure(target, scale, onFailure) {
    const measure = await openSteadyFanOut(target, scale, onFailure);
    const { latencies, window } = await measure(PER_SECOND);
    return { ...latencies, cpu: cpuMicroseconds(window), ...loads(window) };
  },
};
