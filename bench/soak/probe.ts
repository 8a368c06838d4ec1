/** Loaded into the server under a soak: upon SIGUSR2 it collects garbage and prints what the process has, as one line. */
import '../agent.ts';
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** What only the process itself knows. */
export interface Probe {
  /** After collecting garbage, in bytes. */
  readonly heapBytes: number;
  /** Of native objects and Buffers. */
  readonly externalBytes: number;
  /** Timers, sockets and requests of Node.js; sockets of uWebSockets.js are not among them. */
  readonly resources: number;
  /** Since the last time, in milliseconds, beyond the resolution of the measurement. */
  readonly delayP99Ms: number;
  readonly delayMaxMs: number;
}

const RESOLUTION_MS = 10;
const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
delay.enable();

// The agent collected garbage in the listener before this one, which must not count as a delay.
process.prependListener('SIGUSR2', () => {
  delayP99Ms = beyondResolution(delay.percentile(99));
  delayMaxMs = beyondResolution(delay.max);
});
process.on('SIGUSR2', () => {
  const { heapUsed: heapBytes, external: externalBytes } = process.memoryUsage();
  const resources = process.getActiveResourcesInfo().length;
  const probe: Probe = { heapBytes, externalBytes, resources, delayP99Ms, delayMaxMs };
  process.stdout.write(`${JSON.stringify({ probe })}\n`);
  // One that is under way knows of the pause already: it is counted with the next, and then forgotten.
  setTimeout(() => delay.reset(), 2 * RESOLUTION_MS).unref();
});

let delayP99Ms = 0;
let delayMaxMs = 0;

const beyondResolution = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS);
