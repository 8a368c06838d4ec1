import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { compileScripts } from './compile.ts';
import { benchmarkDocs } from './docs.ts';
import { chooseCores, describeMachine } from './machine.ts';
import { markdownReport, type Report, terminalReport } from './report.ts';
import { type Bench, runRounds, type Samples } from './rounds.ts';
import { FULL, QUICK } from './scales.ts';
import { type Contender, floor, kulkul } from './servers/contender.ts';
import { deploymentsOf } from './servers/deployments.ts';
import { WORKLOADS, workloadOf } from './workloads/index.ts';

interface Flags {
  readonly quick?: boolean;
  readonly all?: boolean;
  readonly rounds?: number;
  readonly server: readonly Contender[];
  readonly profile?: boolean;
  readonly writeDocs?: boolean;
}

const DEFAULT_ROUNDS = 5;
const EXTRA = WORKLOADS.filter(({ isExtra }) => isExtra).map(({ name }) => name);
const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

// Ending runs the exit listeners, which end every process that was started.
process.on('SIGINT', () => process.exit(130));
process.on('SIGTERM', () => process.exit(143));

await new Command('bench')
  .description('Measures Kulkul beside a bare uWebSockets.js server.')
  .argument(
    '[workloads...]',
    `which ones (default: all but ${EXTRA.join(' and ')}): ${WORKLOADS.map(({ name }) => name).join(', ')}`,
  )
  .option('--all', `${EXTRA.join(' and ')} too`)
  .option('--quick', 'a smoke test: everything once and briefly')
  .option('--rounds <number>', `rounds of each workload (default: ${DEFAULT_ROUNDS})`, parseRounds)
  .option('--server <name=file>', 'measure another build too, by its server/main.js', parseServer, [])
  .option('--profile', 'write CPU profiles of all but the floor to bench/results/; they slow it down')
  .option('--write-docs', 'write docs/benchmarks.md')
  .action(run)
  .parseAsync()
  .catch((error: unknown) => {
    process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  });

async function run(names: readonly string[], flags: Flags): Promise<void> {
  const workloads = names.length > 0 ? names.map(workloadOf) : WORKLOADS.filter(({ isExtra }) => flags.all || !isExtra);
  const cores = chooseCores();
  const scripts = await compileScripts();
  const results = path('results');
  mkdirSync(results, { recursive: true });
  const script = path('../dist/server/main.js');
  const contenders = [floor(scripts.floor), kulkul('kulkul', script), ...flags.server];
  const bench: Bench = {
    scripts,
    cores,
    scale: flags.quick ? QUICK : FULL,
    contendersOf: ({ deployments }) => (deployments ? deploymentsOf(deployments, script) : contenders),
    rounds: flags.rounds ?? (flags.quick ? 1 : DEFAULT_ROUNDS),
    profileFolder: flags.profile ? results : undefined,
    onProgress: (text) => process.stderr.write(`${text}\n`),
  };
  const machine = describeMachine();
  const measured: { name: string; samples: Samples }[] = [];
  for (const workload of workloads) {
    measured.push({ name: workload.name, samples: await runRounds(bench, workload) });
  }
  const report: Report = { machine, cores, isQuick: flags.quick === true, workloads: measured };
  process.stdout.write(`\n${terminalReport(report, workloads)}\n`);
  const file = `${results}/${machine.date.replaceAll(/[^\d]/g, '-')}.local`;
  writeFileSync(`${file}.json`, `${JSON.stringify(report, undefined, 2)}\n`);
  writeFileSync(`${file}.md`, `${markdownReport(report, workloads)}\n`);
  if (!flags.writeDocs) return;
  const docs = path('../docs/benchmarks.md');
  writeFileSync(docs, benchmarkDocs(readFileSync(docs, 'utf8'), report, workloads));
}

function parseRounds(value: string): number {
  if (!/^[1-9]\d*$/.test(value)) throw new InvalidArgumentError('It must be a whole number from 1.');
  return Number(value);
}

function parseServer(value: string, others: readonly Contender[]): readonly Contender[] {
  const [name, file] = value.split('=', 2);
  if (!name || !file) throw new InvalidArgumentError('It must be a name and a file: old=../old/dist/server/main.js');
  return [...others, kulkul(name, file)];
}
