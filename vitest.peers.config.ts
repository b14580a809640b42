import { defineConfig } from 'vitest/config'

/** `npm run test:peers`: servers of others that take long to get, one file after the other. */
export default defineConfig({
  test: {
    include: ['test/peers/**/*.test.ts'],
    globalSetup: ['test/peers/global-setup.ts'],
    testTimeout: 600_000,
    hookTimeout: 600_000,
    expect: { poll: { timeout: 240_000 } },
    pool: 'forks',
    maxWorkers: 1,
    reporters: ['default', './test/closing-line-reporter.ts'],
  },
})
