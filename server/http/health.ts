import { totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';
import type { Node } from '../../channels/node.ts';
import { type Answer, json, text } from './answer.ts';
import type { HealthCheck } from './routes.ts';

export interface Usage {
  /** Bytes; `total` is what the process may use (of its container, else of the machine). */
  readonly memory: { readonly free: number; readonly used: number; readonly total: number; readonly percent: number };
  readonly connections: number;
}

/** What load balancers and people ask to learn whether this node is well. */
export class Health {
  readonly #node: Node;
  readonly #memoryThresholdPercent: number;
  readonly #seamsProblem: () => string | undefined;
  isStarted = false;

  /** @param seamsProblem - why the seams are not fit, or undefined */
  constructor(node: Node, memoryThresholdPercent: number, seamsProblem: () => string | undefined) {
    this.#node = node;
    this.#seamsProblem = seamsProblem;
    this.#memoryThresholdPercent = memoryThresholdPercent;
  }

  answer(check: HealthCheck): Answer {
    switch (check) {
      case 'alive':
        return text('OK');
      case 'ready':
      case 'accept-traffic': {
        const problem = this.problem();
        return problem === undefined ? text('OK') : text(problem, 503);
      }
      case 'usage':
        return json(this.usage());
    }
  }

  /** Why this node should get no new connections, or undefined when it is ready. */
  problem(): string | undefined {
    if (!this.isStarted) return 'Not ready: starting';
    if (this.#node.isDraining) return 'Not ready: stopping, connections are being moved away';
    const seams = this.#seamsProblem();
    if (seams !== undefined) return `Not ready: ${seams}`;
    const { percent } = this.usage().memory;
    if (percent <= this.#memoryThresholdPercent) return undefined;
    const limit = `${this.#memoryThresholdPercent} % (httpApi.acceptTraffic.memoryThreshold)`;
    return `Not ready: ${percent} % of the memory is in use, threshold ${limit}`;
  }

  usage(): Usage {
    return { memory: memoryUsage(), connections: this.#node.connections.size };
  }
}

/** The tighter of two bounds: memory of the container or machine, and the heap of V8. */
function memoryUsage(): Usage['memory'] {
  const { used, total } = processMemory();
  const heap = getHeapStatistics();
  const heapShare = heap.used_heap_size / heap.heap_size_limit;
  const share = Math.max(used / total, heapShare);
  return { free: total - used, used, total, percent: Math.round(share * 10_000) / 100 };
}

function processMemory(): { used: number; total: number } {
  const machine = totalmem();
  const constrained = process.constrainedMemory();
  const total = constrained > 0 && constrained < machine ? constrained : machine;
  return { used: process.memoryUsage.rss(), total };
}
