import { describe, expect, test } from 'vitest'
import { type Effect, type Event, initialState, type LaneSpec, type Limits, type State } from './state.ts'
import { step } from './step.ts'

const LIMITS: Limits = {
  maxWaiting: 8,
  maxTries: 3,
  maxKills: 5,
  batchTokens: 1000,
  bulkBatchTokens: 250,
  bulkBatchMs: 100,
  batchInputs: 64,
  bulkAfter: 2,
  bulkAgesMs: 5_000,
  resumeMs: 1_000,
  breakerAfter: 3,
  breakerMs: 1_000,
  maxBreakerMs: 8_000,
  hedgeTimes: 4,
  hedgeMs: 200,
  swapMs: 500,
}

/** Feeds events one after the other and names the effects. */
class Run {
  state: State
  nowMs = 0

  constructor(...workers: LaneSpec['workers'][number][]) {
    this.state = initialState(LIMITS, [{ id: 'embed', merges: true, proves: true, workers }], 0)
  }

  /** `send 1 npu 3` = batch 1 to npu with 3 inputs. */
  on(event: Event extends infer E ? (E extends Event ? Omit<E, 'nowMs'> : never) : never): string[] {
    const { state, effects } = step(this.state, { ...event, nowMs: this.nowMs } as Event)
    this.state = state
    return effects.map(nameOf)
  }

  ready(worker: string): string[] {
    return this.on({ type: 'workerReady', worker, room: 2, proven: true })
  }

  client = 'someone'

  submit(id: number, priority: 'interactive' | 'bulk', ...tokens: number[]): string[] {
    const { client } = this
    const request = { id, lane: 'embed', priority, client, kind: 'passage', deadlineMs: 1000, tokens }
    return this.on({ type: 'submitted', request })
  }

  finish(batch: number): string[] {
    return [...this.on({ type: 'batchDone', batch }), ...this.on({ type: 'batchReleased', batch })]
  }

  lose(worker: string): string[] {
    return this.on({ type: 'workerLost', worker, why: 'restarting', gone: false })
  }
}

function nameOf(effect: Effect): string {
  if (effect.type === 'cancelBatch') return `cancel ${effect.batch}`
  if (effect.type === 'vacated') return `let ${effect.worker} go`
  if (effect.type === 'retry') return `retry ${effect.request}`
  if (effect.type === 'breakerOpened') return `open ${effect.worker}`
  if (effect.type === 'breakerClosed') return `close ${effect.worker}`
  if (effect.type === 'wake' || effect.type === 'rest') return `${effect.type} ${effect.worker}`
  if (effect.type === 'end') return `end ${effect.request} ${effect.ending.how}`
  const { id, worker, parts } = effect.batch
  const inputs = parts.reduce((sum, part) => sum + part.inputs.length, 0)
  const fallback = effect.fallback ? ` instead of ${effect.fallback.from}: ${effect.fallback.why}` : ''
  return `send ${id} ${worker} ${inputs}${fallback}`
}

const npu = { id: 'npu', overflow: false }
const cpu = { id: 'cpu', overflow: false }

const times = (count: number, tokens: number) => new Array<number>(count).fill(tokens)

describe('batches', () => {
  test('a lone text goes at once; an array of 32 goes as one batch', () => {
    const run = new Run(npu)
    run.ready('npu')
    expect(run.submit(1, 'interactive', 10)).toEqual(['send 1 npu 1'])
    expect(run.submit(2, 'bulk', ...times(32, 30))).toEqual(['send 2 npu 32'])
  })

  test('one batch is ahead at most', () => {
    const run = new Run(npu)
    run.ready('npu')
    expect(run.submit(1, 'bulk', ...times(40, 100))).toEqual(['send 1 npu 2', 'send 2 npu 2'])
    expect(run.finish(1)).toEqual(['send 3 npu 2'])
  })

  test('short and long texts go apart: a batch is bounded by longest times count', () => {
    const run = new Run(npu)
    run.ready('npu')
    expect(run.submit(1, 'interactive', 500, 10, 500, 10, 10)).toEqual(['send 1 npu 3', 'send 2 npu 2'])
  })

  test('a lane of a large model has a bound of its own', () => {
    const run = new Run(npu)
    const lane = { id: 'embed', merges: true, proves: true, batchTokens: 300, workers: [npu] }
    run.state = initialState(LIMITS, [lane], 0)
    run.ready('npu')
    expect(run.submit(1, 'interactive', ...times(8, 100))).toEqual(['send 1 npu 3', 'send 2 npu 3'])
  })

  test('a text over the bound goes alone', () => {
    const run = new Run(npu)
    run.ready('npu')
    expect(run.submit(1, 'interactive', 5000, 5)).toEqual(['send 1 npu 1', 'send 2 npu 1'])
  })
})

describe('order', () => {
  test('an interactive request is sent although bulk has taken the room', () => {
    const run = new Run(npu)
    run.ready('npu')
    run.submit(1, 'bulk', ...times(40, 100))
    expect(run.submit(2, 'interactive', 10)).toEqual(['send 3 npu 1'])
  })

  test('after two interactive batches waiting bulk gets one', () => {
    const run = new Run(npu)
    run.submit(1, 'bulk', 10)
    for (const id of [2, 3, 4, 5]) run.submit(id, 'interactive', 900)
    expect(run.ready('npu')).toEqual(['send 1 npu 1', 'send 2 npu 1'])
    expect(run.finish(1)).toEqual(['end 2 done', 'send 3 npu 1', 'send 4 npu 1'])
    expect([3, 4].map((id) => run.state.batches.get(id)?.priority)).toEqual(['bulk', 'interactive'])
  })
})

describe('placements', () => {
  test('the next one serves while the first is not ready, and says why', () => {
    const run = new Run(npu, cpu)
    run.ready('cpu')
    expect(run.submit(1, 'interactive', 10)).toEqual(['send 1 cpu 1 instead of npu: starting'])
    run.ready('npu')
    expect(run.submit(2, 'interactive', 10)).toEqual(['send 2 npu 1'])
  })

  test('a fallback does not serve while the first is only busy; overflow does', () => {
    for (const overflow of [false, true]) {
      const run = new Run(npu, { id: 'gpu', overflow })
      run.ready('npu')
      run.ready('gpu')
      run.submit(1, 'interactive', 900)
      const second = run.submit(2, 'interactive', 900)
      expect(second).toEqual([overflow ? 'send 2 gpu 1 instead of npu: busy' : 'send 2 npu 1'])
    }
  })

  test('a lost request is tried again alone, three times in all; two batches of it are one loss', () => {
    const run = new Run(npu)
    run.ready('npu')
    run.submit(1, 'bulk', ...times(4, 900)) // two of its batches are at the worker
    expect(run.lose('npu')).toEqual(['retry 1'])
    expect(run.ready('npu')).toEqual(['send 3 npu 1'])
    expect(run.submit(2, 'bulk', 10)).toEqual([]) // nothing beside it
    run.lose('npu')
    run.ready('npu')
    expect(run.lose('npu')).toEqual(['end 1 failed'])
    expect(run.ready('npu')).toEqual(['send 5 npu 1'])
  })

  test('a lost request whose lost inputs were answered since is as good as new: faults of others do not add up', () => {
    const run = new Run(npu)
    run.ready('npu')
    run.submit(1, 'bulk', ...times(3, 900)) // two of its batches are at the worker
    run.lose('npu')
    run.ready('npu')
    expect(run.finish(3)).toContain('send 4 npu 1') // one of the two: it is still under suspicion
    run.lose('npu')
    run.ready('npu')
    run.finish(5)
    expect(run.state.requests.get(1)?.tries).toBe(0)
    expect(run.lose('npu')).toEqual(['retry 1'])
    run.ready('npu')
    expect(run.lose('npu')).toEqual(['retry 1'])
    run.ready('npu')
    expect(run.lose('npu')).toEqual(['end 1 failed'])
  })

  test('a worker gone for good ends what waits for it', () => {
    const run = new Run(npu)
    run.submit(1, 'interactive', 10)
    expect(run.on({ type: 'workerLost', worker: 'npu', why: 'stopped', gone: true })).toEqual([
      'end 1 unserved',
    ])
    expect(run.submit(2, 'interactive', 10)).toEqual(['end 2 unserved'])
  })
})

describe('ends', () => {
  test('a cancel calls the batch off, and its room is taken until the worker has let go', () => {
    const run = new Run(npu)
    run.ready('npu')
    run.submit(1, 'interactive', 900)
    run.submit(2, 'interactive', 900)
    run.submit(3, 'interactive', 900)
    expect(run.on({ type: 'cancelled', request: 1 })).toEqual(['end 1 cancelled', 'cancel 1'])
    expect(run.on({ type: 'batchFailed', batch: 1, fault: 'input' })).toEqual([])
    expect(run.on({ type: 'batchReleased', batch: 1 })).toEqual(['send 3 npu 1'])
  })

  test('a batch that another request still needs goes on', () => {
    const run = new Run(npu)
    run.submit(1, 'interactive', 10)
    run.submit(2, 'interactive', 10)
    expect(run.ready('npu')).toEqual(['send 1 npu 2'])
    expect(run.on({ type: 'cancelled', request: 1 })).toEqual(['end 1 cancelled'])
    expect(run.finish(1)).toEqual(['end 2 done'])
  })

  test('a refused batch is taken apart; only the one at fault fails', () => {
    const run = new Run(npu)
    run.submit(1, 'interactive', 10)
    run.submit(2, 'interactive', 10)
    run.ready('npu')
    expect(run.on({ type: 'batchFailed', batch: 1, fault: 'input' })).toEqual([
      'retry 1',
      'retry 2',
      'send 2 npu 1',
    ])
    expect(run.on({ type: 'batchReleased', batch: 1 })).toEqual(['send 3 npu 1'])
    expect(run.finish(2)).toEqual(['end 1 done'])
    expect(run.on({ type: 'batchFailed', batch: 3, fault: 'input' })).toEqual(['end 2 failed'])
  })

  test('the bound holds; waiting bulk does not lock people out', () => {
    const run = new Run(npu)
    for (let id = 1; id <= 8; id++) expect(run.submit(id, 'bulk', 10)).toEqual([])
    expect(run.submit(9, 'bulk', 10)).toEqual(['end 9 queueFull'])
    expect(run.submit(10, 'interactive', 10)).toEqual([])
  })

  test('a deadline passes with a tick', () => {
    const run = new Run(npu)
    run.submit(1, 'interactive', 10)
    run.nowMs = 999
    expect(run.on({ type: 'ticked' })).toEqual([])
    run.nowMs = 1000
    expect(run.on({ type: 'ticked' })).toEqual(['end 1 deadline'])
    expect(run.state.requests.size).toBe(0)
  })
})

describe('another plan', () => {
  const planned = (...workers: LaneSpec['workers'][number][]) =>
    ({ type: 'replanned', lanes: [{ id: 'embed', merges: true, proves: true, workers }] }) as const

  test('the worker that serves stays until one of the plan is ready, and ends what it holds', () => {
    const run = new Run(cpu)
    run.ready('cpu')
    expect(run.on(planned(npu))).toEqual([])
    expect(run.submit(1, 'interactive', 10)).toEqual(['send 1 cpu 1 instead of npu: starting'])
    expect(run.ready('npu')).toEqual([])
    expect(run.submit(2, 'interactive', 10)).toEqual(['send 2 npu 1'])
    expect(run.finish(1)).toEqual(['end 1 done', 'let cpu go'])
  })

  test('a worker that never was ready goes at once; one that comes back into the plan stays', () => {
    const run = new Run(npu, cpu)
    run.ready('cpu')
    expect(run.on(planned(cpu))).toEqual(['let npu go'])
    expect(run.on(planned(npu))).toEqual([])
    expect(run.on(planned(cpu, npu))).toEqual([])
    expect(run.ready('npu')).toEqual([])
    expect(run.submit(1, 'interactive', 10)).toEqual(['send 1 cpu 1'])
  })

  test('what waits for a model that the plan has dropped ends; what runs is answered', () => {
    const run = new Run(cpu)
    run.ready('cpu')
    run.submit(1, 'interactive', 10)
    run.submit(2, 'interactive', 10)
    run.submit(3, 'interactive', 10)
    expect(run.on({ type: 'replanned', lanes: [] })).toEqual(['end 3 unserved'])
    expect(run.submit(4, 'interactive', 10)).toEqual(['end 4 unserved'])
    expect(run.finish(1)).toEqual(['end 1 done'])
    expect(run.finish(2)).toEqual(['end 2 done', 'let cpu go'])
  })

  test('a dropped worker that is lost is not waited for: its work goes to the plan', () => {
    const run = new Run(cpu)
    run.ready('cpu')
    run.submit(1, 'interactive', 10)
    run.on(planned(npu))
    expect(run.lose('cpu')).toEqual(['retry 1', 'let cpu go'])
    expect(run.ready('npu')).toEqual(['send 2 npu 1'])
  })
})
