import type { Panel } from '../plot.ts';
import { amount, header, type Report } from '../report.ts';
import type { SoakSample } from './sample.ts';
import { type Trend, trendsOf } from './verdict.ts';

/** Everything that a soak found out: what the JSON file holds. */
export interface Soak {
  readonly facts: Omit<Report, 'workloads'>;
  readonly minutes: number;
  /** Before the load, under load, and after everybody left. */
  readonly before: SoakSample;
  readonly samples: readonly SoakSample[];
  readonly after: SoakSample;
  /** What was done, by name. */
  readonly counts: Readonly<Record<string, number>>;
  readonly problems: readonly string[];
}

/** Below this memory still finds its level. */
const TELLING_MINUTES = 10;
/** Files that may stay open when everybody has left: kept-alive connections of those who ask. */
const MOST_FILES_LEFT = 4;

/** Whether it passed, with what did not. */
export function verdictOf({ samples, before, after, problems, minutes }: Soak): { passed: boolean; text: string } {
  const growing = trendsOf(samples).filter(({ isFlat }) => !isFlat);
  const isTelling = minutes >= TELLING_MINUTES;
  const reasons = [
    ...(isTelling ? growing.map(({ title, growth, unit }) => `${title} grew by ${amount(growth)} ${unit}`.trim()) : []),
    ...(after.connections > 0 ? [`${after.connections} connections were left`] : []),
    ...(after.channels > 0 ? [`${after.channels} channels were left`] : []),
    ...(after.openFiles > before.openFiles + MOST_FILES_LEFT
      ? [`${after.openFiles - before.openFiles} open files were left`]
      : []),
    ...problems,
  ];
  if (reasons.length > 0) return { passed: false, text: `FAILED: ${reasons.slice(0, 10).join('; ')}.` };
  const flat = isTelling
    ? 'memory and handles are flat'
    : `too short to tell whether memory is flat (from ${TELLING_MINUTES} minutes on)`;
  return { passed: true, text: `Passed: ${flat}, nothing was lost, nothing was left behind.` };
}

/** The whole page. */
export function soakPage(soak: Soak): string {
  const { facts, minutes, before, samples, after, counts } = soak;
  const [first, last] = [samples[0], samples.at(-1)];
  const cpu =
    ((last?.cpuSeconds ?? 0) - (first?.cpuSeconds ?? 0)) / 60 / ((last?.minutes ?? 1) - (first?.minutes ?? 0));
  const delays = samples.map(({ delayP99Ms }) => delayP99Ms);
  return `# Soak

<!-- Written by \`npm run soak -- --write-docs\`. Edit bench/soak/report.ts. -->

\`npm run soak\` puts a mixed load on one node for an hour, all at once: events and batches by HTTP, with clients that check that none is missing, doubled or out of
order; client events; clients that come and go, properly and without a word, in public, private, presence and cache channels, some signed in, some making
mistakes; questions by HTTP, signed rightly and wrongly; readers of feeds. The load is steady, so whatever grows leaks. \`--minutes\` sets another time.

**${verdictOf(soak).text}**

| | at the start | halfway | at the end | growth in the second half | flat up to | |
| --- | ---: | ---: | ---: | ---: | ---: | --- |
${trendsOf(samples)
  .map((trend) => trendRow(trend, minutes >= TELLING_MINUTES))
  .join('\n')}

![Memory, open files and event loop delay over the time](soak.svg)

- ${minutes} min, ${Math.round(cpu * 100)} percent of a core. Done: ${Object.entries(counts)
    .map(([name, count]) => `${count.toLocaleString('en-US')} ${spaced(name)}`)
    .join(', ')}.
- The event loop was late by ${amount(Math.max(...delays))} ms in the worst 99th percentile between two samples. Each sample collects garbage first.
- When all had left: ${after.connections} connections, ${after.channels} channels, ${after.openFiles} open files (${before.openFiles} before the load), a heap of ${amount(after.heapBytes / 1e6)} MB (${amount(before.heapBytes / 1e6)} MB before).

${header(facts).join('  \n')}
`;
}

function trendRow({ title, unit, start, half, end, growth, allowed, isFlat }: Trend, isTelling: boolean): string {
  const name = unit === '' ? title : `${title}, ${unit}`;
  const result = isFlat ? 'flat' : 'GROWS';
  const cells = [start, half, end, growth, allowed].map((value) => amount(value));
  return `| ${name} | ${cells.join(' | ')} | ${isTelling ? result : 'too short'} |`;
}

/** What the plot shows. */
export function soakPanels(samples: readonly SoakSample[]): Panel[] {
  const panel = (title: string, y: string, of: (sample: SoakSample) => number): Panel => {
    const points = samples.map((sample) => {
      const value = of(sample);
      return { x: sample.minutes, median: value, lowest: value, highest: value };
    });
    return { title, y, x: 'minutes', lines: [{ name: 'kulkul', points }] };
  };
  return [
    panel('Resident memory', 'MB', ({ residentBytes }) => residentBytes / 1e6),
    panel('Heap after collecting garbage', 'MB', ({ heapBytes }) => heapBytes / 1e6),
    panel('Open files', 'files, sockets included', ({ openFiles }) => openFiles),
    panel('Event loop delay', 'ms, 99th percentile between two samples', ({ delayP99Ms }) => delayP99Ms),
  ];
}

const spaced = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
