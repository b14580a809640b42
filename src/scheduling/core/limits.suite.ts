import type { Limits } from './state.ts'

/** Small, so that tests reach them. */
export const LIMITS: Limits = {
  maxWaiting: 12,
  maxTries: 3,
  maxKills: 5,
  batchTokens: 600,
  bulkBatchTokens: 150,
  bulkBatchMs: 60,
  batchInputs: 8,
  bulkAfter: 3,
  bulkAgesMs: 600,
  resumeMs: 2_000,
  breakerAfter: 3,
  breakerMs: 400,
  maxBreakerMs: 3_000,
  hedgeTimes: 4,
  hedgeMs: 150,
  swapMs: 300,
}
