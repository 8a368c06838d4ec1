import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import type { ProjectName } from './test/support/requirements.ts';

/** What needs nothing but npm and takes no time: pure code, and nodes without a port. */
const UNIT = [
  'test/{protocol,auth,channels,bench,console}/**/*',
  'test/contract/{memory,workers}',
  'test/examples/*-parts',
  'test/server/{apps,client,config,tokens}/**/*',
  'test/server/console/live-facts',
  'test/server/metrics/{documented,sampler,webhook-counts,worker-totals}',
  'test/server/redis/{fair-queue,gathered-writes,keys,redis-broker,wire}',
  'test/server/workers/!(worker-main)',
  'test/server/{client-address,foreign-text,sampled-log}',
];
const BROWSER = ['test/e2e/*-in-chromium', 'test/e2e/{allowed-origins,force-tls,token-cookie}'];

export default defineConfig({
  test: {
    // What a project needs beyond npm is met by its global set-up: test/support/requirements.ts.
    projects: [
      project('unit', UNIT),
      project('servers', ['test/{server,contract,conformance,e2e}/**/*'], [...UNIT, ...BROWSER]),
      project('cluster', ['test/cluster/**/*']),
      project('browser', BROWSER),
      project('examples', ['test/examples/**/*', 'examples/testing/*'], UNIT),
    ],
    // Most files wait much of the time, for other processes or for the clock: with one worker more than cores, a third of the CPU time was left over.
    maxWorkers: availableParallelism() + 2,
    // What one worker has compiled the others need not: a quarter of the CPU time of a run was spent on that.
    experimental: { fsModuleCache: true, fsModuleCachePath: '.cache/vitest' },
  },
});

/** @param files - paths without `.test.ts` */
function project(name: ProjectName, files: readonly string[], except: readonly string[] = []) {
  return {
    test: {
      name,
      include: files.map((path) => `${path}.test.ts`),
      exclude: except.map((path) => `${path}.test.ts`),
      globalSetup: ['test/support/global-setup.ts'],
      setupFiles: ['test/support/setup.ts'],
      // Files share modules: to load all anew for each takes more than twice the time (unit: 121 s of CPU instead of 50 s).
      // What a file leaves behind is ended by support/end-of-file.ts.
      isolate: false,
      // As where it is installed. For a page, vitest would take the bundle apart, which never ends.
      server: { deps: { external: [/\/dist\//] } },
      // A hang is a failure; this is far above what any test takes.
      testTimeout: 60_000,
      hookTimeout: 120_000,
    },
  };
}
