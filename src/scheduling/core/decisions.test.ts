/** Each decision of the core by itself; `test/simulation` drives all of them together. */
import { describe, expect, test } from 'vitest'
import { positionOf } from './admission.ts'
import { climbed, freshClimb } from './concurrency.ts'
import { LIMITS } from './limits.suite.ts'
import {
  type Effect,
  type Event,
  type Fault,
  initialState,
  type LaneSpec,
  type State,
  type WorkerSpec,
} from './state.ts'
import { step } from './step.ts'

type Given = Event extends infer E ? (E extends Event ? Omit<E, 'nowMs'> : never) : never

class Run {
  state: State
  nowMs = 0
  /** Of the last event. */
  effects: readonly Effect[] = []
  #nextId = 1

  constructor(...lanes: LaneSpec[]) {
    this.state = initialState(LIMITS, lanes, 0)
  }

  on(event: Given): readonly Effect[] {
    const { state, effects } = step(this.state, { ...event, nowMs: this.nowMs } as Event)
    this.state = state
    this.effects = effects
    return effects
  }

  ready(
    worker: string,
    room = 2,
    more: { maxRoom?: number; proven?: boolean; resumes?: string[] } = {},
  ): readonly Effect[] {
    return this.on({ type: 'workerReady', worker, room, proven: true, ...more })
  }

  /** @returns its id */
  submit(lane: string, tokens: readonly number[], given: Partial<Submitted> = {}): number {
    const id = this.#nextId++
    const usual = { priority: 'interactive', client: 'a', kind: 'passage', deadlineMs: 60_000 } as const
    this.on({ type: 'submitted', request: { id, lane, tokens, ...usual, ...given } })
    return id
  }

  /** What is at a worker, oldest first: the requests of each batch. */
  at(worker: string): number[][] {
    return [...this.state.batches.values()]
      .filter((batch) => batch.worker === worker && !batch.settled)
      .map(({ parts }) => parts.map(({ request }) => request))
  }

  /** The oldest batch at a worker is answered after so many milliseconds. */
  answer(worker: string, ms: number): readonly Effect[] {
    const batch = this.#oldest(worker)
    this.nowMs += ms
    const done = this.on({ type: 'batchDone', batch })
    return [...done, ...this.on({ type: 'batchReleased', batch })]
  }

  refuse(worker: string, fault: Fault = 'engine'): readonly Effect[] {
    const batch = this.#oldest(worker)
    const failed = this.on({ type: 'batchFailed', batch, fault })
    return [...failed, ...this.on({ type: 'batchReleased', batch })]
  }

  #oldest(worker: string): number {
    const batch = [...this.state.batches.values()].find((each) => each.worker === worker && !each.settled)
    if (!batch) throw new Error(`${worker} holds nothing`)
    return batch.id
  }
}

type Submitted = Extract<Event, { type: 'submitted' }>['request']

const npu: WorkerSpec = { id: 'npu', overflow: false }
const cpu: WorkerSpec = { id: 'cpu', overflow: false }
const embed = (...workers: WorkerSpec[]): LaneSpec => ({ id: 'embed', merges: true, proves: true, workers })
const chat = (...workers: WorkerSpec[]): LaneSpec => ({ id: 'chat', merges: false, proves: false, workers })
const types = (effects: readonly Effect[]) => effects.map(({ type }) => type)

test('a worker that cannot do a request is no failing one: another does it, and its breaker stays closed', () => {
  const run = new Run(chat(npu, cpu))
  run.ready('npu', 1)
  run.ready('cpu', 1)
  for (let times = 0; times < 5; times++) {
    const id = run.submit('chat', [1])
    expect(types(run.refuse('npu', 'unable'))).not.toContain('breakerOpened')
    expect(run.at('cpu')).toEqual([[id]])
    run.answer('cpu', 10)
  }
  run.submit('chat', [1])
  expect(run.at('npu')).toHaveLength(1)
})

describe('turns', () => {
  test('clients of one priority share a lane: who has had least is next', () => {
    const run = new Run(chat(npu))
    run.ready('npu', 1)
    const many = [0, 1, 2, 3].map(() => run.submit('chat', [1], { client: 'busy' }))
    const one = run.submit('chat', [1], { client: 'patient' })
    expect(run.at('npu')).toEqual([[many[0]]])
    run.answer('npu', 100)
    expect(run.at('npu')).toEqual([[one]])
    run.answer('npu', 100)
    expect(run.at('npu')).toEqual([[many[1]]])
  })

  test('a client that waited for nothing saves no turns up', () => {
    const run = new Run(chat(npu))
    run.ready('npu', 1)
    run.submit('chat', [1], { client: 'late' })
    run.answer('npu', 10)
    for (let i = 0; i < 20; i++) {
      run.submit('chat', [1], { client: 'busy' })
      run.answer('npu', 10)
    }
    const held = run.submit('chat', [1], { client: 'busy' })
    const late = [0, 1, 2].map(() => run.submit('chat', [1], { client: 'late' }))
    const busy = run.submit('chat', [1], { client: 'busy' })
    const order = [held]
    for (let i = 0; i < 4; i++) {
      run.answer('npu', 10)
      order.push(run.at('npu')[0]?.[0] as number)
    }
    expect(order.indexOf(busy)).toBeLessThan(order.indexOf(late[2] as number))
  })

  test('large arrays of one client leave room for texts of another at each batch', () => {
    const run = new Run(embed(npu))
    run.ready('npu', 1)
    const array = run.submit('embed', new Array(60).fill(100), { priority: 'bulk', client: 'index' })
    const other = run.submit('embed', [100], { priority: 'bulk', client: 'other' })
    expect(run.at('npu')).toEqual([[array]])
    run.answer('npu', 10)
    expect(run.at('npu')[0]?.[0]).toBe(other)
  })

  test('the place in the queue counts turns, and people before bulk', () => {
    const run = new Run(chat(npu))
    run.ready('npu', 1)
    const [first, second, third] = [0, 1, 2].map(() => run.submit('chat', [1], { client: 'busy' }))
    const bulk = run.submit('chat', [1], { priority: 'bulk' })
    const patient = run.submit('chat', [1], { client: 'patient' })
    const places = [first, patient, second, third, bulk].map((id) => positionOf(run.state, id as number))
    expect(places).toEqual([undefined, 1, 2, 3, 4])
  })
})

describe('a bulk batch', () => {
  /** The padded tokens of the first batch of an array of 60 texts of 10 tokens, at a worker that takes so long for one. */
  function batchAt(msPerToken: number, priority: 'bulk' | 'interactive' = 'bulk'): number | undefined {
    const run = new Run(embed(npu))
    run.ready('npu', 1)
    run.submit('embed', [100])
    run.answer('npu', 100 * msPerToken)
    run.submit('embed', new Array(60).fill(10), { priority })
    return [...run.state.batches.values()].at(-1)?.paddedTokens
  }

  test('takes no longer than a person may wait for its end, by the measured pace', () => {
    expect(batchAt(0.1)).toBe(80) // batchInputs
    expect(batchAt(1)).toBeLessThanOrEqual(LIMITS.bulkBatchMs)
    expect(batchAt(1)).toBeGreaterThan(LIMITS.bulkBatchMs / 3)
    expect(batchAt(1, 'interactive')).toBe(80)
  })

  test('is tried at its size again after one slow answer, the first of a shape say', () => {
    const run = new Run(embed(npu))
    run.ready('npu', 1)
    const sizes: number[] = []
    for (let answers = 0; answers < 20; answers++) {
      run.submit('embed', new Array(8).fill(10), { priority: 'bulk' })
      while (run.at('npu').length > 0) {
        const { paddedTokens } = [...run.state.batches.values()].at(-1)!
        sizes.push(paddedTokens)
        run.answer('npu', paddedTokens * (sizes.length === 1 ? 10 : 0.1))
      }
    }
    expect(sizes[0]).toBe(80)
    expect(sizes[1]).toBeLessThan(80)
    expect(sizes.slice(-3)).toEqual([80, 80, 80])
  })

  test('of a very slow worker keeps a size at which batches are worth it', () => {
    expect(batchAt(100)).toBe(10)
  })
})

describe('Retry-After', () => {
  /** What the next one is told that comes while the queue is full. */
  function toldAfter(run: Run, given: Partial<Submitted> = {}): number {
    for (let i = 0; i < LIMITS.maxWaiting + 10; i++) run.submit('embed', [10], given)
    const [last] = run.effects.flatMap((effect) => (effect.type === 'end' ? [effect.ending] : []))
    if (last?.how !== 'queueFull') throw new Error('the queue is not full')
    return last.retryAfterS
  }

  test('counts requests, not the batches into which a large one falls', () => {
    const run = new Run(embed(npu))
    run.ready('npu', 1)
    for (let i = 0; i < 8; i++) run.submit('embed', new Array(16).fill(10))
    for (let i = 0; i < 12; i++) run.answer('npu', 1000)
    // 8 inputs to a batch, two batches to a request: 2 s each
    const told = toldAfter(run)
    expect(told).toBeGreaterThanOrEqual(1.5 * LIMITS.maxWaiting)
    expect(told).toBeLessThanOrEqual(2.5 * LIMITS.maxWaiting)
  })

  test('counts all workers of the lane', () => {
    const run = new Run(chat(npu, { id: 'cpu', overflow: true }))
    run.ready('npu', 1)
    run.ready('cpu', 1)
    for (let i = 0; i < 12; i++) run.submit('chat', [1])
    for (let i = 0; i < 5; i++) {
      run.answer('npu', 500)
      run.answer('cpu', 500)
    }
    expect(run.state.lanes.get('chat')?.answerMs).toBeCloseTo(500, 0)
  })

  test('does not count the time in which nobody waited', () => {
    const run = new Run(embed(npu))
    run.ready('npu', 1)
    for (let i = 0; i < 5; i++) {
      run.nowMs += 3_600_000
      run.submit('embed', [10])
      run.answer('npu', 10)
    }
    expect(toldAfter(run)).toBe(1)
  })

  test('short answers between long ones count by their number', () => {
    const run = new Run(embed(npu))
    run.ready('npu', 1)
    run.submit('embed', [10])
    for (let i = 0; i < 100; i++) {
      for (let j = 0; j < 8; j++) run.submit('embed', [10], { kind: 'passage' })
      run.answer('npu', 10)
      run.submit('embed', [10], { kind: 'query' })
      run.answer('npu', 310)
    }
    // 9 requests in 320 ms; the mean over batches would be 24
    expect(Math.abs((run.state.lanes.get('embed')?.answerMs ?? 0) - 320 / 9)).toBeLessThan(5)
  })
})

test('bulk that has waited long gets every second turn', () => {
  const run = new Run(chat(npu))
  run.ready('npu', 1)
  run.submit('chat', [1])
  for (let i = 0; i < 3; i++) run.submit('chat', [1], { priority: 'bulk' })
  for (let i = 0; i < 5; i++) run.submit('chat', [1])
  run.nowMs += LIMITS.bulkAgesMs
  const order: string[] = []
  for (let i = 0; i < 5; i++) {
    run.answer('npu', 10)
    order.push([...run.state.batches.values()].at(-1)?.priority as string)
  }
  expect(order).toEqual(['bulk', 'interactive', 'bulk', 'interactive', 'bulk'])
})

describe('overflow', () => {
  const lane = embed(npu, { id: 'gpu', overflow: true })

  /** npu does a text of 100 tokens in 10 ms, gpu in so many. */
  function measured(gpuMs: number): Run {
    const run = new Run(embed(npu))
    run.ready('npu')
    run.submit('embed', [100])
    run.answer('npu', 10)
    run.on({ type: 'replanned', lanes: [lane] })
    run.ready('gpu')
    run.on({ type: 'workerLost', worker: 'npu', why: 'test', gone: false })
    run.submit('embed', [100])
    run.answer('gpu', gpuMs)
    run.ready('npu')
    return run
  }

  test('goes to a worker that ends earlier than the queue of the first', () => {
    const run = measured(12)
    for (let i = 0; i < 3; i++) run.submit('embed', [100])
    expect([run.at('npu').length, run.at('gpu').length]).toEqual([2, 1])
  })

  test('waits for the first where it ends earlier all the same', () => {
    const run = measured(500)
    for (let i = 0; i < 6; i++) run.submit('embed', [100])
    expect([run.at('npu').length, run.at('gpu').length]).toEqual([2, 0])
    expect(run.state.lanes.get('embed')?.waiting.interactive).toBe(4)
  })

  test('nothing goes to a worker whose vectors are not proven', () => {
    const run = new Run(lane)
    run.ready('gpu', 2, { proven: false })
    run.submit('embed', [100])
    expect(run.at('gpu')).toEqual([])
    run.ready('gpu')
    expect(run.at('gpu')).toHaveLength(1)
  })
})

test('short and long texts of several clients do not share a batch', () => {
  const run = new Run(embed(npu))
  const short = [10, 12].map((tokens) => run.submit('embed', [tokens]))
  const long = run.submit('embed', [180])
  run.ready('npu')
  expect(run.at('npu')).toEqual([short, [long]])
})

describe('a breaker', () => {
  test('opens after refusals in a row, lets one batch try, closes with an answer', () => {
    const run = new Run(embed(npu, cpu))
    run.ready('npu')
    run.ready('cpu')
    let effects: readonly Effect[] = []
    for (let i = 0; i < LIMITS.breakerAfter; i++) {
      run.submit('embed', [10])
      effects = run.refuse('npu')
      expect(run.at('cpu')).toHaveLength(1) // the next placement does what this one refuses
      run.answer('cpu', 1)
    }
    expect(types(effects)).toContain('breakerOpened')
    run.submit('embed', [10])
    expect(run.at('npu')).toEqual([])
    run.answer('cpu', 1)

    run.nowMs += 1.3 * LIMITS.breakerMs
    run.submit('embed', [10])
    run.submit('embed', [10])
    expect([run.at('npu').length, run.at('cpu').length]).toEqual([1, 1])
    expect(types(run.answer('npu', 1))).toContain('breakerClosed')
    run.submit('embed', [10])
    run.submit('embed', [10])
    expect(run.at('npu')).toHaveLength(2)
  })

  test('stays open longer each time; the only worker that serves is tried all the same', () => {
    const run = new Run(embed(npu, cpu))
    run.ready('npu')
    run.ready('cpu')
    const openMs: number[] = []
    for (let i = 0; i < 30 && openMs.length < 3; i++) {
      run.submit('embed', [10])
      if (run.at('npu').length > 0)
        for (const effect of run.refuse('npu')) if (effect.type === 'breakerOpened') openMs.push(effect.forMs)
      while (run.at('cpu').length > 0) run.answer('cpu', 1)
      run.nowMs += 200
    }
    const [first, second, third] = openMs as [number, number, number]
    expect(second).toBeGreaterThan(first)
    expect(third).toBeGreaterThan(second)
    run.on({ type: 'workerLost', worker: 'cpu', why: 'test', gone: false })
    run.submit('embed', [10])
    expect(run.at('npu')).toHaveLength(1)
  })
})

describe('a hedge', () => {
  function slow(): Run {
    const run = new Run(embed(npu, cpu))
    run.ready('npu')
    run.ready('cpu')
    run.submit('embed', [100])
    run.answer('npu', 10)
    run.submit('embed', [100])
    run.nowMs += LIMITS.hedgeMs
    run.on({ type: 'ticked' })
    return run
  }

  test('the batch of a person that takes far too long goes to another worker too; the first answer counts', () => {
    const run = slow()
    expect([run.at('npu'), run.at('cpu')]).toEqual([[[2]], [[2]]])
    expect(types(run.answer('cpu', 5))).toEqual(['cancelBatch', 'end'])
    expect(run.at('npu')).toEqual([])
  })

  test('what fails of a pair leaves the other to answer', () => {
    const run = slow()
    expect(types(run.on({ type: 'workerLost', worker: 'npu', why: 'crash', gone: false }))).toEqual([])
    expect(types(run.answer('cpu', 5))).toEqual(['end'])
  })

  test('the end of the request calls both off', () => {
    const run = slow()
    expect(types(run.on({ type: 'cancelled', request: 2 }))).toEqual(['end', 'cancelBatch', 'cancelBatch'])
  })
})

describe('models that do not fit together', () => {
  const lanes = [
    chat({ id: 'talk', overflow: false, excludes: ['apply'] }),
    { ...chat({ id: 'apply', overflow: false, excludes: ['talk'] }), id: 'edits' },
  ]

  function loaded(): Run {
    const run = new Run(...lanes)
    run.on({ type: 'workerLost', worker: 'apply', why: 'unloaded', gone: false, resting: true })
    run.on({ type: 'memoryFreed', worker: 'apply' })
    run.ready('talk', 1)
    return run
  }

  test('the idle one goes, and the other loads once its memory is free', () => {
    const run = loaded()
    run.submit('edits', [1])
    expect(run.effects).toEqual([{ type: 'rest', worker: 'talk' }])
    run.on({ type: 'workerLost', worker: 'talk', why: 'unloaded', gone: false, resting: true })
    expect(run.on({ type: 'memoryFreed', worker: 'talk' })).toEqual([{ type: 'wake', worker: 'apply' }])
    run.ready('apply', 1)
    expect(run.at('apply')).toHaveLength(1)
  })

  test('one in use serves what waits for it, until the other has waited long', () => {
    const run = loaded()
    for (let i = 0; i < 5; i++) run.submit('chat', [1])
    const edit = run.submit('edits', [1])
    run.answer('talk', 10)
    expect(run.at('talk')).toHaveLength(1)
    run.nowMs += LIMITS.swapMs
    run.on({ type: 'ticked' })
    expect(types(run.answer('talk', 10))).toContain('rest')
    expect(run.at('talk')).toEqual([])
    run.on({ type: 'memoryFreed', worker: 'talk' })
    run.ready('apply', 1)
    expect(run.at('apply')).toEqual([[edit]])
    expect(run.state.requests.size).toBe(4) // none is dropped
  })

  test('one that took longer to load than the others wait serves as long before it makes room again', () => {
    const run = loaded()
    for (let i = 0; i < 3; i++) run.submit('chat', [1])
    const edits = [1, 2, 3, 4].map(() => run.submit('edits', [1]))
    run.nowMs += LIMITS.swapMs
    run.on({ type: 'ticked' })
    run.answer('talk', 10)
    // others wait for the one that made room, and for longer
    expect(run.on({ type: 'memoryFreed', worker: 'talk' })).toEqual([{ type: 'wake', worker: 'apply' }])
    run.nowMs += 5 * LIMITS.swapMs
    run.ready('apply', 1)
    expect(run.at('apply')).toEqual([[edits[0]]])
    run.answer('apply', 10)
    expect(run.at('apply')).toEqual([[edits[1]]])
    run.nowMs += LIMITS.swapMs
    run.on({ type: 'ticked' })
    expect(types(run.answer('apply', 10))).toContain('rest')
    expect(run.on({ type: 'memoryFreed', worker: 'apply' })).toEqual([{ type: 'wake', worker: 'talk' }])
  })
})

describe('bulk that gives way', () => {
  test('pauses after each batch by the share that it may take; people do not wait', () => {
    const run = new Run(embed({ ...npu, givesWay: true }))
    run.ready('npu')
    run.on({ type: 'bulkPaced', share: 0.25 })
    run.submit('embed', new Array(40).fill(100), { priority: 'bulk' })
    expect(run.at('npu')).toHaveLength(1) // none is ahead
    run.answer('npu', 100)
    expect(run.at('npu')).toEqual([])
    const person = run.submit('embed', [10])
    expect(run.at('npu')).toEqual([[person]])
    run.answer('npu', 1)
    run.nowMs += 290
    run.on({ type: 'ticked' })
    expect(run.at('npu')).toEqual([])
    run.nowMs += 20
    run.on({ type: 'ticked' })
    expect(run.at('npu')).toHaveLength(1)
    run.on({ type: 'bulkPaced', share: 1 })
    expect(run.at('npu')).toHaveLength(2)
  })
})

describe('a chat that was cut', () => {
  test('goes on at the next worker, before all that wait, within its bound', () => {
    const run = new Run(chat(npu, cpu))
    run.ready('npu', 1)
    run.ready('cpu', 1)
    const cut = run.submit('chat', [1], { deadlineMs: 100 })
    run.on({ type: 'firstDelta', batch: 1, shown: true })
    run.nowMs = 5_000
    run.on({ type: 'workerLost', worker: 'npu', why: 'crash', gone: false })
    expect(run.at('cpu')).toEqual([[cut]])
    const waiting = run.submit('chat', [1])
    run.on({ type: 'workerLost', worker: 'cpu', why: 'crash', gone: false })
    run.nowMs += LIMITS.resumeMs - 1
    expect(types(run.on({ type: 'ticked' }))).toEqual([])
    run.ready('cpu', 1)
    expect(run.at('cpu')).toEqual([[cut]])
    expect(positionOf(run.state, waiting)).toBe(1)
  })

  test('ends when no worker comes in time', () => {
    const run = new Run(chat(npu))
    run.ready('npu', 1)
    run.submit('chat', [1], { deadlineMs: 100 })
    run.on({ type: 'firstDelta', batch: 1, shown: true })
    run.on({ type: 'workerLost', worker: 'npu', why: 'crash', gone: false })
    run.nowMs += LIMITS.resumeMs
    expect(types(run.on({ type: 'ticked' }))).toEqual(['end'])
  })

  describe('and that its worker cannot go on with', () => {
    const traits = ['chat', 'tools']
    const plain = { resumes: ['chat'] }
    const lost = (run: Run) => run.on({ type: 'workerLost', worker: 'npu', why: 'crash', gone: false })
    const cut = (run: Run, shown = true) => {
      run.ready('npu', 1, plain)
      const id = run.submit('chat', [1], { traits })
      run.on({ type: 'firstDelta', batch: 1, shown })
      return id
    }

    test('ends at once, as its worker was lost: what comes back would begin anew', () => {
      const run = new Run(chat(npu))
      cut(run)
      expect(lost(run)).toMatchObject([{ type: 'end', ending: { how: 'failed', worker: 'npu' } }])
    })

    test('begins anew where nothing of it was shown', () => {
      const run = new Run(chat(npu))
      const id = cut(run, false)
      expect(types(lost(run))).toEqual(['retry'])
      run.ready('npu', 1, plain)
      expect(run.at('npu')).toEqual([[id]])
      run.on({ type: 'firstDelta', batch: 2, shown: false })
      run.on({ type: 'firstDelta', batch: 2, shown: true })
      expect(types(lost(run))).toEqual(['end'])
    })

    test('passes over who begins anew too, and goes on where it can', () => {
      const run = new Run(chat(npu, { id: 'gpu', overflow: false }, cpu))
      run.ready('gpu', 1, plain)
      run.ready('cpu', 1, { resumes: traits })
      const id = cut(run)
      lost(run)
      expect(run.at('cpu')).toEqual([[id]])
    })

    test('waits for one that still starts, and ends once that tells that it begins anew', () => {
      const run = new Run(chat(npu, cpu))
      cut(run)
      expect(types(lost(run))).toEqual(['retry'])
      run.ready('npu', 1, plain)
      expect(run.at('npu')).toEqual([])
      expect(run.ready('cpu', 1, plain)).toMatchObject([{ type: 'end', ending: { how: 'unable' } }])
    })

    test('a refusal of its engine sends it to one that goes on, or ends it', () => {
      const run = new Run(chat(npu, cpu))
      run.ready('cpu', 1, plain)
      cut(run)
      expect(run.refuse('npu')).toMatchObject([{ type: 'end', ending: { how: 'failed', worker: 'npu' } }])
    })
  })
})

describe('room', () => {
  /** A worker that does so many tokens a millisecond at each number of batches. */
  function settled(rates: Readonly<Record<number, number>>): number {
    let climb = freshClimb(2, 4, 0)
    let nowMs = 0
    for (let i = 0; i < 500; i++) {
      nowMs += 1000 / (rates[climb.room] as number)
      climb = climbed(climb, 1000, true, nowMs)
    }
    return climb.room
  }

  test('grows while more at once brings more, and stays where it does not', () => {
    expect(settled({ 2: 10, 3: 15, 4: 20 })).toBe(4)
    expect(settled({ 2: 10, 3: 15, 4: 15 })).toBe(3)
    expect(settled({ 2: 10, 3: 10, 4: 10 })).toBe(2)
  })

  test('climbs a wide range to where it stops to bring anything, within what the server tells', () => {
    const rateOf = (room: number) => Math.min(room, 20)
    const climbTo = (most: number) => {
      let climb = freshClimb(2, most, 0)
      let nowMs = 0
      for (let i = 0; i < 300; i++) {
        nowMs += 1000 / rateOf(climb.room)
        climb = climbed(climb, 1000, true, nowMs)
        expect(climb.room).toBeLessThanOrEqual(most)
      }
      return climb.room
    }
    expect(climbTo(64)).toBeGreaterThanOrEqual(19)
    expect(climbTo(64)).toBeLessThan(29)
    expect(climbTo(4)).toBe(4)
  })

  test('of chats is learned by the tokens that they wrote, whoever writes longer ones', () => {
    const run = new Run(chat(npu))
    run.on({ type: 'workerReady', worker: 'npu', room: 1, maxRoom: 4, proven: true })
    const running = () => [...run.state.batches.values()]
    let most = 0
    for (let i = 0; i < 120; i++) {
      while (running().length < (run.state.seats.get('npu')?.room ?? 0)) run.submit('chat', [1])
      const [first] = running()
      most = Math.max(most, running().length)
      run.nowMs += 1000 // one chat a second however many decode, but two at once write twice as much
      run.on({ type: 'batchDone', batch: first!.id, tokens: running().length > 1 ? 200 : 100 })
      run.on({ type: 'batchReleased', batch: first!.id })
    }
    expect(most).toBe(3)
    expect(run.state.seats.get('npu')?.room).toBe(2)
  })

  test('tells nothing while the worker is not full', () => {
    let climb = freshClimb(2, 4, 0)
    for (let i = 0; i < 500; i++) climb = climbed(climb, 1000, false, i * 100)
    expect(climb.room).toBe(2)
  })
})

describe('a request that only one worker can serve', () => {
  const unable = (run: Run, worker: string, cannot: readonly string[] = []) => {
    const batch = [...run.state.batches.values()].find((each) => each.worker === worker && !each.settled)
    const { id } = batch as { id: number }
    return [
      ...run.on({ type: 'batchFailed', batch: id, fault: 'unable', cannot }),
      ...run.on({ type: 'batchReleased', batch: id }),
    ]
  }
  const endings = (effects: readonly Effect[]) =>
    effects.flatMap((effect) => (effect.type === 'end' ? [effect.ending] : []))
  const fallbacks = (effects: readonly Effect[]) =>
    effects.flatMap((effect) => (effect.type === 'dispatch' ? [effect.fallback] : []))

  test('waits while that one is away, and is not sent to the other again', () => {
    const run = new Run(chat(npu, cpu))
    run.ready('cpu', 1)
    const pictures = run.submit('chat', [1])
    expect(types(unable(run, 'cpu'))).toEqual(['retry'])
    const text = run.submit('chat', [1])
    expect(run.at('cpu')).toEqual([[text]]) // what cannot go there holds nobody up
    run.answer('cpu', 10)
    run.ready('npu', 1)
    expect(run.at('npu')).toEqual([[pictures]])
    expect(fallbacks(run.effects)).toEqual([undefined])
  })

  test('ends at its deadline with the name of the one that was away', () => {
    const run = new Run(chat(npu, cpu))
    run.ready('cpu', 1)
    run.submit('chat', [1], { cannot: ['cpu'], deadlineMs: 500 })
    run.nowMs = 500
    expect(endings(run.on({ type: 'ticked' }))).toEqual([{ how: 'deadline', ms: 500, awaits: 'npu' }])
  })

  test('ends at once where none is left that can', () => {
    const run = new Run(chat(npu, cpu))
    run.ready('npu', 1)
    run.ready('cpu', 1)
    run.submit('chat', [1])
    expect(types(unable(run, 'npu', ['cpu']))).toEqual(['end'])
    run.submit('chat', [1], { cannot: ['npu', 'cpu'] })
    expect(endings(run.effects)).toEqual([{ how: 'unable', lane: 'chat', cannot: ['npu', 'cpu'] }])
    const waiting = run.submit('chat', [1], { cannot: ['cpu'] })
    expect(run.at('npu')).toEqual([[waiting]])
    const later = run.submit('chat', [1], { cannot: ['cpu'] })
    run.answer('npu', 10)
    expect(run.at('npu')).toEqual([[later]])
    run.on({ type: 'workerLost', worker: 'npu', why: 'stopped', gone: true })
    expect(endings(run.effects)).toEqual([{ how: 'unable', lane: 'chat', cannot: ['cpu'] }])
  })

  test('that fails there is tried nowhere else: the failure is what the client hears', () => {
    const run = new Run(chat(npu, cpu))
    run.ready('npu', 1)
    run.ready('cpu', 1)
    run.submit('chat', [1], { cannot: ['cpu'] })
    expect(endings(run.refuse('npu'))).toMatchObject([{ how: 'failed', worker: 'npu' }])
  })

  test('goes there though its breaker is open: it is the last one that can', () => {
    const run = new Run(chat(npu, cpu))
    run.ready('npu', 1)
    run.ready('cpu', 1)
    for (let i = 0; i < LIMITS.breakerAfter; i++) {
      run.submit('chat', [1])
      run.refuse('npu')
      run.answer('cpu', 1)
    }
    const [text, pictures] = [run.submit('chat', [1]), run.submit('chat', [1], { cannot: ['cpu'] })]
    expect([run.at('cpu'), run.at('npu')]).toEqual([[[text]], [[pictures]]])
  })

  test('is told of the first that could have served it', () => {
    const gpu: WorkerSpec = { id: 'gpu', overflow: false }
    const run = new Run(chat(npu, gpu, cpu))
    run.ready('npu', 1)
    run.ready('cpu', 1)
    run.submit('chat', [1], { cannot: ['npu'] })
    expect(fallbacks(run.effects)).toEqual([{ from: 'gpu', why: 'starting' }])
  })

  test('shares no batch with others that go where it cannot', () => {
    const run = new Run(embed(npu, { id: 'cpu', overflow: true }))
    const able = run.submit('embed', [10])
    const other = run.submit('embed', [10], { cannot: ['npu'] })
    run.ready('npu')
    expect(run.at('npu')).toEqual([[able]])
    run.ready('cpu')
    expect(run.at('cpu')).toEqual([[other]])
  })

  test('is hedged nowhere else', () => {
    const run = new Run(embed(npu, cpu))
    run.ready('npu')
    run.ready('cpu')
    run.submit('embed', [100], { cannot: ['cpu'] })
    run.answer('npu', 10)
    run.submit('embed', [100], { cannot: ['cpu'] })
    run.nowMs += LIMITS.hedgeMs
    expect(run.on({ type: 'ticked' })).toEqual([])
  })

  test('has that one loaded, though another is at work', () => {
    const run = new Run(chat(npu, cpu))
    run.ready('npu', 1)
    run.on({ type: 'workerLost', worker: 'cpu', why: 'unloaded', gone: false, resting: true })
    run.on({ type: 'memoryFreed', worker: 'cpu' })
    run.submit('chat', [1], { cannot: ['npu'] })
    expect(run.effects).toEqual([{ type: 'wake', worker: 'cpu' }])
  })
})

describe('what must wait', () => {
  test('holds up nothing that others can serve, and comes first where it waits', () => {
    const run = new Run(chat(npu, { id: 'cpu', overflow: true }))
    run.ready('npu', 1)
    const held = run.submit('chat', [1], { cannot: ['cpu'] })
    const [first, second] = [0, 1].map(() => run.submit('chat', [1], { cannot: ['cpu'] }))
    const texts = [0, 1, 2].map(() => run.submit('chat', [1], { cannot: ['npu'] }))
    run.ready('cpu', 1)
    expect([run.at('npu'), run.at('cpu')]).toEqual([[[held]], [[texts[0]]]])
    run.answer('cpu', 10)
    expect(run.at('cpu')).toEqual([[texts[1]]])
    run.submit('chat', [1]) // could go to either
    run.answer('npu', 10)
    expect(run.at('npu')).toEqual([[first]])
    run.answer('npu', 10)
    expect(run.at('npu')).toEqual([[second]])
  })

  test('alone at its worker gets it once that is empty, whoever else comes', () => {
    const gpu: WorkerSpec = { id: 'gpu', overflow: false }
    const run = new Run(embed(gpu, npu))
    run.ready('gpu')
    run.ready('npu')
    const lost = run.submit('embed', [100])
    const other = run.submit('embed', [100], { cannot: ['gpu'] })
    run.on({ type: 'workerLost', worker: 'gpu', why: 'crash', gone: false })
    expect(run.at('npu')).toEqual([[other]])
    const later = run.submit('embed', [10])
    expect(run.at('npu')).toEqual([[other]])
    run.answer('npu', 10)
    expect(run.at('npu')).toEqual([[lost]])
    run.answer('npu', 10)
    expect(run.at('npu')).toEqual([[later]])
  })

  test('bulk passes a person only to a worker that the person may not have', () => {
    const run = new Run(chat(npu, { id: 'cpu', overflow: true }))
    run.ready('npu', 1)
    run.submit('chat', [1])
    const person = run.submit('chat', [1], { cannot: ['cpu'] })
    const bulk = [0, 1].map(() => run.submit('chat', [1], { priority: 'bulk' }))
    run.ready('cpu', 1)
    expect(run.at('cpu')).toEqual([[bulk[0]]])
    run.answer('npu', 10)
    expect(run.at('npu')).toEqual([[person]])
  })
})

describe('a worker that others kill', () => {
  const kill = (run: Run) =>
    run.on({ type: 'workerLost', worker: 'npu', why: 'killed', gone: false, killed: true })

  test('says nothing of the texts that it held: they are tried again, side by side, up to a bound', () => {
    const run = new Run(embed(npu))
    const both = [run.submit('embed', [10]), run.submit('embed', [10])]
    for (let i = 1; i < LIMITS.maxKills; i++) {
      run.ready('npu')
      expect(run.at('npu')).toEqual([both])
      expect(types(kill(run))).toEqual(['retry', 'retry'])
    }
    expect(run.state.requests.get(both[0] as number)).toMatchObject({ tries: 0, suspects: [] })
    run.ready('npu')
    expect(types(kill(run))).toEqual(['end', 'end'])
  })

  test('counts for a chat, which begins to wait anew each time', () => {
    const run = new Run(chat(npu))
    run.submit('chat', [1])
    for (let i = 1; i < LIMITS.maxTries; i++) {
      run.ready('npu', 1)
      expect(types(kill(run))).toEqual(['retry'])
    }
    run.ready('npu', 1)
    expect(types(kill(run))).toEqual(['end'])
  })
})
