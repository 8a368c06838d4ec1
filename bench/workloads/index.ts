import { abuse } from './abuse.ts';
import { clientEvents } from './client-events.ts';
import { cluster } from './cluster.ts';
import { clusterLatency } from './cluster-latency.ts';
import { coalescing } from './coalescing.ts';
import { connectAndSubscribe } from './connect.ts';
import { fanOut } from './fan-out.ts';
import { fanOutLatency } from './fan-out-latency.ts';
import { feeds } from './feeds.ts';
import { idle } from './idle.ts';
import { idleCpu } from './idle-cpu.ts';
import { manyChannels } from './many-channels.ts';
import { presence } from './presence.ts';
import { reconnect } from './reconnect.ts';
import { tls } from './tls.ts';
import { triggers } from './triggers.ts';
import { workers } from './workers.ts';
import type { Workload } from './workload.ts';

/** All workloads, in the order of the report. */
export const WORKLOADS: readonly Workload[] = [
  fanOut,
  fanOutLatency,
  coalescing,
  manyChannels,
  triggers,
  clientEvents,
  connectAndSubscribe,
  idle,
  idleCpu,
  presence,
  reconnect,
  tls,
  feeds,
  workers,
  cluster,
  clusterLatency,
  abuse,
];

/** @throws {Error} that names the ones there are */
export function workloadOf(name: string): Workload {
  const workload = WORKLOADS.find((candidate) => candidate.name === name);
  if (workload) return workload;
  throw new Error(`no workload ${name}: there are ${WORKLOADS.map((known) => known.name).join(', ')}`);
}
