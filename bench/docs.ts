import { GROWTH_TITLE } from './growth/section.ts';
import { WORKLOADS } from './workloads/index.ts';

/**
 * docs/benchmarks.md: how it is measured, and what came out. Sections of what was not measured now stay as they are.
 *
 * @param before - the page as it is
 * @param measured - sections with their titles
 */
export function benchmarkDocs(before: string, measured: readonly string[]): string {
  const results = new Map<string, string>();
  const known = before.split(/^(?=## )/m).slice(1);
  for (const section of [...known, ...measured]) {
    results.set(section.slice(0, section.indexOf('\n')), section.trimEnd());
  }
  const titles = [...WORKLOADS.map(({ title }) => `## ${title}`), GROWTH_TITLE];
  const sections = titles.map((title) => results.get(title)).filter((section) => section !== undefined);
  return `# Benchmarks

<!-- Written by \`npm run bench -- --write-docs\`. Edit bench/docs.ts. -->

\`npm run bench\` measures Kulkul on your machine, side by side and in the same run with

- the *floor* (\`bench/floor/\`): a bare uWebSockets.js server that does only what no broker can avoid, with what Node and uWebSockets.js
  offer; what it does is said with each workload. The share of the floor is the figure to look at: it says what Kulkul's own work
  costs, and it moves from machine to machine far less than any rate does;
- [Soketi](https://soketi.app) 1.6.1, once \`--soketi\` has installed it in \`bench/peers/soketi\` (npm, 430 MB). It runs on the same
  Node.js and on the same uWebSockets.js as Kulkul: its own is not on the registry, and has no binary for current versions of Node.js;
- any other server that speaks the Pusher protocol, such as Laravel Reverb or Sockudo, at a URL that you give. It can't be pinned,
  and there are no figures of its CPU time or memory. Give its app no limits, and allow client events.

# How it measures

- The server has one core, the load generator another. What counts is the *CPU time of the server process* (user and
  kernel, all threads, from \`/proc\`), so a load generator that can't keep up lowers the rate but not the figure.
- Servers take turns (floor, Kulkul, Soketi, Soketi, Kulkul, floor, …), each time with new processes that are warmed up first. Tables
  show the median of the rounds and, in brackets, the lowest and the highest. A ratio (÷) is the median of the rounds' own ratios.
- Closed loops send the next when the last has arrived everywhere: they show how much work fits into a CPU-second. Open loops send at fixed
  times, and count latency from when an event was *due*: a server that stalls is charged for all who waited (no coordinated
  omission). Percentiles come from an HDR histogram.
- Subscribers are plain sockets that count frames. They check that nobody missed an event or got one twice, and a run with
  a refused request, a lost connection or a wrong count fails instead of yielding figures.
- \`workers\`, \`cluster\` and \`abuse\` have no floor: they compare Kulkul with itself, or tell what each of several processes takes.
- Other work on the machine shows as a wide gap between lowest and highest: such figures are worth repeating.
- Kulkul runs as it is published, with its default settings and one app, which allows client events without a limit. So does Soketi.

\`\`\`text
npm run bench                              all workloads of one node, some 20 minutes
npm run bench -- --all                     workers, clusters and what takes long too
npm run bench -- fan-out triggers          some of them
npm run bench -- growth                    curves: how costs grow with numbers
npm run bench -- --quick                   does everything work? under a minute
npm run bench -- --soketi                  with Soketi, which is installed first; --no-soketi leaves it out again
npm run bench -- --url reverb=http://127.0.0.1:8080 --app id:key:secret
npm run bench -- --server old=FILE         another build of Kulkul (its server/main.js) in the same rounds
npm run bench -- triggers --profile        writes CPU profiles of Kulkul to bench/results/, which
                                           \`npx speedscope FILE\` draws as flame graphs
npm run bench -- --write-docs              writes this page; what was not measured stays
npm run soak                               an hour of mixed load: does it leak? --write-docs writes soak.md
\`\`\`

It takes Linux with two cores and \`taskset\`, and up to 16,000 open files per process (\`ulimit -Hn\`); clusters take redis-server too.
Results go to \`bench/results/\` as JSON and Markdown, which Git ignores.

# Where the rest goes

What Kulkul does beyond the floor, by its CPU profile (\`npm run bench -- triggers --profile\`, 2026-11-27; share of the CPU time of the whole workload). The floor
has the first three rows, too:

| share | is | would go away with |
| ---: | --- | --- |
| 43 % | MD5 and HMAC of the request, JSON of the body, JSON of the frame | native code that does all of it in one call |
| 6 % | calls between JavaScript and uWebSockets.js that no server can do without, the program itself | |
| 3 % | garbage collection. Once its code is loaded, Kulkul keeps V8 from enlarging the young heap further (\`server/young-heap.ts\`), so that a burst of connections does not leave up to 32 MB of it behind | |
| 5 % | reading the query for the parameters that the protocol checks: key, age, version | a parser of its own for just these |
| 9 % | finding route and app, the exchange that answers once and not after the client has gone, CORS, the answer | a server without these |
| 4 % | comparing the signature, age, names and limits, with a text for each way to be wrong | |

A fan-out has next to nothing of it: 1,000 system calls for each event are more than all JavaScript. So where shares of it scatter below 1, it is the machine: on
2026-11-20, on a machine that did system calls four times as fast, the same workload gave 0.99 (0.97 – 1.03) one at a time and 0.98 (0.95 – 0.98) for eight at once.
An idle connection costs more CPU time than the floor's, because Kulkul looks at each of them after \`activityTimeoutSeconds\`: the floor never finds out who is gone. Reconnecting
clients cost what connect and subscribe do, plus a count for the channel and an entry in the watch over silent clients.

# Results

${sections.join('\n\n')}
`;
}
