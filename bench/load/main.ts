/** The load generator: does one round of one workload against one server, prints the figures as one line, and ends. */

import { workloadOf } from '../workloads/index.ts';
import type { Scale, Target } from '../workloads/workload.ts';

/** What the bench asks of a load generator: its only argument, as JSON. */
export interface LoadOrder {
  readonly workload: string;
  readonly target: Target;
  readonly scale: Scale;
}

const LONGEST_ROUND_MS = 60_000;
const { workload, target, scale } = JSON.parse(process.argv[2] ?? '') as LoadOrder;
const watchdog = setTimeout(() => fail(new Error('something was lost: the round does not end')), LONGEST_ROUND_MS);
const figures = await workloadOf(workload).measure(target, scale, fail);
clearTimeout(watchdog);
process.stdout.write(`${JSON.stringify(figures)}\n`, () => process.exit(0));

function fail(error: Error): void {
  process.stderr.write(`bench: ${workload}: ${error.message}\n`);
  process.exit(1);
}
