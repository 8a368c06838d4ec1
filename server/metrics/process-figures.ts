import { readdirSync, readFileSync, statSync } from 'node:fs';
import {
  monitorEventLoopDelay,
  PerformanceObserver,
  performance,
  constants as performanceConstants,
} from 'node:perf_hooks';
import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8';
import type { MetricSource, Put } from './collection.ts';
import { Histogram } from './histogram.ts';

/** The name of the main process in the label `worker`; workers have their number. */
export const MAIN_PROCESS = 'main';

/** How often the delay of the event loop is taken. Each time wakes an idle process. */
const RESOLUTION_MS = 20;
/** Two scrapes of one moment see the same delays. */
const WINDOW_MS = 1000;
const QUANTILES = [50, 90, 99] as const;

const GC_KINDS: Readonly<Record<number, string>> = {
  [performanceConstants.NODE_PERFORMANCE_GC_MAJOR]: 'major',
  [performanceConstants.NODE_PERFORMANCE_GC_MINOR]: 'minor',
  [performanceConstants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental',
  [performanceConstants.NODE_PERFORMANCE_GC_WEAKCB]: 'weakcb',
};

/** As Node.js documents it; its types leave the detail out. */
interface GcEntry {
  /** In milliseconds. */
  readonly duration: number;
  readonly detail?: { readonly kind: number };
}

interface Delays {
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly stddev: number;
  readonly quantiles: readonly number[];
}

/** What a process takes, and how late it is. */
export class ProcessFigures {
  readonly #worker: string;
  readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  readonly #collections = new Map<string, Histogram>();
  readonly #gcObserver = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) this.#collected(entry as GcEntry);
  });
  #delays: Delays | undefined;
  #takenMs = 0;

  /** @param worker - `main`, or the number of the worker */
  constructor(worker: string) {
    this.#worker = worker;
    this.#delay.enable();
    this.#gcObserver.observe({ entryTypes: ['gc'] });
  }

  stop(): void {
    this.#delay.disable();
    this.#gcObserver.disconnect();
  }

  readonly put: MetricSource = (put) => {
    this.#putLoop(put);
    this.#putMemory(put);
    putProcess(put);
    putResources(put);
    for (const [kind, durations] of this.#collections) put('nodejs_gc_duration_seconds', [kind], durations.value);
  };

  #collected({ duration, detail }: GcEntry): void {
    const kind = GC_KINDS[detail?.kind ?? 0] ?? 'other';
    let durations = this.#collections.get(kind);
    if (!durations) {
      durations = new Histogram('nodejs_gc_duration_seconds');
      this.#collections.set(kind, durations);
    }
    durations.observe(duration / 1000);
  }

  #putLoop(put: Put): void {
    const { min, max, mean, stddev, quantiles } = this.#takeDelays();
    const [p50 = 0, p90 = 0, p99 = 0] = quantiles;
    put('nodejs_eventloop_lag_seconds', [], mean);
    put('nodejs_eventloop_lag_min_seconds', [], min);
    put('nodejs_eventloop_lag_max_seconds', [], max);
    put('nodejs_eventloop_lag_mean_seconds', [], mean);
    put('nodejs_eventloop_lag_stddev_seconds', [], stddev);
    put('nodejs_eventloop_lag_p50_seconds', [], p50);
    put('nodejs_eventloop_lag_p90_seconds', [], p90);
    put('nodejs_eventloop_lag_p99_seconds', [], p99);
    put('kulkul_event_loop_delay_seconds', [this.#worker, '0.5'], p50);
    put('kulkul_event_loop_delay_seconds', [this.#worker, '0.99'], p99);
    put('kulkul_event_loop_delay_seconds', [this.#worker, '1'], max);
    const { active } = performance.eventLoopUtilization();
    put('kulkul_event_loop_active_seconds_total', [this.#worker], active / 1000);
  }

  /** Of the time since they were taken last, in seconds. */
  #takeDelays(): Delays {
    const now = performance.now();
    if (this.#delays && now - this.#takenMs < WINDOW_MS) return this.#delays;
    this.#takenMs = now;
    const histogram = this.#delay;
    const late = (nanoseconds: number): number =>
      histogram.count === 0 ? 0 : Math.max(0, nanoseconds / 1e9 - RESOLUTION_MS / 1000);
    this.#delays = {
      min: late(histogram.min),
      max: late(histogram.max),
      mean: late(histogram.mean),
      stddev: histogram.count === 0 ? 0 : histogram.stddev / 1e9,
      quantiles: QUANTILES.map((quantile) => late(histogram.percentile(quantile))),
    };
    histogram.reset();
    return this.#delays;
  }

  #putMemory(put: Put): void {
    const heap = getHeapStatistics();
    const { rss, external } = process.memoryUsage();
    put('kulkul_heap_used_bytes', [this.#worker], heap.used_heap_size);
    put('kulkul_heap_limit_bytes', [this.#worker], heap.heap_size_limit);
    put('kulkul_resident_memory_bytes', [this.#worker], rss);
    put('process_resident_memory_bytes', [], rss);
    put('nodejs_heap_size_total_bytes', [], heap.total_heap_size);
    put('nodejs_heap_size_used_bytes', [], heap.used_heap_size);
    put('nodejs_external_memory_bytes', [], external);
    for (const { space_name, space_size, space_used_size, space_available_size } of getHeapSpaceStatistics()) {
      const space = [space_name.replace(/_space$/, '')];
      put('nodejs_heap_space_size_total_bytes', space, space_size);
      put('nodejs_heap_space_size_used_bytes', space, space_used_size);
      put('nodejs_heap_space_size_available_bytes', space, space_available_size);
    }
  }
}

function putProcess(put: Put): void {
  const { user, system } = process.cpuUsage();
  put('process_cpu_user_seconds_total', [], user / 1e6);
  put('process_cpu_system_seconds_total', [], system / 1e6);
  put('process_cpu_seconds_total', [], (user + system) / 1e6);
  put('process_start_time_seconds', [], Math.floor(performance.timeOrigin / 1000));
  const [major = '', minor = '', patch = ''] = process.versions.node.split('.');
  put('nodejs_version_info', [process.version, major, minor, patch], 1);
  putFromProc(put);
}

/** Only Linux tells these; elsewhere they are left out. */
function putFromProc(put: Put): void {
  if (process.platform !== 'linux') return;
  const kilobytes = (status: string, name: string): number =>
    Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(status)?.[1] ?? 0) * 1024;
  try {
    const status = readFileSync('/proc/self/status', 'utf8');
    put('process_virtual_memory_bytes', [], kilobytes(status, 'VmSize'));
    put('process_heap_bytes', [], kilobytes(status, 'VmData'));
    put('process_open_fds', [], openFiles());
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    if (limit !== undefined) put('process_max_fds', [], Number(limit));
  } catch {
    // A hardened system may hide them.
  }
}

function openFiles(): number {
  // Newer kernels tell without a list, which is long where there are many connections.
  const { size } = statSync('/proc/self/fd');
  return size > 0 ? size : readdirSync('/proc/self/fd').length - 1;
}

function putResources(put: Put): void {
  let handles = 0;
  let requests = 0;
  for (const type of process.getActiveResourcesInfo()) {
    const isRequest = /Req(Wrap|Callback|Promise)?$/i.test(type);
    if (isRequest) requests += 1;
    else handles += 1;
    put(isRequest ? 'nodejs_active_requests' : 'nodejs_active_handles', [type], 1);
  }
  put('nodejs_active_handles_total', [], handles);
  put('nodejs_active_requests_total', [], requests);
}
