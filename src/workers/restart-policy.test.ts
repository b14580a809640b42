import { describe, expect, test } from 'vitest'
import { DEFAULT_LIMITS } from './limits.ts'
import { hangVerdict } from './pending-calls.ts'
import { planRestart } from './restart-policy.ts'

const plan = (recentCrashes: number, last: boolean, random = 0.5, failedProbes = 0) =>
  planRestart({ recentCrashes, failedProbes }, DEFAULT_LIMITS, last, random)

describe('planRestart', () => {
  test.each([
    [1, 100],
    [2, 200],
    [3, 400],
    [4, 800],
  ])('after crash %i in the window it waits %i ms', (crashes, delayMs) => {
    expect(plan(crashes, false)).toEqual({ delayMs, quarantined: false })
  })

  test('the first restart waits 75 to 125 ms', () => {
    expect(plan(1, false, 0).delayMs).toBe(75)
    expect(plan(1, false, 1).delayMs).toBe(125)
  })

  test('quarantine after five crashes, and probes ever later up to 5 minutes', () => {
    expect(plan(5, false)).toEqual({ delayMs: 30_000, quarantined: true })
    expect(plan(1, false, 0.5, 1)).toEqual({ delayMs: 60_000, quarantined: true })
    expect(plan(1, false, 1, 10)).toEqual({ delayMs: 300_000, quarantined: true })
  })

  test.each([1, 5, 50, 5000])('a last placement waits 2 s at most after %i crashes', (crashes) => {
    const restart = plan(crashes, true, 1)
    expect(restart.quarantined).toBe(false)
    expect(restart.delayMs).toBeLessThanOrEqual(2000)
  })
})

describe('hangVerdict', () => {
  test('silent since the cancel for the whole bound: it hangs', () => {
    expect(hangVerdict(1000, 400, 6000, 5000)).toBe(0)
  })

  test('something was heard meanwhile: look again when that is as old', () => {
    expect(hangVerdict(1000, 4000, 6000, 5000)).toBe(3000)
  })
})
