import type { Address } from '../load/address.ts';
import type { Need } from '../servers/contender.ts';

/** A server under measurement, as the load generator sees it. */
export interface Target extends Address {
  /** Undefined when the process is not ours: then there is no figure of its CPU time or memory. */
  readonly pid: number | undefined;
  readonly parts: Parts;
}

/** Processes of a server under measurement by name. */
export type Parts = Readonly<Record<string, { readonly port: number; readonly pid: number }>>;

/** How much is done; the bench has a full and a quick scale. */
export interface Scale {
  readonly warmUpMs: number;
  readonly windowMs: number;
  /** Subscribers of one channel. */
  readonly fanOutSubscribers: number;
  /** Channels with ten subscribers each. */
  readonly channels: number;
  /** Connections opened in a window. */
  readonly connects: number;
  readonly idleConnections: number;
  /** How long their CPU time is measured. */
  readonly idleMs: number;
  /** Clients that lose their connection at once. */
  readonly reconnects: number;
}

/** One number that a workload yields. */
export interface Figure {
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  readonly better: 'more' | 'less';
  readonly target?: FigureTarget;
}

/**
 * What Kulkul is to reach: at least, or at most where less is better.
 *
 * - `share`: of the reference
 * - `above`: so much more than the reference
 * - `value`: by itself
 */
export type FigureTarget = { readonly share: number } | { readonly above: number } | { readonly value: number };

/** What has to be there for a measurement. */
export interface Setting {
  /** Server and load have both cores together, instead of one each. */
  readonly sharesCores?: boolean;
  readonly floorFlags?: readonly string[];
  readonly nodeFlags?: readonly string[];
  /** Servers that don't have it are left out. */
  readonly needs?: readonly Need[];
}

/** One kind of load. Each is a file in this folder and a line in index.ts. */
export interface Workload extends Setting {
  readonly name: string;
  readonly title: string;
  /** What is done, and what the floor does for it: for the reader of the report. */
  readonly description: string;
  readonly figures: readonly Figure[];
  /** Rounds at most; fewer for what hardly varies and takes long. */
  readonly maxRounds?: number;
  /** What is measured instead of single servers and the floor. */
  readonly deployments?: 'alone' | 'coalescing' | 'workers' | 'cluster' | 'clusters';
  /** Left out unless it is asked for. */
  readonly isExtra?: boolean;
  /** Rounds in which everything else on the machine took more are repeated, some times. */
  readonly mostOthersPercent?: number;
  /**
   * Runs in the load generator's process.
   *
   * @param onFailure - to be called with what makes the round worthless
   * @returns value of each figure by id; further numbers go into the JSON file
   */
  measure(target: Target, scale: Scale, onFailure: (error: Error) => void): Promise<Record<string, number>>;
}
