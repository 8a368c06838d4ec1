import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { compileScripts } from '../compile.ts';
import { chooseCores, describeMachine } from '../machine.ts';
import { plot } from '../plot.ts';
import { kulkul } from '../servers/contender.ts';
import type { Activity } from './activity.ts';
import { startFeedReaders } from './feed-readers.ts';
import { startListeners } from './listeners.ts';
import { startPassers } from './passers.ts';
import { startReaders } from './readers.ts';
import { type Soak, soakPage, soakPanels, verdictOf } from './report.ts';
import { type SoakSample, takeSoakSample } from './sample.ts';
import { startTalkers } from './talkers.ts';

interface Flags {
  readonly minutes: number;
  readonly server?: string;
  readonly writeDocs?: boolean;
}

const SAMPLES = 360;
const SHORTEST_STEP_MS = 2000;
/** Those who left may still have to be noticed, and a channel is given up a second after its last subscriber left. */
const LEAVE_MS = 5000;
const MOST_PROBLEMS = 20;
const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const wait = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

// Ending runs the exit listeners, which end the server.
process.on('SIGINT', () => process.exit(130));
process.on('SIGTERM', () => process.exit(143));

await new Command('soak')
  .description('Puts a mixed load on Kulkul for a long time, and looks at what grows.')
  .option('--minutes <number>', 'how long', parseMinutes, 60)
  .option('--server <file>', 'another build of Kulkul, by its server/main.js')
  .option('--write-docs', 'write docs/soak.md and docs/soak.svg')
  .action(run)
  .parseAsync()
  .catch((error: unknown) => {
    process.stderr.write(`soak: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  });

async function run({ minutes, server: file, writeDocs }: Flags): Promise<void> {
  const cores = chooseCores();
  const { probe } = await compileScripts();
  const contender = kulkul('kulkul', file ?? path('../../dist/server/main.js'));
  const hasFeed = contender.has('feeds');
  const nodeFlags = ['--expose-gc', '--import', probe];
  const server = await contender.start({
    cores: `${cores.server}`,
    nodeFlags,
    floorFlags: [],
    certificate: undefined,
    hasFeed,
  });
  const problems: string[] = [];
  const onProblem = (problem: string): void => {
    if (problems.length === MOST_PROBLEMS || problems.includes(problem)) return;
    problems.push(problem);
    process.stderr.write(`problem: ${problem}\n`);
  };
  const surroundings = { address: server.address, onProblem };
  const before = await takeSoakSample(server, -1);
  const activities: Activity[] = [
    await startListeners(surroundings),
    await startTalkers(surroundings),
    startPassers(surroundings),
    startReaders(surroundings),
    ...(hasFeed ? [startFeedReaders(surroundings)] : []),
  ];
  const samples = await sampleFor(minutes);
  for (const activity of activities) await activity.stop();
  await wait(LEAVE_MS);
  const after = await takeSoakSample(server, -1);
  await server.stop();
  const soak: Soak = {
    facts: { machine: describeMachine(), cores, versions: [], isQuick: false },
    minutes,
    before,
    samples,
    after,
    counts: Object.assign({}, ...activities.map(({ counts }) => counts)),
    problems,
  };
  write(soak, writeDocs === true);
  process.exit(verdictOf(soak).passed ? 0 : 1);

  async function sampleFor(totalMinutes: number): Promise<SoakSample[]> {
    const taken: SoakSample[] = [];
    const stepMs = Math.max(SHORTEST_STEP_MS, (totalMinutes * 60_000) / SAMPLES);
    const startedMs = performance.now();
    for (let elapsedMs = 0; elapsedMs < totalMinutes * 60_000; elapsedMs = performance.now() - startedMs) {
      await wait(stepMs);
      const sample = await takeSoakSample(server, (performance.now() - startedMs) / 60_000);
      taken.push(sample);
      const { minutes: at, residentBytes, heapBytes, openFiles, connections, channels } = sample;
      process.stderr.write(
        `${at.toFixed(1)} min: ${(residentBytes / 1e6).toFixed(1)} MB resident, ${(heapBytes / 1e6).toFixed(1)} MB heap, ` +
          `${openFiles} files, ${connections} connections, ${channels} channels\n`,
      );
    }
    return taken;
  }
}

function write(soak: Soak, writesDocs: boolean): void {
  const results = path('../results');
  mkdirSync(results, { recursive: true });
  const base = `${results}/${soak.facts.machine.date.replaceAll(/[^\d]/g, '-')}-soak.local`;
  const page = soakPage(soak);
  const image = plot(soakPanels(soak.samples));
  writeFileSync(`${base}.json`, `${JSON.stringify(soak, undefined, 2)}\n`);
  writeFileSync(`${base}.md`, page);
  writeFileSync(`${base}.svg`, image);
  process.stdout.write(`\n${page}\n`);
  if (!writesDocs) return;
  writeFileSync(path('../../docs/soak.md'), page);
  writeFileSync(path('../../docs/soak.svg'), image);
}

function parseMinutes(value: string): number {
  const minutes = Number(value);
  if (!(minutes > 0 && minutes <= 1440)) throw new InvalidArgumentError('It must be a number of minutes, up to 1440.');
  return minutes;
}
