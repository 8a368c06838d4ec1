import type { Scripts } from './compile.ts';
import type { LoadOrder } from './load/main.ts';
import type { Cores } from './machine.ts';
import { startNode } from './servers/child.ts';
import type { Contender } from './servers/contender.ts';
import type { Scale, Workload } from './workloads/workload.ts';

export interface Bench {
  readonly scripts: Scripts;
  readonly cores: Cores;
  readonly scale: Scale;
  /** What is measured for a workload, the reference first. */
  readonly contendersOf: (workload: Workload) => readonly Contender[];
  readonly rounds: number;
  /** Where CPU profiles of all but the floor go; undefined for none. */
  readonly profileFolder: string | undefined;
  readonly onProgress: (text: string) => void;
}

/** What one server did in one round. */
export type Sample = Readonly<Record<string, number>>;

/** Samples of one workload, by contender, in the order of the rounds. */
export type Samples = Readonly<Record<string, readonly Sample[]>>;

const MAX_ATTEMPTS = 10;

/**
 * Measures all contenders in turn: floor, Kulkul, Kulkul, floor, … so that a slow change of the machine meets both alike.
 * Each sample has processes of its own, since compiled code turns out a little differently each time.
 */
export async function runRounds(bench: Bench, workload: Workload): Promise<Samples> {
  const samples: Record<string, Sample[]> = {};
  const contenders = bench.contendersOf(workload);
  const rounds = Math.min(bench.rounds, workload.maxRounds ?? bench.rounds);
  for (let round = 0; round < rounds; round += 1) {
    const order = round % 2 === 0 ? contenders : [...contenders].reverse();
    for (const contender of order) {
      bench.onProgress(`${workload.name}: round ${round + 1} of ${rounds}, ${contender.name}`);
      samples[contender.name] ??= [];
      samples[contender.name]?.push(await takeQuietSample(bench, workload, contender, contender === contenders[0]));
    }
  }
  return samples;
}

/** A sample, taken again while other work on the machine spoils what needs all of it. */
async function takeQuietSample(
  bench: Bench,
  workload: Workload,
  contender: Contender,
  isReference: boolean,
): Promise<Sample> {
  for (let attempt = 1; ; attempt += 1) {
    const sample = await takeSample(bench, workload, contender, isReference);
    const { otherBusyPercent = 0 } = sample;
    if (!workload.mostOthersPercent || otherBusyPercent <= workload.mostOthersPercent) return sample;
    if (attempt === MAX_ATTEMPTS) return sample;
    bench.onProgress(`other work took ${Math.round(otherBusyPercent)} % of a core: once more`);
  }
}

async function takeSample(
  bench: Bench,
  workload: Workload,
  contender: Contender,
  isReference: boolean,
): Promise<Sample> {
  const { scripts, cores, scale } = bench;
  const profileFolder = isReference ? undefined : bench.profileFolder;
  const both = `${cores.server},${cores.load}`;
  const serverCores = workload.sharesCores ? both : `${cores.server}`;
  const loadCores = workload.sharesCores ? both : `${cores.load}`;
  const profiling = profileFolder === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', profileFolder];
  const nodeFlags = ['--import', scripts.agent, ...(workload.nodeFlags ?? []), ...profiling];
  const server = await contender.start(serverCores, workload.floorFlags ?? [], nodeFlags);
  try {
    const target = { port: server.port, pid: server.pid, parts: server.parts ?? {} };
    const order: LoadOrder = { workload: workload.name, target, scale };
    const load = startNode(loadCores, ['--import', scripts.agent, scripts.load, JSON.stringify(order)]);
    try {
      return JSON.parse(await load.line(() => true)) as Sample;
    } finally {
      await load.stop();
    }
  } finally {
    // A profile is written at a proper end only.
    await server.stop(profileFolder === undefined ? 'SIGKILL' : 'SIGTERM');
  }
}
