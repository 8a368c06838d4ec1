import { GROWTH_TITLE } from './growth/section.ts';
import { WORKLOADS } from './workloads/index.ts';

/**
 * Writes docs/benchmarks.md: how it is measured, and the results. Workloads that were not measured this time keep their section.
 *
 * @param before - the present page
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

- the *floor* (\`bench/floor/\`): a bare uWebSockets.js server that does only what no broker can avoid, with nothing but Node and uWebSockets.js.
  Each workload says what that is. The ratio to the floor is the figure to look at: it shows what Kulkul's own work
  costs, and differs much less between machines than any rate;
- [Soketi](https://soketi.app) 1.6.1, once \`--soketi\` has installed it in \`bench/peers/soketi\` (npm, 430 MB). It runs on the same
  Node.js and uWebSockets.js as Kulkul, because its own uWebSockets.js is not on the registry, and has no binary for current versions of Node.js;
- any other server that speaks the Pusher protocol, such as Laravel Reverb or Sockudo, at a URL that you give. It can't be pinned to a core,
  and its CPU time and memory can't be measured. Give its app no limits, and allow client events.

# How it measures

- The server has one core, the load generator another. The main figure is the *CPU time of the server process* (user and
  kernel, all threads, from \`/proc\`): a load generator that can't keep up lowers the rate, but not that figure.
- Servers take turns (floor, Kulkul, Soketi, Soketi, Kulkul, floor, …), each time with new processes that are warmed up first. Tables
  show the median of the rounds and, in brackets, the lowest and highest. A ratio (÷) is the median of the ratios of each round.
- A closed loop sends the next event when the last one has arrived everywhere, and shows how much work fits into a CPU-second. An open loop sends at fixed
  times, and counts latency from when an event was *due*, so the delay of every event behind a stall counts (no coordinated
  omission). Percentiles come from an HDR histogram.
- Subscribers are plain sockets that count frames. They check that nobody missed an event or got one twice. A run with
  a refused request, a lost connection or a wrong count fails, and gives no figures.
- \`workers\`, \`cluster\` and \`abuse\` have no floor: they compare Kulkul with itself, or show the cost of each of several processes.
- A wide gap between lowest and highest means that the machine did other work: repeat such measurements.
- Kulkul runs as it is published, with its default settings and one app, which allows client events without a limit. So does Soketi.

\`\`\`text
npm run bench                              all workloads of one node, some 20 minutes
npm run bench -- --all                     also workers, clusters and whatever takes long
npm run bench -- fan-out triggers          some of them
npm run bench -- growth                    how costs grow with the number of subscribers, channels, nodes
npm run bench -- --quick                   does everything work? under a minute
npm run bench -- --soketi                  with Soketi, which is installed first; --no-soketi omits it again
npm run bench -- --url reverb=http://127.0.0.1:8080 --app id:key:secret
npm run bench -- --server old=FILE         another build of Kulkul (its server/main.js) in the same rounds
npm run bench -- triggers --profile        writes CPU profiles of Kulkul to bench/results/, which
                                           \`npx speedscope FILE\` draws as flame graphs
npm run bench -- --write-docs              writes this page; workloads that were not measured keep their figures
npm run soak                               an hour of mixed load: does it leak? --write-docs writes soak.md
\`\`\`

It needs Linux with two cores and \`taskset\`, and up to 16,000 open files per process (\`ulimit -Hn\`). Clusters also need redis-server.
Results go to \`bench/results/\` as JSON and Markdown, which Git ignores.

# Where the rest goes

What the CPU time of Kulkul goes into, by a profile (\`npm run bench -- triggers --profile\`, 2026-11-27; shares of the whole workload). The floor
has the first three rows, too:

| share | is | could be saved by |
| ---: | --- | --- |
| 43 % | MD5 and HMAC of the request, JSON of the body, JSON of the frame | native code that does all of it in one call |
| 6 % | calls between JavaScript and uWebSockets.js that every server makes, and the program itself | |
| 3 % | garbage collection. Once its code is loaded, Kulkul keeps V8 from enlarging the young heap further (\`server/young-heap.ts\`), so that a burst of connections does not leave up to 32 MB of it behind | |
| 5 % | reading the query for the parameters that the protocol checks: key, age, version | a special parser for these |
| 9 % | finding route and app, answering once and never after the client has gone, CORS, the answer | omitting these |
| 4 % | checking signature, age, names and limits, with a message for each mistake | |

In a fan-out this hardly matters: the 1,000 system calls for each event cost more than all JavaScript. Ratios that scatter below 1 there are due to the machine. On
2026-11-20, on a machine whose system calls were four times as fast, the same workload gave 0.99 (0.97 – 1.03) one at a time and 0.98 (0.95 – 0.98) for eight at once.
An idle connection costs more CPU time than the floor's, because Kulkul looks at each of them after \`activityTimeoutSeconds\`: the floor never finds out who is gone. Reconnecting
clients cost what connect and subscribe do, plus a count for the channel and an entry in the watch over silent clients.

# Results

${sections.join('\n\n')}
`;
}
