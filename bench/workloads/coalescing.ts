import { openSteadyFanOut, STEADY } from '../load/steady-fan-out.ts';
import { cpuMicroseconds, loads } from '../load/window.ts';
import type { Figure, Workload } from './workload.ts';

const RATES = [100, 400];

/** What it brings, and costs, to let events wait for others. */
export const coalescing: Workload = {
  name: 'coalescing',
  title: 'Events that leave together',
  description:
    `${RATES.join(' and then ')} triggers of 200 bytes each second, whatever becomes of those before (open loop), to one public channel with 1,000 ` +
    'subscribers, where events wait 0, 2, 5 or 10 ms for others (app option `coalescing`). A subscriber costs a system call for each turn of the event loop ' +
    `in which it gets anything; events that leave together cost one. ${STEADY} The floor lets nothing wait.`,
  figures: RATES.flatMap((rate): Figure[] => [
    { id: `cpu${rate}`, title: `${rate} events per second, server`, unit: 'CPU-µs per delivery', better: 'less' },
    { id: `p50at${rate}`, title: `${rate} events per second, latency, median`, unit: 'ms', better: 'less' },
    { id: `p99at${rate}`, title: `${rate} events per second, latency, 99th percentile`, unit: 'ms', better: 'less' },
  ]),
  deployments: 'coalescing',
  maxRounds: 3,
  async measure(target, scale, onFailure) {
    const measure = await openSteadyFanOut(target, scale, onFailure);
    const figures: Record<string, number> = {};
    for (const rate of RATES) {
      const { latencies, window } = await measure(rate);
      figures[`cpu${rate}`] = cpuMicroseconds(window);
      figures[`p50at${rate}`] = latencies.p50;
      figures[`p99at${rate}`] = latencies.p99;
      Object.assign(figures, loads(window, `at${rate}_`));
    }
    return figures;
  },
};
