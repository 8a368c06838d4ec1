import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    // Most files wait for other processes most of the time; with fewer workers than cores, as is the default, one core is idle.
    maxWorkers: Math.max(2, availableParallelism()),
    // A hang is a failure; this is far above what any test takes.
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
