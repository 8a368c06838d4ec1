import { totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';
import type { Node } from '../channels/node.ts';

/** What one process takes. */
export interface ProcessUsage {
  readonly connections: number;
  readonly residentBytes: number;
  /** Part of the heap that V8 allows which is in use. */
  readonly heapShare: number;
}

/** What the broker takes, all its processes together. */
export interface Usage {
  /** Bytes; `total` is what the broker may use (of its container, else of the machine). */
  readonly memory: { readonly free: number; readonly used: number; readonly total: number; readonly percent: number };
  readonly connections: number;
}

/** @param node - the node of this process, if it has one */
export function processUsage(node?: Node): ProcessUsage {
  const heap = getHeapStatistics();
  return {
    connections: node?.connections.size ?? 0,
    residentBytes: process.memoryUsage.rss(),
    heapShare: heap.used_heap_size / heap.heap_size_limit,
  };
}

/** The percentage is the tightest of several bounds: memory of the container or machine, and the heap of each process. */
export function sumUsage(processes: readonly ProcessUsage[]): Usage {
  const total = memoryBytes();
  const used = sum(processes.map(({ residentBytes }) => residentBytes));
  const share = Math.max(used / total, ...processes.map(({ heapShare }) => heapShare));
  return {
    memory: { free: total - used, used, total, percent: Math.round(share * 10_000) / 100 },
    connections: sum(processes.map(({ connections }) => connections)),
  };
}

function memoryBytes(): number {
  const machine = totalmem();
  const constrained = process.constrainedMemory();
  return constrained > 0 && constrained < machine ? constrained : machine;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
