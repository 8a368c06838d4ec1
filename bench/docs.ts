import { markdownSections, type Report } from './report.ts';
import { WORKLOADS } from './workloads/index.ts';
import type { Workload } from './workloads/workload.ts';

/**
 * docs/benchmarks.md: how it is measured, and what came out. Sections of workloads that were not measured now stay as they are.
 *
 * @param before - the page as it is
 */
export function benchmarkDocs(before: string, report: Report, workloads: readonly Workload[]): string {
  const results = new Map<string, string>();
  const known = before.split(/^(?=## )/m).slice(1);
  for (const section of [...known, ...markdownSections(report, workloads)]) {
    results.set(section.slice(0, section.indexOf('\n')), section.trimEnd());
  }
  const sections = WORKLOADS.map(({ title }) => results.get(`## ${title}`)).filter((section) => section !== undefined);
  return `# Benchmarks

<!-- Written by \`npm run bench -- --write-docs\`. Edit bench/docs.ts. -->

\`npm run bench\` measures Kulkul beside a bare uWebSockets.js server, the *floor*, on your machine and in the same run. The floor
(\`bench/floor.ts\`) does only what no broker can avoid, with what Node and uWebSockets.js offer; what it does is said with each
workload. The share of the floor is the figure to look at: it says what Kulkul's own work costs, and it moves from machine to
machine far less than any rate does.

- The server has one core, the load generator another. What counts is the *CPU time of the server process* (user and
  kernel, all threads, from \`/proc\`), so a load generator that can't keep up lowers the rate but not the figure.
- Floor and Kulkul take turns (floor, Kulkul, Kulkul, floor, …), each time with new processes that are warmed up first. Tables
  show the median of the rounds and how far they lie apart. The share of the floor is the median of the rounds' own shares.
- Subscribers are plain TCP sockets that count bytes. They check that nobody missed an event or got one twice, and a run with
  a refused request, a lost connection or a wrong count fails instead of yielding figures.
- \`workers\` and \`cluster\` have no floor: they compare Kulkul with itself, or tell what each of several processes takes.
- Other work on the machine shows as a wide gap between lowest and highest: such figures are worth repeating.
- Kulkul runs as it is published, with its default settings and one app.

\`\`\`text
npm run bench                              the first four workloads, under four minutes
npm run bench -- --all                     workers and cluster too
npm run bench -- fan-out triggers          some of them
npm run bench -- --quick                   does everything work? under half a minute
npm run bench -- --server old=FILE         another build of Kulkul (its server/main.js) in the same rounds
npm run bench -- triggers --profile        writes CPU profiles of Kulkul to bench/results/
npm run bench -- --write-docs              writes this page; what was not measured stays
\`\`\`

It takes Linux with two cores and \`taskset\`; \`cluster\` takes redis-server too. Results go to \`bench/results/\`, which Git ignores.

# Results

${sections.join('\n\n')}
`;
}
