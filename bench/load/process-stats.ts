import { readFileSync } from 'node:fs';

/** Ticks of /proc/PID/stat per second: USER_HZ, which is 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** CPU time that a process and those it started took so far, all threads, in user and kernel mode, in seconds. */
export function cpuSeconds(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').map(Number);
  return children.reduce((sum, child) => (child > 0 ? sum + cpuSeconds(child) : sum), ownCpuSeconds(pid));
}

function ownCpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // The second field is the command in brackets, which may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** CPU time that all processes of the machine took so far, in seconds. */
export function machineCpuSeconds(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softIrq = 0] = readFileSync('/proc/stat', 'latin1')
    .slice('cpu '.length, 200)
    .trim()
    .split(' ')
    .map(Number);
  return (user + nice + system + irq + softIrq) / TICKS_PER_SECOND;
}

/** Bytes that a process has read so far, by read(2): what Node takes from sockets, but not what uWebSockets.js does. */
export function bytesRead(pid: number): number {
  return Number(/^rchar: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'latin1'))?.[1]);
}

/** Resident memory of a process, in bytes. */
export function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
  return Number(kilobytes) * 1024;
}

const SETTLE_INTERVAL_MS = 150;
const SETTLED_SHARE = 0.002;
const MAX_ATTEMPTS = 20;

/** Resident memory once collecting garbage changes it no more. The process must carry bench/agent.ts and --expose-gc. */
export async function settledBytes(pid: number): Promise<number> {
  let before = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    process.kill(pid, 'SIGUSR2');
    await new Promise((resolve) => setTimeout(resolve, SETTLE_INTERVAL_MS));
    const now = residentBytes(pid);
    if (attempt > 2 && Math.abs(now - before) <= now * SETTLED_SHARE) return now;
    before = now;
  }
  return before;
}

const QUIET_CHECK_MS = 50;

/** Waits until a process has done with what it was given: its CPU time stands still, or nearly so. */
export async function settledCpu(pid: number | undefined): Promise<void> {
  if (pid === undefined) return;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const before = cpuSeconds(pid);
    await new Promise((resolve) => setTimeout(resolve, QUIET_CHECK_MS));
    if (cpuSeconds(pid) - before <= 1 / TICKS_PER_SECOND) return;
  }
}
