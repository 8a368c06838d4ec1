import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // `npm run test:long` runs those.
    exclude: ['test/long/**'],
    globalSetup: ['test/support/global-setup.ts'],
    setupFiles: ['test/support/setup.ts'],
    // Tests leave nothing behind, and to load all modules anew for each file takes longer than most of them.
    isolate: false,
    // Most files wait some of the time, for other processes or for the clock: with as many workers as cores one is idle for half of it.
    maxWorkers: availableParallelism() + 1,
    // A hang is a failure; this is far above what any test takes.
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
