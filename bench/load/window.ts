import { cpuSeconds, machineCpuSeconds } from './process-stats.ts';

/** What happened between two moments. */
export interface Window {
  readonly count: number;
  readonly seconds: number;
  /** NaN when the process is not ours. */
  readonly serverCpuSeconds: number;
  readonly loadCpuSeconds: number;
  /** Of everything else on the machine. */
  readonly otherCpuSeconds: number;
}

/**
 * Measures a stretch of work.
 *
 * @param serverPid - undefined when the process is not ours
 * @param work - answers how many units of the workload were done
 */
export async function measureWindow(serverPid: number | undefined, work: () => Promise<number>): Promise<Window> {
  const serverCpu = (): number => (serverPid === undefined ? Number.NaN : cpuSeconds(serverPid));
  const startedMs = performance.now();
  const serverBefore = serverCpu();
  const loadBefore = cpuSeconds(process.pid);
  const machineBefore = machineCpuSeconds();
  const count = await work();
  const serverCpuSeconds = serverCpu() - serverBefore;
  const loadCpuSeconds = cpuSeconds(process.pid) - loadBefore;
  return {
    count,
    seconds: (performance.now() - startedMs) / 1000,
    serverCpuSeconds,
    loadCpuSeconds,
    otherCpuSeconds: Math.max(0, machineCpuSeconds() - machineBefore - serverCpuSeconds - loadCpuSeconds),
  };
}

export const perCpuSecond = ({ count, serverCpuSeconds }: Window): number => count / serverCpuSeconds;
export const perSecond = ({ count, seconds }: Window): number => count / seconds;
export const cpuMicroseconds = ({ count, serverCpuSeconds }: Window): number => (1e6 * serverCpuSeconds) / count;

/** How busy both sides and the rest of the machine were, in percent of a core: beside the figures, to see what was the limit. */
export function loads(window: Window, prefix = ''): Record<string, number> {
  return {
    [`${prefix}serverBusyPercent`]: (100 * window.serverCpuSeconds) / window.seconds,
    [`${prefix}loadBusyPercent`]: (100 * window.loadCpuSeconds) / window.seconds,
    [`${prefix}otherBusyPercent`]: (100 * window.otherCpuSeconds) / window.seconds,
  };
}
