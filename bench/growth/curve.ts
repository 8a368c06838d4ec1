import type { Scale, Setting, Target } from '../workloads/workload.ts';

/** How a cost grows with a number. */
export interface Curve extends Setting {
  readonly name: string;
  readonly title: string;
  /** What x counts. */
  readonly x: string;
  /** Unit of y. */
  readonly y: string;
  readonly xs: readonly number[];
  readonly quickXs: readonly number[];
  /** x is the number of nodes on one Redis; the address is that of A. */
  readonly isOverNodes?: boolean;
  /** Runs in the load generator's process, with a fresh server for each point. */
  measure(target: Target, x: number, scale: Scale, onFailure: (error: Error) => void): Promise<{ readonly y: number }>;
}
