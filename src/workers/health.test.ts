import { describe, expect, test } from 'vitest'
import { type CallHealth, judge, type Observed } from './health.ts'
import { lostTime } from './health-watch.ts'
import { DEFAULT_LIMITS } from './limits.ts'

const call = (more: Partial<CallHealth> = {}): CallHealth => ({
  startedMs: 1000,
  expectedMs: 100,
  gapMs: undefined,
  cancelledMs: undefined,
  ...more,
})

const seen = (calls: CallHealth[], more: Partial<Observed> = {}): Observed => ({
  calls,
  progressMs: 0,
  probedMs: undefined,
  answeredMs: undefined,
  ...more,
})

const at = (nowMs: number, observed: Observed) => judge(observed, DEFAULT_LIMITS, nowMs)

describe('a busy worker', () => {
  test('is left alone while it makes progress, and while nothing is asked', () => {
    expect(at(1e9, seen([])).kind).toBe('ok')
    expect(at(2999, seen([call()])).kind).toBe('ok')
    expect(at(50_000, seen([call()], { progressMs: 49_000 })).kind).toBe('ok')
  })

  test('is probed after 2 s of silence, or after eight times what was expected', () => {
    expect(at(3000, seen([call()])).kind).toBe('probe')
    expect(at(5000, seen([call({ expectedMs: 1000 })])).kind).toBe('ok')
    expect(at(9000, seen([call({ expectedMs: 1000 })])).kind).toBe('probe')
    expect(at(30_999, seen([call({ expectedMs: undefined })])).kind).toBe('ok')
    expect(at(31_000, seen([call({ expectedMs: undefined })])).kind).toBe('probe')
  })

  test('an answer that streams is measured by its own pace', () => {
    const streaming = call({ expectedMs: 20_000, gapMs: 30 })
    expect(at(62_000, seen([streaming], { progressMs: 60_000 })).kind).toBe('probe')
    const slow = call({ gapMs: 1000 })
    expect(at(62_000, seen([slow], { progressMs: 60_000 })).kind).toBe('ok')
  })

  test('a call that waits behind a slow one is patient with it', () => {
    expect(at(9000, seen([call({ expectedMs: 60_000 }), call()])).kind).toBe('ok')
  })

  test('does not answer a probe within 1 s: stopped', () => {
    const probed = seen([call()], { probedMs: 3000 })
    expect(at(3999, probed).kind).toBe('ok')
    expect(at(4000, probed)).toEqual({ kind: 'hung', why: 'no sign of life for 3000 ms' })
  })

  test('answers probes but makes no progress: the engine hangs after three times the patience', () => {
    const alive = seen([call()], { probedMs: 3000, answeredMs: 3001 })
    expect(at(6999, alive).kind).toBe('ok')
    expect(at(7000, alive)).toMatchObject({ kind: 'hung', why: expect.stringMatching(/process answers/) })
  })

  test('an old probe says nothing about a new silence', () => {
    const again = seen([call()], { progressMs: 10_000, probedMs: 3000, answeredMs: 3001 })
    expect(at(12_000, again).kind).toBe('probe')
  })
})

describe('a cancelled call', () => {
  test('must be let go of within 5 s of silence, answered probes or not', () => {
    const cancelled = seen([call({ cancelledMs: 2000 })], { probedMs: 3000, answeredMs: 6000 })
    expect(at(6999, cancelled).kind).toBe('ok')
    expect(at(7000, cancelled)).toEqual({ kind: 'hung', why: 'no answer to a cancel within 5000 ms' })
  })

  test('progress elsewhere gives it more time', () => {
    expect(at(7000, seen([call({ cancelledMs: 2000 })], { progressMs: 4000 })).kind).toBe('ok')
  })
})

test('time in which this process did not run is no silence', () => {
  expect(lostTime(260, 250)).toBe(0)
  expect(lostTime(499, 250)).toBe(0)
  expect(lostTime(3_600_000, 250)).toBe(3_599_750)
})
