import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { compileScripts } from './compile.ts';
import { Contenders } from './contenders.ts';
import { benchmarkDocs } from './docs.ts';
import { measureGrowth } from './growth/measure-growth.ts';
import { growthSection } from './growth/section.ts';
import type { AppCredentials } from './load/address.ts';
import { checkOpenFiles, chooseCores, describeMachine } from './machine.ts';
import { plot } from './plot.ts';
import { markdownReport, markdownSections, type Report, terminalReport } from './report.ts';
import { type Bench, runRounds } from './rounds.ts';
import { FULL, QUICK } from './scales.ts';
import { BENCH_APP } from './servers/bench-app.ts';
import { serverAt } from './servers/by-url.ts';
import { issueCertificate } from './servers/certificate.ts';
import { kulkul } from './servers/contender.ts';
import { WORKLOADS, workloadOf } from './workloads/index.ts';

interface Flags {
  readonly quick?: boolean;
  readonly all?: boolean;
  readonly rounds?: number;
  readonly soketi?: boolean;
  readonly server: readonly Named<string>[];
  readonly url: readonly Named<URL>[];
  readonly app?: AppCredentials;
  readonly profile?: boolean;
  readonly writeDocs?: boolean;
}

interface Named<T> {
  readonly name: string;
  readonly value: T;
}

const GROWTH = 'growth';
const DEFAULT_ROUNDS = 5;
const GROWTH_ROUNDS = 3;
const MAX_ATTEMPTS = 10;
const EXTRA = WORKLOADS.filter(({ isExtra }) => isExtra).map(({ name }) => name);
const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const onProgress = (text: string): void => void process.stderr.write(`${text}\n`);

// Ending runs the exit listeners, which end every process that was started.
process.on('SIGINT', () => process.exit(130));
process.on('SIGTERM', () => process.exit(143));

await new Command('bench')
  .description('Measures Kulkul beside a bare uWebSockets.js server, Soketi and others.')
  .argument(
    '[workloads...]',
    `which ones (default: all but ${EXTRA.join(', ')}): ${WORKLOADS.map(({ name }) => name).join(', ')}; or ${GROWTH}`,
  )
  .option('--all', `${EXTRA.join(', ')} too`)
  .option('--quick', 'a smoke test: everything once and briefly')
  .option(
    '--rounds <number>',
    `rounds of each workload (default: ${DEFAULT_ROUNDS}; growth: ${GROWTH_ROUNDS})`,
    parseRounds,
  )
  .option('--soketi', 'measure Soketi too, and install it in bench/peers/soketi if it is not there')
  .option('--no-soketi', 'leave Soketi out although it is installed')
  .option('--url <name=url>', 'measure a server that runs already: reverb=http://127.0.0.1:8080', parseUrl, [])
  .option('--app <id:key:secret>', 'the app that it has', parseApp)
  .option('--server <name=file>', 'measure another build of Kulkul too, by its server/main.js', parseNamed, [])
  .option('--profile', 'write CPU profiles of Kulkul to bench/results/; they slow it down')
  .option('--write-docs', 'write docs/benchmarks.md')
  .action(run)
  .parseAsync()
  .catch((error: unknown) => {
    process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  });

async function run(names: readonly string[], flags: Flags): Promise<void> {
  const isGrowth = names.includes(GROWTH);
  if (isGrowth && names.length > 1) throw new Error(`${GROWTH} is measured by itself`);
  if (!flags.quick) checkOpenFiles();
  const scripts = await compileScripts();
  const results = path('results');
  mkdirSync(results, { recursive: true });
  const others = [
    ...flags.server.map(({ name, value }) => kulkul(name, value)),
    ...flags.url.map(({ name, value }) => serverAt(name, value, flags.app ?? BENCH_APP)),
  ];
  const contenders = new Contenders(scripts, { soketi: flags.soketi, others }, onProgress);
  const bench: Bench = {
    scripts,
    cores: chooseCores(),
    scale: flags.quick ? QUICK : FULL,
    certificate: await issueCertificate(),
    rounds: flags.rounds ?? (flags.quick ? 1 : isGrowth ? GROWTH_ROUNDS : DEFAULT_ROUNDS),
    maxAttempts: flags.quick ? 1 : MAX_ATTEMPTS,
    profileFolder: flags.profile ? results : undefined,
    onProgress,
  };
  const facts = {
    machine: describeMachine(),
    cores: bench.cores,
    versions: isGrowth ? [] : contenders.versions,
    isQuick: flags.quick === true,
  };
  const file = `${results}/${facts.machine.date.replaceAll(/[^\d]/g, '-')}${isGrowth ? `-${GROWTH}` : ''}.local`;
  const sections = isGrowth ? await runGrowth() : await runWorkloads();
  if (!flags.writeDocs) return;
  const docs = path('../docs/benchmarks.md');
  writeFileSync(docs, benchmarkDocs(readFileSync(docs, 'utf8'), sections));

  async function runWorkloads(): Promise<string[]> {
    const chosen = names.length > 0 ? names.map(workloadOf) : WORKLOADS.filter(({ isExtra }) => flags.all || !isExtra);
    const able = chosen.filter((workload) => {
      const isAble = contenders.for(workload).length > 0;
      if (!isAble) onProgress(`${workload.name}: left out, this build of Kulkul can't do it`);
      return isAble;
    });
    const measured: Report['workloads'][number][] = [];
    for (const workload of able) {
      const outcome = await runRounds(bench, workload, contenders.for(workload));
      measured.push({ name: workload.name, ...outcome });
    }
    const report: Report = { ...facts, workloads: measured };
    process.stdout.write(`\n${terminalReport(report, able)}\n`);
    writeFileSync(`${file}.json`, `${JSON.stringify(report, undefined, 2)}\n`);
    writeFileSync(`${file}.md`, markdownReport(report, able));
    return markdownSections(report, able);
  }

  async function runGrowth(): Promise<string[]> {
    const panels = await measureGrowth(bench, contenders, facts.isQuick);
    const section = growthSection(facts, panels);
    process.stdout.write(`\n${section}\n`);
    writeFileSync(`${file}.json`, `${JSON.stringify({ ...facts, curves: panels }, undefined, 2)}\n`);
    writeFileSync(`${file}.svg`, plot(panels));
    writeFileSync(`${file}.md`, `${section}\n`);
    if (flags.writeDocs) writeFileSync(path('../docs/growth.svg'), plot(panels));
    return [section];
  }
}

function parseRounds(value: string): number {
  if (!/^[1-9]\d*$/.test(value)) throw new InvalidArgumentError('It must be a whole number from 1.');
  return Number(value);
}

function parseNamed(value: string, others: readonly Named<string>[]): readonly Named<string>[] {
  const [, name, content] = /^([^=]+)=(.+)$/.exec(value) ?? [];
  if (!name || !content) throw new InvalidArgumentError('It must be a name and a file: old=../old/dist/server/main.js');
  return [...others, { name, value: content }];
}

function parseUrl(value: string, others: readonly Named<URL>[]): readonly Named<URL>[] {
  const [, name, text = ''] = /^([^=]+)=(.+)$/.exec(value) ?? [];
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!name || !url || !/^https?:$/.test(url.protocol) || url.pathname !== '/') {
    throw new InvalidArgumentError('It must be a name and a URL without a path: reverb=http://127.0.0.1:8080');
  }
  return [...others, { name, value: url }];
}

function parseApp(value: string): AppCredentials {
  const [, id, key, secret] = /^([^:]+):([^:]+):(.+)$/.exec(value) ?? [];
  if (!id || !key || !secret) throw new InvalidArgumentError('It must be id:key:secret.');
  return { id, key, secret };
}
