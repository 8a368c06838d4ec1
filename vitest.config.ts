import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    // A hang is a failure; this is far above what any test takes.
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
