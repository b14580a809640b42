import { afterEach, describe, expect, test } from 'vitest'
import { fakeWorker } from '../../test/fakes/fault-worker.ts'
import { workersOf } from '../../test/processes.ts'
import type { Measurement } from '../domain/index.ts'
import { CONTEXT, candidate, figure } from './cache/samples.suite.ts'
import { measureCandidate } from './calibrate.ts'
import { type IdleCalibration, type IdleCalibrationOptions, startIdleCalibration } from './idle.ts'
import { type IdleFacts, shouldCalibrate } from './idle-rule.ts'
import type { Candidate } from './measure/candidate.ts'

const QUIET: IdleFacts = {
  nowMs: 100_000,
  waiting: 0,
  idleAfterMs: 60_000,
  maxCpuBusy: 0.25,
  onBattery: false,
}

describe('when to measure', () => {
  test.each<[Partial<IdleFacts>, boolean]>([
    [{}, true],
    [{ lastRequestMs: 40_000 }, true],
    [{ lastRequestMs: 40_001 }, false],
    [{ waiting: 1 }, false],
    [{ onBattery: true }, false],
    [{ cpuBusy: 0.25 }, true],
    [{ cpuBusy: 0.26 }, false],
  ])('%o: %s', (facts, expected) => {
    expect(shouldCalibrate({ ...QUIET, ...facts })).toBe(expected)
  })
})

const loops: IdleCalibration[] = []
afterEach(async () => {
  await Promise.all(loops.splice(0).map((loop) => loop.stop()))
})

function start(options: Partial<IdleCalibrationOptions<Candidate, Measurement>>): IdleCalibration {
  const loop = startIdleCalibration<Candidate, Measurement>({
    isIdle: () => true,
    missing: () => [],
    measure: async (of) => figure(of),
    onMeasured: () => {},
    onError: (thrown) => {
      throw thrown
    },
    pollMs: 1,
    ...options,
  })
  loops.push(loop)
  return loop
}

describe('the loop', () => {
  test('one placement after the other, only while nobody waits', async () => {
    const todo = [candidate('embed'), candidate('rerank'), candidate('chat')]
    const seen: string[] = []
    let running = 0
    let idle = true
    start({
      isIdle: () => idle,
      missing: () => todo,
      measure: async (of) => {
        running += 1
        expect(running).toBe(1)
        await new Promise((resolve) => setImmediate(resolve))
        running -= 1
        return figure(of)
      },
      onMeasured: (of, measured) => {
        seen.push(measured.task)
        todo.splice(todo.indexOf(of), 1)
        idle = seen.length !== 2 // somebody comes after the second
      },
    })
    await expect.poll(() => seen).toEqual(['embed', 'rerank'])
    idle = true
    await expect.poll(() => seen).toEqual(['embed', 'rerank', 'chat'])
  })

  test('[interactive-first] a request ends the running measurement, whose worker is gone, and it is made later', async () => {
    const options = fakeWorker('embed', 'cpu')
    const slow = { ...options, spec: { ...options.spec, settings: { fault: 'fault:slow:60000' } } }
    const todo: Candidate[] = [{ placement: options.placement, options: slow }]
    const measured: Measurement[] = []
    let started = 0
    let ended = 0
    let measuredBefore: number | undefined
    const loop = start({
      missing: () => todo,
      measure: (of, signal) => {
        started += 1
        const next = started === 1 ? of : { placement: of.placement, options } // the second time it works
        const work = measureCandidate(next, CONTEXT, { signal, budgetMs: started === 1 ? 60_000 : 50 })
        work.catch(() => {
          ended += 1
          measuredBefore = measured.length
        })
        return work
      },
      onMeasured: (_, figure) => {
        measured.push(figure)
        todo.pop()
      },
    })
    await expect.poll(() => started).toBe(1)
    if (process.platform === 'linux') await expect.poll(() => workersOf(process.pid).length).toBe(1)
    loop.interrupt()
    await expect.poll(() => ended).toBe(1)
    expect(measuredBefore).toBe(0)
    await expect.poll(() => measured.length).toBe(1)
    expect(measured[0]?.failed).toBeUndefined()
    await loop.stop()
  })

  test('a failure is told, and the loop goes on', async () => {
    const errors: unknown[] = []
    let calls = 0
    let done = false
    start({
      missing: () => (done ? [] : [candidate()]),
      measure: async (of) => {
        calls += 1
        if (calls === 1) throw new Error('the disk is full')
        return figure(of)
      },
      onMeasured: () => {
        done = true
      },
      onError: (thrown) => errors.push(thrown),
    })
    await expect.poll(() => done).toBe(true)
    expect(errors).toEqual([new Error('the disk is full')])
  })

  test('a stop ends the running measurement', async () => {
    let signal: AbortSignal | undefined
    const loop = start({
      missing: () => [candidate()],
      measure: (_, given) => {
        signal = given
        return new Promise((_, reject) => given.addEventListener('abort', () => reject(given.reason)))
      },
    })
    await expect.poll(() => signal).toBeDefined()
    await loop.stop()
    expect(signal?.aborted).toBe(true)
  })
})
