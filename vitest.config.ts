import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.{ts,tsx}'],
    globalSetup: ['test/support/global-setup.ts'],
    setupFiles: ['test/support/properties.ts'],
    // Nothing takes this long unless it hangs, be the machine as busy as it may.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
