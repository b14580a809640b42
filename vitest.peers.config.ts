import { defineConfig } from 'vitest/config'

/** `npm run test:peers`: servers of others that take long to get, one file after the other. */
export default defineConfig({
  test: {
    include: ['test/peers/**/*.test.ts'],
    globalSetup: ['test/peers/global-setup.ts'],
    testTimeout: 120_000,
    hookTimeout: 180_000,
    pool: 'forks',
    maxWorkers: 1,
    reporters: ['default', './test/closing-line-reporter.ts'],
  },
})
