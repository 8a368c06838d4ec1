import { hostname } from 'node:os';
import { type EventLoopUtilization, type IntervalHistogram, monitorEventLoopDelay, performance } from 'node:perf_hooks';
import type { Node } from '../../channels/node.ts';
import type { Readiness } from '../http/health.ts';
import type { Problem } from '../seams.ts';
import { processUsage } from '../usage.ts';
import type { NodeFigures, NodeReport, Rates } from './contract.ts';

export interface NodeReporterParts {
  readonly node: Node;
  /** Undefined: there are no workers. */
  readonly worker: number | undefined;
  readonly version: string;
  readonly readiness: () => Readiness;
  readonly isStopping: () => boolean;
  /** Undefined where nodes are not joined by Redis. */
  readonly redisProblem: (() => Problem | undefined) | undefined;
  readonly certificateExpires: () => Date | undefined;
}

/** Between two looks at the clock, in milliseconds. */
const RESOLUTION_MS = 20;
/** After which nobody asks any more, in milliseconds. */
const UNASKED_MS = 15_000;

/** Says how this node does. The delay of the event loop is measured only as long as somebody asks. */
export class NodeReporter {
  readonly #parts: NodeReporterParts;
  readonly #since: string;
  #delay: IntervalHistogram | undefined;
  #utilization: EventLoopUtilization;
  #cancelMeasuring = (): void => {};

  constructor(parts: NodeReporterParts) {
    this.#parts = parts;
    this.#since = new Date(parts.node.clock.now()).toISOString();
    this.#utilization = performance.eventLoopUtilization();
  }

  /** @param apps - ids of those whose figures are wanted; undefined: all */
  report(apps: readonly string[] | undefined, perSecond: Rates | null): NodeReport {
    const { node, worker, version, readiness, isStopping } = this.#parts;
    const { isReady, reason } = readiness();
    return {
      id: node.questions.nodeId,
      state: isStopping() ? 'stopping' : isReady ? 'ready' : 'not-ready',
      reason,
      host: hostname(),
      pid: process.pid,
      worker: worker ?? null,
      version,
      since: this.#since,
      figures: this.#figures(apps, perSecond),
    };
  }

  stop(): void {
    this.#cancelMeasuring();
    this.#delay?.disable();
    this.#delay = undefined;
  }

  #figures(apps: readonly string[] | undefined, perSecond: Rates | null): NodeFigures {
    const { redisProblem, certificateExpires } = this.#parts;
    const { residentBytes, heapShare } = processUsage();
    const utilization = performance.eventLoopUtilization(this.#utilization);
    this.#utilization = performance.eventLoopUtilization();
    const problem = redisProblem?.();
    return {
      ...this.#counts(apps),
      perSecond,
      eventLoopDelayMs: this.#delayMs(),
      eventLoopUtilization: utilization.utilization,
      residentBytes,
      heapShare,
      redis: redisProblem ? { isReached: !problem, detail: problem?.detail ?? 'OK' } : null,
      certificateExpires: certificateExpires()?.toISOString() ?? null,
    };
  }

  #counts(apps: readonly string[] | undefined): Pick<NodeFigures, 'connections' | 'channels' | 'subscriptions'> {
    const { numbers } = this.#parts.node;
    const counts = { connections: 0, channels: 0, subscriptions: 0 };
    const ids = apps ? new Set(apps) : numbers.apps.keys();
    for (const id of ids) {
      const app = numbers.apps.get(id);
      counts.connections += app?.connections ?? 0;
      for (const { channels, subscriptions } of app?.byKind.values() ?? []) {
        counts.channels += channels;
        counts.subscriptions += subscriptions;
      }
    }
    return counts;
  }

  /** The longest since the report before, less what the measuring itself waits. */
  #delayMs(): number {
    const { clock } = this.#parts.node;
    if (!this.#delay) {
      this.#delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
      this.#delay.enable();
    }
    this.#cancelMeasuring();
    this.#cancelMeasuring = clock.schedule(() => this.stop(), UNASKED_MS);
    const longestMs = this.#delay.max / 1e6 - RESOLUTION_MS;
    this.#delay.reset();
    return Math.max(0, Math.round(longestMs * 10) / 10);
  }
}
