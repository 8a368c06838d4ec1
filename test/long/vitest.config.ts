import { defineConfig } from 'vitest/config';

/** Proofs that take minutes, each with a short form among the tests that `npm test` runs. One file after the other: they load the machine. */
export default defineConfig({
  test: {
    include: ['test/long/**/*.test.ts'],
    globalSetup: ['test/long/global-setup.ts'],
    setupFiles: ['test/support/setup.ts'],
    fileParallelism: false,
    // A hang is a failure; this is above what the longest takes.
    testTimeout: 900_000,
    hookTimeout: 300_000,
  },
});
