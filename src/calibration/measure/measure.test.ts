import { describe, expect, test } from 'vitest'
import { fakeWorker } from '../../../test/fakes/fault-worker.ts'
import { workersOf } from '../../../test/processes.ts'
import type { Task } from '../../domain/index.ts'
import type { WorkerOptions } from '../../workers/index.ts'
import type { Candidate } from './candidate.ts'
import { measurePlacement } from './measure.ts'

interface Faults {
  readonly loadFault?: string
  /** Of every call after the first `after`; default: 1, the worker's own. */
  readonly fault?: string
  readonly after?: number
  readonly budgetMs?: number
}

function fake(task: Task, { fault, after, ...rest }: Partial<WorkerOptions> & Faults = {}): Candidate {
  const options = fakeWorker(task, 'gpu0', rest)
  const settings = fault === undefined ? {} : { settings: { fault, ...(after ? { after } : {}) } }
  return { placement: options.placement, options: { ...options, spec: { ...options.spec, ...settings } } }
}

const linux = process.platform === 'linux'
const runningHere = () => (linux ? workersOf(process.pid) : [])

describe('what does not run is a result, and nothing stays running', () => {
  const FAULTS = [
    ['a load that crashes', { loadFault: 'fault:crash' }, /exit code 3.*fake device lost/],
    ['a file that is broken', { loadFault: 'fault:bad-file' }, /model\.onnx: wrong hash/],
    [
      'a load that hangs',
      { loadFault: 'fault:hang', limits: { startTimeoutMs: 300 } },
      /not ready after 300 ms/,
    ],
    ['a crash while it is measured', { fault: 'fault:crash:7' }, /exit code 7/],
    ['a hang while it is measured', { fault: 'fault:hang', budgetMs: 50 }, /not ready after 500 ms/],
    ['a lost driver', { fault: 'fault:driver' }, /device lost/],
  ] as const
  for (const task of ['embed', 'rerank', 'classify', 'chat'] as const)
    test.each(FAULTS)(`${task}: %s`, async (_, faults, says) => {
      const { budgetMs = 5000, ...rest } = faults as Faults
      const measured = await measurePlacement(fake(task, rest), { budgetMs })
      expect(measured).toMatchObject({ task, model: 'fake', engine: 'onnxruntime', device: 'gpu0' })
      expect(measured.failed).toMatch(says)
      expect(measured.encoder ?? measured.decoder).toBeUndefined()
      expect(runningHere()).toEqual([])
    })

  test.each([
    ['before it starts', undefined],
    ['while it loads', 'loading'],
    ['while it is measured', 'measuring'],
  ] as const)('an abort %s rejects with its reason', async (_, phase) => {
    const abort = new AbortController()
    const reason = new Error('a request came')
    if (phase === undefined) abort.abort(reason)
    const faults = phase === 'loading' ? { loadFault: 'fault:hang' } : { fault: 'fault:hang' }
    const pending = measurePlacement(fake('embed', faults), {
      budgetMs: 600_000,
      signal: abort.signal,
      onProgress: (reached) => {
        if (reached === phase) setImmediate(() => abort.abort(reason))
      },
    })
    await expect(pending).rejects.toBe(reason)
    expect(runningHere()).toEqual([])
  })
})

describe('a slow device', () => {
  test.each(['embed', 'chat'] as const)(
    '%s: it takes longer than the budget allows: its first run counts',
    async (task) => {
      const slow = fake(task, { fault: 'fault:slow:1500' })
      const measured = await measurePlacement(slow, { budgetMs: 500 })
      expect(measured.failed).toBeUndefined()
      if (task === 'chat') expect(measured.decoder?.decodeTokensPerSecond).toBeGreaterThan(0)
      else expect(measured.encoder?.buckets).toMatchObject([{ tokens: 128, batch: 1 }])
    },
  )

  test.each(['embed', 'chat'] as const)(
    '%s: one call needs most of the budget: no other is begun',
    async (task) => {
      const measured = await measurePlacement(fake(task, { fault: 'fault:slow:1000' }), { budgetMs: 1500 })
      expect(measured.failed).toBeUndefined()
      if (task === 'chat') expect(measured.decoder?.decodeTokensPerSecond).toBeGreaterThan(0)
      else expect(measured.encoder?.buckets.map(({ tokens }) => tokens)).toEqual([128])
    },
  )

  test.each(['embed', 'chat'] as const)(
    '%s: what hangs later ends there, with what there is',
    async (task) => {
      const measured = await measurePlacement(fake(task, { fault: 'fault:slow:60000', after: 3 }), {
        budgetMs: 400,
      })
      expect(measured.failed).toBeUndefined()
      const speed = measured.encoder?.textsPerSecond ?? measured.decoder?.decodeTokensPerSecond
      expect(speed).toBeGreaterThan(0)
    },
  )
})

test('figures of a placement that works', async () => {
  const measured = await measurePlacement(fake('embed'), { budgetMs: 10_000 })
  expect(measured.failed).toBeUndefined()
  expect(measured.from).toBe('measured')
  expect(measured.encoder?.buckets.map(({ tokens, batch }) => `${tokens}x${batch}`)).toEqual([
    '128x1',
    '128x8',
    '128x32',
    '256x1',
    '512x1',
    '256x8',
    '512x8',
  ])
  const fastest = Math.min(...measured.encoder!.buckets.map((bucket) => bucket.msPerText))
  expect(measured.encoder?.textsPerSecond).toBe(1000 / fastest)
  expect(measured.loadMs).toBeGreaterThan(0)
  if (linux) expect(measured.hostBytes).toBeGreaterThan(10_000_000)
})

test('a simulated placement gives a figure of a profile', async () => {
  const { placement, options } = fake('embed')
  const simulated = { placement: { ...placement, simulated: true }, options }
  expect((await measurePlacement(simulated, { budgetMs: 50 })).from).toBe('profile')
})
