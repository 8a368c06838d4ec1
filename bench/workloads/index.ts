import { cluster } from './cluster.ts';
import { connectAndSubscribe } from './connect.ts';
import { fanOut } from './fan-out.ts';
import { idle } from './idle.ts';
import { triggers } from './triggers.ts';
import { workers } from './workers.ts';
import type { Workload } from './workload.ts';

/** All workloads, in the order of the report. */
export const WORKLOADS: readonly Workload[] = [fanOut, triggers, connectAndSubscribe, idle, workers, cluster];

/** @throws {Error} that names the ones there are */
export function workloadOf(name: string): Workload {
  const workload = WORKLOADS.find((candidate) => candidate.name === name);
  if (workload) return workload;
  throw new Error(`no workload ${name}: there are ${WORKLOADS.map((known) => known.name).join(', ')}`);
}
