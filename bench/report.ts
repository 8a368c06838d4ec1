import type { Cores, Machine } from './machine.ts';
import type { Outcome } from './rounds.ts';
import { type Spread, spreadOf } from './statistics.ts';
import type { Figure, Workload } from './workloads/workload.ts';

/** Everything that a run found out: what the JSON file holds. */
export interface Report {
  readonly machine: Machine;
  readonly cores: Cores;
  /** Of the opponents. */
  readonly versions: readonly string[];
  readonly isQuick: boolean;
  readonly workloads: readonly (Outcome & { readonly name: string })[];
}

/** The report for a terminal: one table per workload. */
export function terminalReport(report: Report, workloads: readonly Workload[]): string {
  const tables = workloads.map((workload) => {
    const rows = tableOf(report, workload);
    const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
    const lines = rows.map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join('  ')
        .trimEnd(),
    );
    return [workload.title, ...lines, ...failuresOf(report, workload), ''].join('\n');
  });
  return [...header(report), '', ...tables].join('\n');
}

/** The report as Markdown, one section per workload. */
export function markdownReport(report: Report, workloads: readonly Workload[]): string {
  return `${markdownSections(report, workloads).join('\n\n')}\n`;
}

/** Each begins with `## ` and the title of its workload. */
export function markdownSections(report: Report, workloads: readonly Workload[]): string[] {
  return workloads.map((workload) => {
    const [head = [], ...body] = tableOf(report, workload).map((row) => `| ${row.join(' | ')} |`);
    const columns = tableOf(report, workload)[0]?.length ?? 0;
    const rule = `| --- |${' ---: |'.repeat(columns - 1)}`;
    const failures = failuresOf(report, workload).flatMap((failure) => ['', failure]);
    const rows = [head, rule, ...body, ...failures];
    return [`## ${workload.title}`, '', workload.description, '', ...rows, '', header(report).join('  \n')].join('\n');
  });
}

export function header({ machine, cores, versions, isQuick }: Omit<Report, 'workloads'>): string[] {
  const quick = isQuick ? ['QUICK RUN: it shows that everything works; the figures mean little.'] : [];
  return [
    ...quick,
    `${machine.date} UTC · ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GB · ${machine.system}`,
    [`kulkul ${machine.kulkul}`, ...versions, `Node ${machine.node}`, `uWebSockets.js (${machine.uWebSockets})`].join(
      ' · ',
    ),
    `server on core ${cores.server}, load on core ${cores.load} unless it says otherwise`,
  ];
}

/** Head and rows: a figure each, with the servers side by side. */
function tableOf(report: Report, workload: Workload): string[][] {
  const { samples } = outcomeOf(report, workload);
  const [reference = '', ...others] = Object.keys(samples);
  const hasTargets = workload.figures.some(({ target }) => target !== undefined);
  const head = ['figure', reference, ...others.flatMap((name) => [name, `÷ ${reference}`])];
  const rows = workload.figures.map((figure) => {
    const values = (server: string): number[] => (samples[server] ?? []).map((sample) => figureIn(sample, figure));
    const first = values(reference);
    const cells = others.flatMap((name) => {
      const ratios = values(name).map((value, round) => value / (first[round] ?? Number.NaN));
      return [withRange(spreadOf(values(name)), amount), withRange(spreadOf(ratios), fraction)];
    });
    const verdicts = hasTargets ? [verdict(figure, first, values(others[0] ?? reference))] : [];
    return [`${figure.title}, ${figure.unit}`, withRange(spreadOf(first), amount), ...cells, ...verdicts];
  });
  return [[...head, ...(hasTargets ? ['target'] : [])], ...rows];
}

function outcomeOf({ workloads }: Report, { name }: Workload): Outcome {
  return workloads.find((measured) => measured.name === name) ?? { samples: {}, failures: {} };
}

/** JSON has no NaN: what could not be measured is null there. */
function figureIn(sample: Readonly<Record<string, number | null>>, { id }: Figure): number {
  return sample[id] ?? Number.NaN;
}

function failuresOf(report: Report, workload: Workload): string[] {
  const failures = Object.entries(outcomeOf(report, workload).failures);
  return failures.map(([name, failure]) => `${name} failed: ${failure.split('\n').slice(0, 2).join(' ')}`);
}

/** What Kulkul is to reach, and whether it did. */
function verdict({ target, better }: Figure, reference: readonly number[], kulkul: readonly number[]): string {
  if (!target) return '';
  const of = (compare: (value: number, first: number) => number): number =>
    spreadOf(kulkul.map((value, round) => compare(value, reference[round] ?? Number.NaN))).median;
  const sign = better === 'more' ? '≥' : '≤';
  const told = (text: string, goal: number, reached: number): string => {
    const isReached = better === 'more' ? reached >= goal : reached <= goal;
    return `${sign} ${text} ${isReached ? 'reached' : 'MISSED'}`;
  };
  if ('share' in target)
    return told(
      `${fraction(target.share)} ×`,
      target.share,
      of((value, first) => value / first),
    );
  if ('above' in target)
    return told(
      `+ ${amount(target.above)}`,
      target.above,
      of((value, first) => value - first),
    );
  return told(
    amount(target.value),
    target.value,
    of((value) => value),
  );
}

/** Without digits that say nothing. */
export function amount(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const isSmall = Math.abs(value) < 10 && Math.abs(value) >= 0.005;
  return isSmall ? value.toFixed(2) : (Math.round(value) + 0).toLocaleString('en-US');
}

const fraction = (value: number): string => (!Number.isFinite(value) ? '–' : value.toFixed(2));

/** The median, and how far the rounds lie apart. */
function withRange({ median, lowest, highest }: Spread, write: (value: number) => string): string {
  const isOne = write(lowest) === write(highest);
  return isOne ? write(median) : `${write(median)} (${write(lowest)} – ${write(highest)})`;
}
