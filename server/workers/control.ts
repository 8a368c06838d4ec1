import type { RateUse } from '../../channels/rate-limits.ts';
import type { Settings } from '../config/index.ts';
import type { Parting } from '../server.ts';
import type { ProcessUsage, Usage } from '../usage.ts';
import type { FleetAnswer, FleetCall } from './remote-fleet.ts';
import type { ToHost, ToWorker } from './wire.ts';

/**
 * Version of all that the main process and its workers say to each other. To be raised with any change that the other side would misread: a worker that is
 * replaced is started from what is installed then, which may be another version than the one that runs.
 */
export const WORKER_LAYOUT = 2;

/** What a worker has to know to start. */
export interface WorkerStart {
  readonly kind: 'start';
  readonly layout: number;
  readonly worker: number;
  /** With the apps as they are configured: their keys for tokens don't survive the way. */
  readonly settings: Settings;
  /** False while the broker starts, true when this worker stands in for one that died. */
  readonly areStarted: boolean;
  /** Whether what is logged ends up on a terminal. */
  readonly isTerminal: boolean;
}

/** From the main process to a worker. An array is a batch of the seams. */
export type WorkerCommand =
  | readonly ToWorker[]
  | WorkerStart
  /** Sent once a second at least; a worker that does not answer any more is ended. */
  | { readonly kind: 'report'; readonly id: number }
  | { readonly kind: 'status'; readonly areStarted: boolean; readonly usage: Usage }
  | { readonly kind: 'usage'; readonly id: number; readonly usage: Usage }
  /** What passed on other workers. */
  | { readonly kind: 'rates'; readonly uses: readonly RateUse[] }
  /** Other apps, and limits that they fall back to, in place of those known so far. */
  | { readonly kind: 'apps'; readonly settings: Settings }
  /** Apps that are kept elsewhere may be different now. */
  | { readonly kind: 'refresh' }
  /** Asks for an answer with the same id. */
  | { readonly kind: 'call'; readonly id: number; readonly call: FleetCall }
  /** Stop listening. `how`: undefined for as `drain.mode` says. `hasClients`: whether any worker has a connection. */
  | { readonly kind: 'stop-listening'; readonly how: Parting | undefined; readonly hasClients: boolean }
  /** Part from all clients. */
  | { readonly kind: 'part'; readonly how: Parting | undefined }
  | { readonly kind: 'end' };

/** From a worker to the main process. An array is a batch of the seams. */
export type WorkerReport =
  | readonly ToHost[]
  | { readonly kind: 'listening' }
  /** It could not start. */
  | { readonly kind: 'failed'; readonly name: string; readonly message: string; readonly stack: string | undefined }
  | { readonly kind: 'report'; readonly id: number; readonly usage: ProcessUsage }
  /** Asks for the usage of all processes. */
  | { readonly kind: 'usage'; readonly id: number }
  | { readonly kind: 'rates'; readonly uses: readonly RateUse[] }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: FleetAnswer }
  | { readonly kind: 'deaf' }
  | { readonly kind: 'parted' };

export function isBatch<T>(message: readonly T[] | object): message is readonly T[] {
  return Array.isArray(message);
}
