import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import type { ProjectName } from './test/support/requirements.ts';

/** What needs nothing but npm and takes no time: pure code, and nodes without a port. */
const UNIT = [
  'test/{protocol,auth,channels,bench}/**/*',
  'test/contract/{memory,workers}',
  'test/examples/*-parts',
  'test/server/{apps,client,config,tokens}/**/*',
  'test/server/redis/{fair-queue,gathered-writes,keys,redis-broker,wire}',
  'test/server/workers/!(worker-main)',
  'test/server/{client-address,foreign-text,sampled-log}',
];
const BROWSER = ['test/e2e/*-in-chromium', 'test/e2e/{allowed-origins,force-tls,token-cookie}'];

export default defineConfig({
  test: {
    // What a project needs beyond npm is met by its global set-up: test/support/requirements.ts.
    projects: [
      // Their files share modules: to load all anew for each would take more than twice the time (unit: 121 s of CPU instead of 50 s).
      // What a file leaves behind is ended by support/end-of-file.ts.
      project('unit', { isolate: false, files: UNIT }),
      project('servers', {
        isolate: false,
        files: ['test/{server,contract,conformance,e2e}/**/*'],
        except: [...UNIT, ...BROWSER],
      }),
      project('cluster', { files: ['test/cluster/**/*'] }),
      project('browser', { files: BROWSER }),
      project('examples', { files: ['test/examples/**/*'], except: UNIT }),
    ],
    // Most files wait much of the time, for other processes or for the clock: with one worker more than cores, a third of the CPU time was left over.
    maxWorkers: availableParallelism() + 2,
  },
});

interface Project {
  /** Paths without `.test.ts`. */
  readonly files: readonly string[];
  readonly except?: readonly string[];
  /** Whether each file loads modules of its own. */
  readonly isolate?: boolean;
}

function project(name: ProjectName, { files, except = [], isolate = true }: Project) {
  return {
    test: {
      name,
      include: files.map((path) => `${path}.test.ts`),
      exclude: except.map((path) => `${path}.test.ts`),
      globalSetup: ['test/support/global-setup.ts'],
      setupFiles: ['test/support/setup.ts'],
      isolate,
      // A hang is a failure; this is far above what any test takes.
      testTimeout: 60_000,
      hookTimeout: 120_000,
    },
  };
}
