import type { Seams } from '../seams.ts';
import type { HostLink } from './host-link.ts';
import { WorkerBroker } from './worker-broker.ts';
import { WorkerStore } from './worker-store.ts';

/** What joins a worker to the others of its machine. */
export function createWorkerSeams(link: HostLink): Seams {
  return {
    broker: new WorkerBroker(link),
    store: new WorkerStore(link),
    problem: () => undefined,
    start: async () => {},
    stop: async () => {},
  };
}
