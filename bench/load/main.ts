/** The load generator: does one measurement against one server, prints what came out as one line, and ends. */

import { curveOf } from '../growth/curves.ts';
import { workloadOf } from '../workloads/index.ts';
import type { Scale, Target } from '../workloads/workload.ts';

/** What the bench asks of a load generator: its only argument, as JSON. */
export interface LoadOrder {
  readonly target: Target;
  readonly scale: Scale;
  /** A whole workload, or one point of a curve. */
  readonly what: { readonly workload: string } | { readonly curve: string; readonly x: number };
}

/** What it answers. */
export type LoadAnswer = { readonly figures: Readonly<Record<string, number>> } | { readonly failure: string };

const LONGEST_MS = 240_000;
const { what, target, scale } = JSON.parse(process.argv[2] ?? '') as LoadOrder;
setTimeout(() => fail(new Error('something was lost: it does not end')), LONGEST_MS);
try {
  answer({ figures: await measure() });
} catch (error) {
  fail(error as Error);
}

function measure(): Promise<Record<string, number>> {
  if ('workload' in what) return workloadOf(what.workload).measure(target, scale, fail);
  return curveOf(what.curve).measure(target, what.x, scale, fail);
}

function fail({ message }: Error): void {
  answer({ failure: message });
}

function answer(content: LoadAnswer): void {
  process.stdout.write(`${JSON.stringify(content)}\n`, () => process.exit(0));
}
