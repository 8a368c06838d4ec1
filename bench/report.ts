import type { Cores, Machine } from './machine.ts';
import type { Samples } from './rounds.ts';
import { type Spread, spreadOf } from './statistics.ts';
import type { Figure, Workload } from './workloads/workload.ts';

/** Everything that a run found out: what the JSON file holds. */
export interface Report {
  readonly machine: Machine;
  readonly cores: Cores;
  readonly isQuick: boolean;
  readonly workloads: readonly { readonly name: string; readonly samples: Samples }[];
}

/** One line of the table. */
interface Row {
  readonly figure: string;
  readonly server: string;
  readonly value: string;
  readonly spread: string;
  readonly ofFloor: string;
  readonly target: string;
}

const HEAD: Row = {
  figure: 'figure',
  server: 'server',
  value: 'median',
  spread: 'lowest – highest',
  ofFloor: 'of the floor',
  target: 'target',
};

/** The report for a terminal. */
export function terminalReport(report: Report, workloads: readonly Workload[]): string {
  const rows = workloads.flatMap((workload) => rowsOf(report, workload));
  const columns = Object.keys(HEAD) as (keyof Row)[];
  const widths = columns.map((column) => Math.max(...[HEAD, ...rows].map((row) => row[column].length)));
  const line = (row: Row): string =>
    columns
      .map((column, index) =>
        index < 2 ? row[column].padEnd(widths[index] ?? 0) : row[column].padStart(widths[index] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return [...header(report), '', line(HEAD), ...rows.map(line), ''].join('\n');
}

/** The report as Markdown, one section per workload. */
export function markdownReport(report: Report, workloads: readonly Workload[]): string {
  return `${markdownSections(report, workloads).join('\n\n')}\n`;
}

/** Each begins with `## ` and the title of its workload. */
export function markdownSections(report: Report, workloads: readonly Workload[]): string[] {
  return workloads.map((workload) => {
    const body = rowsOf(report, workload);
    const isCompared = body.some(({ ofFloor }) => ofFloor !== '');
    const head = { ...HEAD, ofFloor: isCompared ? `of ${workload.reference ?? 'the floor'}` : '' };
    const rows = [head, ...body].map((row) => `| ${Object.values(row).join(' | ')} |`);
    rows.splice(1, 0, '| --- | --- | ---: | ---: | ---: | --- |');
    return [`## ${workload.title}`, '', workload.description, '', ...rows, '', header(report).join('  \n')].join('\n');
  });
}

function header({ machine, cores, isQuick }: Report): string[] {
  const quick = isQuick ? ['QUICK RUN: it shows that everything works; the figures mean little.'] : [];
  return [
    ...quick,
    `${machine.date} UTC · ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GB · ${machine.system}`,
    `Node ${machine.node} · uWebSockets.js (${machine.uWebSockets}) · server on core ${cores.server}, load on core ${cores.load} unless it says otherwise`,
  ];
}

function rowsOf(report: Report, workload: Workload): Row[] {
  const samples = report.workloads.find(({ name }) => name === workload.name)?.samples ?? {};
  const [floorName = ''] = Object.keys(samples);
  return workload.figures.flatMap((figure) => {
    const floor = valuesOf(samples, floorName, figure);
    return Object.keys(samples).map((server): Row => {
      const values = valuesOf(samples, server, figure);
      const ofFloor = spreadOf(values.map((value, round) => value / (floor[round] ?? Number.NaN)));
      const isFloor = server === floorName;
      return {
        figure: isFloor ? `${figure.title}, ${figure.unit}` : '',
        server,
        value: whole(spreadOf(values).median),
        spread: range(spreadOf(values), whole),
        ofFloor: isFloor ? '' : `${fraction(ofFloor.median)} (${range(ofFloor, fraction)})`,
        target: isFloor ? '' : verdict(figure, ofFloor),
      };
    });
  });
}

function valuesOf(samples: Samples, server: string, { id }: Figure): number[] {
  return (samples[server] ?? []).map((sample) => sample[id] ?? Number.NaN);
}

function verdict({ target }: Figure, { median }: Spread): string {
  if (target === undefined) return '';
  return `${fraction(target)} ${median >= target ? 'reached' : 'MISSED'}`;
}

/** Without digits that say nothing. */
function whole(value: number): string {
  const isSmall = Math.abs(value) < 10 && Math.abs(value) >= 0.005;
  return isSmall ? value.toFixed(2) : Math.abs(Math.round(value)).toLocaleString('en-US');
}
const fraction = (value: number): string => value.toFixed(2);
const range = ({ lowest, highest }: Spread, write: (value: number) => string): string =>
  `${write(lowest)} – ${write(highest)}`;
