import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fakeWorker } from '../../test/fakes/fault-worker.ts'
import { workersOf } from '../../test/processes.ts'
import type { Task } from '../domain/index.ts'
import { CONTEXT } from './cache/samples.suite.ts'
import { MeasurementStore } from './cache/store.ts'
import { type CalibrationProgress, calibrate } from './calibrate.ts'
import type { Candidate } from './measure/candidate.ts'

let home: string
let store: MeasurementStore
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'tandem-calibrate-'))
  store = new MeasurementStore(home)
})
afterEach(() => {
  store.close()
  rmSync(home, { recursive: true, force: true })
})

function fake(task: Task, loadFault?: string): Candidate {
  const options = fakeWorker(task, 'cpu', loadFault === undefined ? {} : { loadFault })
  return { placement: options.placement, options }
}

const base = () => ({ store, context: CONTEXT, signal: new AbortController().signal, budgetMs: 300 })

describe('calibrate', () => {
  test('[measured-placement] measures what is missing, tells each, and keeps it', async () => {
    const candidates = [fake('embed'), fake('chat'), fake('rerank', 'fault:crash')]
    const seen: CalibrationProgress[] = []
    const onProgress = (progress: CalibrationProgress) => {
      seen.push(progress)
      // never two workers at once
      if (process.platform === 'linux') expect(workersOf(process.pid)).toEqual([])
    }
    const pairs = [
      [candidates[0]!, candidates[1]!],
      [candidates[0]!, candidates[2]!],
    ] as const
    const first = await calibrate(candidates, { ...base(), onProgress, pairs: () => pairs })
    expect(first.measured.map(({ task, failed }) => [task, failed !== undefined])).toEqual([
      ['embed', false],
      ['chat', false],
      ['rerank', true],
    ])
    expect(first.fresh.map(({ task }) => task)).toEqual(['embed', 'chat', 'rerank'])
    expect(first.interference.map(({ first, second }) => [first.task, second.task])).toEqual([
      ['embed', 'chat'],
    ])
    expect(seen.map(({ done, total }) => `${done}/${total}`).join(' ')).toBe(
      '0/3 1/3 1/3 2/3 2/3 3/3 3/5 4/5 4/5 5/5',
    )
    const [, embed] = seen
    expect(embed).toMatchObject({ placement: { task: 'embed' }, figure: { from: 'measured' } })
    const again = await calibrate(candidates, { ...base(), pairs: () => [pairs[0]] })
    expect(again.fresh).toEqual([])
    expect(again.measured).toEqual(first.measured)
    expect(again.interference).toEqual(first.interference)
    expect((await calibrate([candidates[0]!], { ...base(), again: true })).fresh).toHaveLength(1)
  })

  test('an abort leaves what was measured, and nothing runs', async () => {
    const abort = new AbortController()
    const candidates = [fake('embed'), fake('chat', 'fault:hang')]
    const pending = calibrate(candidates, {
      ...base(),
      signal: abort.signal,
      onProgress: ({ done, figure }) => {
        if (done === 1 && !figure) setImmediate(() => abort.abort(new Error('Ctrl-C')))
      },
    })
    await expect(pending).rejects.toThrow('Ctrl-C')
    expect(store.measurementsFor(candidates, CONTEXT).measured.map(({ task }) => task)).toEqual(['embed'])
    if (process.platform === 'linux') expect(workersOf(process.pid)).toEqual([])
  })

  test('a simulated placement is measured and not kept', async () => {
    const { placement, options } = fake('embed')
    const simulated = { placement: { ...placement, simulated: true }, options }
    const { measured } = await calibrate([simulated], base())
    expect(measured[0]?.from).toBe('profile')
    expect(store.measurementsFor([simulated], CONTEXT).measured).toEqual([])
  })
})
