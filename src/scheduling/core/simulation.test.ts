import { describe, expect, test } from 'vitest'
import { PRIORITIES, type Priority } from '../../domain/index.ts'
import type { Batch, Effect, Ending, Event, Fault, LaneSpec, Limits, State } from './state.ts'
import { initialState } from './state.ts'
import { step } from './step.ts'

const LIMITS: Limits = {
  maxWaiting: 12,
  maxTries: 3,
  maxGapMs: 500,
  batchTokens: 400,
  bulkBatchTokens: 100,
  batchInputs: 8,
  bulkAfter: 3,
}

const LANES: readonly LaneSpec[] = [
  {
    id: 'embed',
    merges: true,
    workers: [
      { id: 'npu', overflow: false },
      { id: 'gpu', overflow: true },
      { id: 'cpu', overflow: false },
    ],
  },
  { id: 'chat', merges: false, workers: [{ id: 'talk', overflow: false }] },
]
const ROOM: Readonly<Record<string, number>> = { npu: 2, gpu: 2, cpu: 1, talk: 3 }

/** Plans that may follow: workers dropped, reordered, back again; the chat lane always stays. */
const PLANS: readonly (readonly LaneSpec[])[] = [
  LANES,
  [
    {
      id: 'embed',
      merges: true,
      workers: [
        { id: 'cpu', overflow: false },
        { id: 'npu', overflow: false },
      ],
    },
    LANES[1] as LaneSpec,
  ],
  [{ id: 'embed', merges: true, workers: [{ id: 'gpu', overflow: false }] }, LANES[1] as LaneSpec],
]

/** mulberry32: the same numbers for the same seed. */
function randomOf(seed: number): () => number {
  let a = seed
  return () => {
    a = (a + 0x6d2b79f5) | 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** Thousands of checks a run: cheaper than expect(). */
function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(what)
}

/** Workers, clients and faults around the core; checks its bounds after every step. */
class Simulation {
  readonly endings = new Map<number, Ending[]>()
  readonly submitted: number[] = []
  readonly inputsDone = new Map<number, number[]>()
  readonly atWorker = new Map<number, Batch>()
  readonly cancelled = new Set<number>()
  /** Interactive batches sent since the last bulk one, by lane. */
  readonly interactiveRun = new Map<string, number>()
  state: State = initialState(LIMITS, LANES, 0)
  nowMs = 0
  readonly random: () => number

  constructor(seed: number) {
    this.random = randomOf(seed)
  }

  below(n: number): number {
    return Math.floor(this.random() * n)
  }

  pick<T>(values: readonly T[]): T | undefined {
    return values[this.below(values.length)]
  }

  send(event: Event): void {
    const before = this.state
    const { state, effects } = step(before, event)
    this.state = state
    for (const effect of effects) this.#perform(effect)
    this.#checkBounds()
  }

  #perform(effect: Effect): void {
    if (effect.type === 'end')
      this.endings.set(effect.request, [...(this.endings.get(effect.request) ?? []), effect.ending])
    else if (effect.type === 'cancelBatch') this.cancelled.add(effect.batch)
    else if (effect.type === 'vacated') {
      const held = [...this.atWorker.values()].filter((batch) => batch.worker === effect.worker)
      must(held.length === 0, `${effect.worker} was let go while it held a batch`)
      must(!this.#planned().has(effect.worker), `${effect.worker} was let go, and the plan has it`)
    } else {
      const seat = this.state.seats.get(effect.batch.worker)
      must(seat?.ready === true, `${effect.batch.worker} was sent a batch while it was not ready`)
      must(effect.batch.parts.length > 0, 'an empty batch was sent')
      this.atWorker.set(effect.batch.id, effect.batch)
      this.#checkOrder(effect.batch.priority, seat?.lane ?? '')
    }
  }

  plan: readonly LaneSpec[] = LANES

  #planned(): Set<string> {
    return new Set(this.plan.flatMap((lane) => lane.workers.map((worker) => worker.id)))
  }

  replan(): void {
    const served = this.state.lanes.get('embed')?.workers.some((id) => this.state.seats.get(id)?.ready)
    this.plan = this.pick(PLANS) as readonly LaneSpec[]
    this.send({ type: 'replanned', lanes: this.plan, nowMs: this.nowMs })
    const serves = this.state.lanes.get('embed')?.workers.some((id) => this.state.seats.get(id)?.ready)
    must(!served || serves === true, 'a new plan left a lane without the worker that served it')
  }

  /** What waits after the step waited when the batch was sent, too. */
  #checkOrder(sent: Priority, lane: string): void {
    const run = this.interactiveRun.get(lane) ?? 0
    const waits = (priority: Priority) =>
      [...this.state.requests.values()].some(
        (request) => request.lane === lane && request.priority === priority && request.pending.length > 0,
      )
    if (sent === 'bulk') must(!waits('interactive') || run >= LIMITS.bulkAfter, 'bulk went before a person')
    else must(!waits('bulk') || run < LIMITS.bulkAfter, 'bulk starves')
    this.interactiveRun.set(lane, sent === 'bulk' ? 0 : run + 1)
  }

  #checkBounds(): void {
    for (const [worker, room] of Object.entries(ROOM)) {
      const held = [...this.state.batches.values()].filter((batch) => batch.worker === worker)
      const interactive = held.filter((batch) => batch.priority === 'interactive').length
      must(interactive <= room, `${worker} holds ${interactive} interactive batches`)
      must(held.length <= (worker === 'talk' ? room : 2 * room), `${worker} holds ${held.length} batches`)
      must(held.length === 1 || !held.some((batch) => batch.exclusive), `${worker} shares an exclusive batch`)
    }
    for (const lane of LANES)
      for (const priority of PRIORITIES) {
        const waiting = [...this.state.requests.values()].filter(
          (request) =>
            request.lane === lane.id &&
            request.priority === priority &&
            request.pending.length > 0 &&
            request.tries === 0 && // what was lost or refused comes back above the bound
            !request.alone,
        )
        must(waiting.length <= LIMITS.maxWaiting, `${waiting.length} ${priority} requests wait`)
      }
  }

  submit(): void {
    const id = this.submitted.length
    this.submitted.push(id)
    const chat = this.random() < 0.2
    const inputs = chat ? 1 : 1 + this.below(this.random() < 0.2 ? 60 : 3)
    this.send({
      type: 'submitted',
      nowMs: this.nowMs,
      request: {
        id,
        lane: chat ? 'chat' : 'embed',
        priority: inputs > 16 || this.random() < 0.3 ? 'bulk' : 'interactive',
        kind: this.random() < 0.3 ? 'query' : 'passage',
        deadlineMs: this.nowMs + 50 + this.below(3000),
        tokens: Array.from({ length: inputs }, () => 1 + this.below(150)),
      },
    })
  }

  /** A worker ends its oldest batch, one way or another. */
  answer(): void {
    const batch = this.pick([...this.atWorker.values()])
    if (!batch) return
    const { nowMs } = this
    const dice = this.random()
    if (batch.worker === 'talk' && dice < 0.3) {
      this.send({ type: 'firstDelta', batch: batch.id, nowMs })
      return
    }
    this.atWorker.delete(batch.id)
    if (!this.cancelled.has(batch.id)) {
      if (dice < 0.85) {
        for (const part of batch.parts)
          this.inputsDone.set(part.request, [...(this.inputsDone.get(part.request) ?? []), ...part.inputs])
        this.send({ type: 'batchDone', batch: batch.id, nowMs })
      } else
        this.send({
          type: 'batchFailed',
          batch: batch.id,
          fault: this.pick(['worker', 'engine', 'input'] as const) as Fault,
          nowMs,
        })
    }
    this.send({ type: 'batchReleased', batch: batch.id, nowMs })
  }

  lose(): void {
    const worker = this.pick(Object.keys(ROOM)) as string
    for (const batch of [...this.atWorker.values()])
      if (batch.worker === worker) this.atWorker.delete(batch.id)
    this.send({ type: 'workerLost', worker, why: 'crash', gone: false, nowMs: this.nowMs })
  }

  revive(): void {
    const worker = this.pick([...this.state.seats.keys()]) as string
    if (this.state.seats.get(worker)?.ready) return
    this.send({ type: 'workerReady', worker, room: ROOM[worker] as number, nowMs: this.nowMs })
  }

  run(steps: number): void {
    for (let i = 0; i < steps; i++) {
      this.nowMs += this.below(20)
      const dice = this.random()
      if (dice < 0.35) this.submit()
      else if (dice < 0.75) this.answer()
      else if (dice < 0.85) this.revive()
      else if (dice < 0.88) this.lose()
      else if (dice < 0.89) this.replan()
      else if (dice < 0.93 && this.submitted.length > 0)
        this.send({ type: 'cancelled', request: this.below(this.submitted.length), nowMs: this.nowMs })
      else this.send({ type: 'ticked', nowMs: this.nowMs })
    }
  }

  /** Lets everything finish: all workers back, no more faults of the environment. */
  settle(): void {
    for (const worker of [...this.state.seats.keys()])
      if (this.state.seats.get(worker)?.ready === false)
        this.send({ type: 'workerReady', worker, room: ROOM[worker] as number, nowMs: this.nowMs })
    for (let i = 0; i < 2000 && this.atWorker.size > 0; i++) this.answer()
  }
}

const SEEDS = Array.from({ length: 400 }, (_, seed) => seed)

describe('a run with crashes, refusals, cancels and deadlines', () => {
  test.each(SEEDS)('seed %i: each request ends once, within the bounds, and nothing stays behind', (seed) => {
    const run = new Simulation(seed)
    run.run(200)
    run.settle()
    expect(
      [...run.endings].map(([id, endings]) => [id, endings.length]).sort((a, b) => (a[0] ?? 0) - (b[0] ?? 0)),
    ).toEqual(run.submitted.map((id) => [id, 1]))
    expect(run.state.requests.size).toBe(0)
    expect(run.state.batches.size).toBe(0)
    for (const [id, [ending]] of run.endings) {
      const done = run.inputsDone.get(id) ?? []
      expect(new Set(done).size, `request ${id}: an input was embedded twice`).toBe(done.length)
      if (ending?.how === 'done') expect(done.length).toBeGreaterThan(0)
    }
  })

  test.each(SEEDS.slice(0, 100))('seed %i: draining ends what waits, stopping ends the rest', (seed) => {
    const run = new Simulation(seed)
    run.run(100)
    run.send({ type: 'draining', nowMs: run.nowMs })
    run.submit()
    expect(run.endings.get(run.submitted.length - 1)).toEqual([{ how: 'shuttingDown' }])
    run.run(20)
    run.send({ type: 'stopped', nowMs: run.nowMs })
    expect(run.state.requests.size).toBe(0)
    expect([...run.endings.values()].every((endings) => endings.length === 1)).toBe(true)
    expect(run.endings.size).toBe(run.submitted.length)
  })

  test('a run can be replayed: equal seeds, equal endings', () => {
    const [a, b] = [new Simulation(7), new Simulation(7)]
    a.run(500)
    b.run(500)
    expect(a.endings).toEqual(b.endings)
    expect(a.state).toEqual(b.state)
  })
})
