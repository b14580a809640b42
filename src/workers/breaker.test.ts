import { describe, expect, test } from 'vitest'
import { answered, type Breaker, becameReady, CLOSED, type Crash, crashed, started } from './breaker.ts'
import { DEFAULT_LIMITS } from './limits.ts'

const crash = (nowMs: number, more: Partial<Crash> = {}): Crash => ({
  nowMs,
  outOfMemory: false,
  lastPlacement: false,
  random: 0.5,
  ...more,
})

const crashOf = (breaker: Breaker, nowMs: number, more?: Partial<Crash>) =>
  crashed(breaker, crash(nowMs, more), DEFAULT_LIMITS)

/** A life that was ready from `fromMs` and answered. */
const lived = (breaker: Breaker, fromMs: number) => answered(becameReady(started(breaker), fromMs))

function crashes(count: number, everyMs: number, more?: Partial<Crash>) {
  let last = crashOf(CLOSED, 0, more)
  for (let i = 1; i < count; i++) last = crashOf(started(last.breaker), i * everyMs, more)
  return last
}

describe('restarts', () => {
  test.each([
    [1, 100],
    [2, 200],
    [3, 400],
    [4, 800],
  ])('after %i lives that were not good it waits %i ms', (count, delayMs) => {
    const { breaker, ...rest } = crashes(count, 10)
    expect([breaker.mode, rest.delayMs]).toEqual(['closed', delayMs])
  })

  test('they are spread by a quarter', () => {
    expect(crashOf(CLOSED, 0, { random: 0 }).delayMs).toBe(75)
    expect(crashOf(CLOSED, 0, { random: 1 }).delayMs).toBe(125)
  })

  test('after a good life the next starts at once, and counting begins anew', () => {
    const { breaker } = crashes(2, 10)
    const good = crashOf(lived(breaker, 1000), 3000)
    expect(good.delayMs).toBe(0)
    expect(crashOf(started(good.breaker), 3010).delayMs).toBe(100)
  })

  test('a life that answered but was short, or long but never answered, was not good', () => {
    expect(crashOf(lived(CLOSED, 1000), 1500).delayMs).toBe(100)
    expect(crashOf(becameReady(started(CLOSED), 0), 5000).delayMs).toBe(100)
  })

  test.each([1, 5, 50, 5000])('a last placement waits 2 s at most after %i crashes', (count) => {
    const { breaker, delayMs } = crashes(count, 1, { lastPlacement: true, random: 1, outOfMemory: true })
    expect(breaker.mode).toBe('closed')
    expect(delayMs).toBeLessThanOrEqual(2000)
  })
})

describe('quarantine', () => {
  test('five crashes within a minute open it, five in ten minutes do not', () => {
    const { breaker, delayMs } = crashes(5, 10)
    expect([breaker.mode, delayMs]).toEqual(['open', 30_000])
    expect(crashes(5, 120_000).breaker.mode).toBe('closed')
  })

  test('five good lives that crash within a minute open it as well', () => {
    let { breaker } = crashOf(CLOSED, 0)
    for (const atMs of [5_000, 10_000, 15_000, 20_000])
      breaker = crashOf(lived(breaker, atMs - 3000), atMs).breaker
    expect(breaker.mode).toBe('open')
  })

  test('a second lack of memory within a minute opens it; one waits a moment', () => {
    const first = crashOf(lived(CLOSED, 0), 5000, { outOfMemory: true })
    expect([first.breaker.mode, first.delayMs]).toEqual(['closed', 100])
    expect(crashOf(started(first.breaker), 6000, { outOfMemory: true }).breaker.mode).toBe('open')
    expect(crashOf(started(first.breaker), 6000).breaker.mode).toBe('closed')
    expect(crashOf(started(first.breaker), 90_000, { outOfMemory: true }).breaker.mode).toBe('closed')
  })

  test('probes come ever later, up to 5 minutes', () => {
    let { breaker, delayMs } = crashes(5, 10)
    const delays: number[] = []
    for (let i = 1; i <= 5; i++) {
      ;({ breaker, delayMs } = crashOf(started(breaker), i * 1e6))
      delays.push(delayMs)
    }
    expect(delays).toEqual([60_000, 120_000, 240_000, 300_000, 300_000])
  })

  test('ready again is half open: only an answer closes it', () => {
    const open = crashes(5, 10).breaker
    const ready = becameReady(started(open), 50_000)
    expect(ready.mode).toBe('halfOpen')
    const failed = crashOf(ready, 60_000)
    expect([failed.breaker.mode, failed.delayMs]).toEqual(['open', 60_000])
    expect(answered(ready).mode).toBe('closed')
  })

  test('a probe that succeeded is forgotten only after a minute without a crash', () => {
    const failedOnce = crashOf(started(crashes(5, 10).breaker), 50_000).breaker
    const proven = lived(failedOnce, 200_000)
    expect(crashOf(proven, 300_000)).toMatchObject({
      delayMs: 0,
      breaker: { mode: 'closed', failedProbes: 0 },
    })
    const soon = lived(failedOnce, 100_000)
    expect(crashOf(soon, 105_000)).toMatchObject({ breaker: { mode: 'open' } })
  })

  test('a worker that has become the last placement leaves the quarantine at its next start', () => {
    const probing = started(crashes(5, 10).breaker)
    expect(crashOf(probing, 60, { lastPlacement: true }).breaker.mode).toBe('closed')
  })
})
