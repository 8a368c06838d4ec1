import type { Scripts } from './compile.ts';
import type { LoadAnswer, LoadOrder } from './load/main.ts';
import type { Cores } from './machine.ts';
import type { Certificate } from './servers/certificate.ts';
import { startNode } from './servers/child.ts';
import type { Contender } from './servers/contender.ts';
import type { Scale, Setting, Workload } from './workloads/workload.ts';

export interface Bench {
  readonly scripts: Scripts;
  readonly cores: Cores;
  readonly scale: Scale;
  readonly certificate: Certificate;
  readonly rounds: number;
  /** How often a sample is taken at most when other work on the machine spoils it. */
  readonly maxAttempts: number;
  /** Where CPU profiles of Kulkul go; undefined for none. */
  readonly profileFolder: string | undefined;
  readonly onProgress: (text: string) => void;
}

/** What one server did in one round. */
export type Sample = Readonly<Record<string, number>>;

/** What came of one workload, by contender. */
export interface Outcome {
  /** In the order of the rounds. */
  readonly samples: Readonly<Record<string, readonly Sample[]>>;
  /** Of foreign servers that did not do what the workload takes; they have no further samples. */
  readonly failures: Readonly<Record<string, string>>;
}

/**
 * Measures all contenders in turn: floor, Kulkul, Kulkul, floor, … so that a slow change of the machine meets both alike.
 * Each sample has processes of its own, since compiled code turns out a little differently each time.
 *
 * @param contenders - the reference first
 */
export async function runRounds(bench: Bench, workload: Workload, contenders: readonly Contender[]): Promise<Outcome> {
  const samples: Record<string, Sample[]> = Object.fromEntries(contenders.map(({ name }) => [name, []]));
  const failures: Record<string, string> = {};
  const rounds = Math.min(bench.rounds, workload.maxRounds ?? bench.rounds);
  for (let round = 0; round < rounds; round += 1) {
    const order = round % 2 === 0 ? contenders : [...contenders].reverse();
    for (const contender of order.filter(({ name }) => !(name in failures))) {
      bench.onProgress(`${workload.name}: round ${round + 1} of ${rounds}, ${contender.name}`);
      try {
        samples[contender.name]?.push(await takeQuietSample(bench, workload, contender));
      } catch (error) {
        if (!contender.isForeign) throw error;
        failures[contender.name] = (error as Error).message;
        bench.onProgress(`${contender.name} fails at ${workload.name}: ${(error as Error).message}`);
      }
    }
  }
  return { samples, failures };
}

/** A sample, taken again while other work on the machine spoils what needs all of it. */
async function takeQuietSample(bench: Bench, workload: Workload, contender: Contender): Promise<Sample> {
  for (let attempt = 1; ; attempt += 1) {
    const sample = await takeSample(bench, workload, contender, { workload: workload.name });
    const { otherBusyPercent = 0 } = sample;
    if (!workload.mostOthersPercent || otherBusyPercent <= workload.mostOthersPercent) return sample;
    if (attempt === bench.maxAttempts) return sample;
    bench.onProgress(`other work took ${Math.round(otherBusyPercent)} % of a core: once more`);
  }
}

/**
 * Starts a server and a load generator, and ends both.
 *
 * @throws {Error} the server did not do what was asked of it
 */
export async function takeSample(
  { scripts, cores, scale, certificate, profileFolder }: Bench,
  setting: Setting,
  contender: Contender,
  what: LoadOrder['what'],
): Promise<Sample> {
  const both = `${cores.server},${cores.load}`;
  const profiling =
    profileFolder === undefined || contender.name === 'floor' || contender.isForeign
      ? []
      : ['--cpu-prof', '--cpu-prof-dir', profileFolder];
  const server = await contender.start({
    cores: setting.sharesCores ? both : `${cores.server}`,
    nodeFlags: ['--import', scripts.agent, ...(setting.nodeFlags ?? []), ...profiling],
    floorFlags: setting.floorFlags ?? [],
    certificate: setting.needs?.includes('tls') ? certificate : undefined,
    hasFeed: setting.needs?.includes('feeds') ?? false,
  });
  try {
    const order: LoadOrder = { target: { ...server.address, pid: server.pid, parts: server.parts ?? {} }, scale, what };
    const loadCores = setting.sharesCores ? both : `${cores.load}`;
    const load = startNode(loadCores, ['--import', scripts.agent, scripts.load, JSON.stringify(order)]);
    try {
      const answer = JSON.parse(await load.line(() => true)) as LoadAnswer;
      if ('failure' in answer) throw new Error(answer.failure);
      return answer.figures;
    } finally {
      await load.stop();
    }
  } finally {
    // A profile is written at a proper end only.
    await server.stop(profiling.length === 0 ? 'SIGKILL' : 'SIGTERM');
  }
}
