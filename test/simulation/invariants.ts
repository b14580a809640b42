/** What must hold whatever happens; each is checked from outside, by what was sent and what came back. */
import { PRIORITIES, type Priority } from '../../src/domain/index.ts'
import type { Batch, Effect, Ending, LaneSpec, Limits, State } from '../../src/scheduling/core/index.ts'
import type { Process } from './processes.ts'

type Request = ReturnType<State['requests']['values']>[number]

/** Thousands of checks a run: cheaper than a test library's. */
export function must(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what)
}

type Submitted = Pick<Request, 'id' | 'lane' | 'tokens' | 'deadlineMs'>
type Dispatch = Extract<Effect, { type: 'dispatch' }>

/** Bulk that has become old gets a turn after this many interactive batches. */
const AFTER_WHEN_OLD = 1
/** Between two ticks nothing expires. */
const TICK_MS = 100

interface Known {
  readonly lane: string
  readonly inputs: number
  readonly submittedMs: number
  readonly deadlineMs: number
  /** Since all of its lost inputs were answered. */
  losses: number
  /** Lost inputs that were not answered since. */
  readonly suspects: Set<number>
  cameBack: boolean
  /** Workers whose engine refused it. */
  readonly refusedBy: Set<string>
  /** Whether a batch of it alone was refused for its input, or by an engine. */
  refusedAlone: boolean
  readonly answered: Set<number>
  endings: number
  cancelled: boolean
}

export class Invariants {
  readonly #limits: Limits
  readonly #processes: ReadonlyMap<string, Process>
  readonly #requests = new Map<number, Known>()
  readonly #batches = new Map<number, Batch>()
  /** Interactive batches in a row while bulk waited, by lane. */
  readonly #run = new Map<string, number>()
  /** Refusals in a row of a worker's engine, and until when its breaker is open at least. */
  readonly #refusals = new Map<string, { count: number; openUntilMs: number }>()

  constructor(limits: Limits, processes: ReadonlyMap<string, Process>) {
    this.#limits = limits
    this.#processes = processes
  }

  submitted({ id, lane, tokens, deadlineMs }: Submitted, submittedMs: number): void {
    const fresh = { losses: 0, cameBack: false, refusedAlone: false, endings: 0, cancelled: false }
    const inputs = tokens.length
    this.#requests.set(id, {
      lane,
      inputs,
      submittedMs,
      deadlineMs,
      ...fresh,
      suspects: new Set(),
      refusedBy: new Set(),
      answered: new Set(),
    })
  }

  cancelled(id: number): void {
    const known = this.#requests.get(id)
    if (known && known.endings === 0) known.cancelled = true
  }

  /** A worker answered a batch that still counts in the state before. */
  answered(id: number, before: State): void {
    const batch = this.#batches.get(id)
    if (!batch || before.batches.get(id)?.settled !== false) return
    this.#refusals.delete(batch.worker)
    for (const { request, inputs } of batch.parts)
      for (const input of inputs) {
        const known = this.#requests.get(request)
        if (!known || known.endings > 0) continue
        must(!known.answered.has(input), `input ${input} of request ${request} was answered twice`)
        known.answered.add(input)
        if (known.suspects.delete(input) && known.suspects.size === 0) known.losses = 0
      }
  }

  refused(id: number, fault: 'worker' | 'engine' | 'input', before: State, nowMs: number): void {
    const batch = this.#batches.get(id)
    const held = before.batches.get(id)
    if (!batch || held?.settled !== false) return
    if (fault === 'engine') {
      const count = (this.#refusals.get(batch.worker)?.count ?? 0) + 1
      const openUntilMs = count >= this.#limits.breakerAfter ? nowMs + 0.75 * this.#limits.breakerMs : 0
      this.#refusals.set(batch.worker, { count, openUntilMs })
    }
    if (held.twin !== undefined && before.batches.get(held.twin)?.settled === false) return
    for (const { request } of batch.parts) {
      const known = this.#requests.get(request)
      if (!known) continue
      if (fault === 'engine') known.refusedBy.add(batch.worker)
      if (batch.parts.length === 1) known.refusedAlone = true
    }
  }

  lost(worker: string, before: State): void {
    const hit = new Map<number, number[]>()
    for (const batch of before.batches.values()) {
      if (batch.worker !== worker || batch.settled) continue
      if (batch.twin !== undefined && before.batches.get(batch.twin)?.settled === false) continue
      for (const { request, inputs } of batch.parts)
        hit.set(request, [...(hit.get(request) ?? []), ...inputs])
    }
    for (const [request, inputs] of hit) {
      const known = this.#requests.get(request)
      if (!known) continue
      known.losses += 1
      known.cameBack = true
      for (const input of inputs) known.suspects.add(input)
    }
  }

  /** @param before the state before the step that sent it */
  dispatched({ batch }: Dispatch, state: State, before: State): void {
    const { worker, parts } = batch
    const process = this.#processes.get(worker)
    const seat = state.seats.get(worker)
    const lane = state.lanes.get(seat?.lane ?? '')
    must(process?.state === 'ready', `${worker} was sent a batch while it is ${process?.state}`)
    must(parts.length > 0 && parts.every(({ inputs }) => inputs.length > 0), 'an empty batch was sent')
    must(lane !== undefined, `a batch was sent to ${worker}, which belongs to no lane`)
    must(!lane.proves || process.nature.proven, `${worker} was sent a batch before its vectors were proven`)
    for (const { request } of parts)
      must(this.#requests.get(request)?.endings === 0, `request ${request} was sent after its end`)
    this.#batches.set(batch.id, batch)
    const twin = batch.twin === undefined ? undefined : this.#batches.get(batch.twin)
    if (twin) {
      must(twin.worker !== worker, 'a batch was hedged at its own worker')
      const same = parts.every(({ request, inputs }) =>
        twin.parts.some((part) => part.request === request && part.inputs === inputs),
      )
      must(same, 'a hedge has other inputs')
      return
    }
    this.#breaker(batch, state)
    this.#order(batch, seat?.lane ?? '', state, before)
  }

  /** Only the last one that serves is tried while its engine refuses everything. */
  #breaker({ worker, parts }: Batch, state: State): void {
    const { count = 0, openUntilMs = 0 } = this.#refusals.get(worker) ?? {}
    if (count < this.#limits.breakerAfter || state.nowMs >= openUntilMs) return
    const lane = state.lanes.get(state.seats.get(worker)?.lane ?? '')
    const refusedBy = this.#requests.get(parts[0]?.request ?? -1)?.refusedBy
    const others = (lane?.workers ?? []).filter((id) => {
      const other = state.seats.get(id)
      const open = (this.#refusals.get(id)?.count ?? 0) >= this.#limits.breakerAfter
      const proven = !lane?.proves || other?.proven === true
      const usable = other?.ready && proven && other.yieldsTo === undefined
      return id !== worker && usable && !open && !refusedBy?.has(id)
    })
    must(others.length === 0, `${worker} was sent a batch while its breaker is open and ${others} serves`)
  }

  /** What waits after the step waited when the batch was sent, too. */
  #order({ priority: sent, parts }: Batch, lane: string, state: State, before: State): void {
    const run = this.#run.get(lane) ?? 0
    const bulk = waitingOf(state, lane, 'bulk')
    const people = waitingOf(state, lane, 'interactive')
    const isOld = (submittedMs: number) => state.nowMs - submittedMs >= this.#limits.bulkAgesMs
    const old =
      [...bulk, ...waitingOf(before, lane, 'bulk')].some(({ submittedMs }) => isOld(submittedMs)) ||
      parts.some(({ request }) => isOld(this.#requests.get(request)?.submittedMs ?? state.nowMs))
    if (sent === 'bulk') {
      must(people.length === 0 || run >= AFTER_WHEN_OLD, 'bulk went before a person')
      must(old || people.length === 0 || run >= this.#limits.bulkAfter, 'bulk went before a person')
    }
    const paused = state.bulkShare < 1
    if (sent === 'interactive' && bulk.length > 0 && !paused)
      must(run < (old ? AFTER_WHEN_OLD + this.#limits.bulkAfter : this.#limits.bulkAfter), 'bulk starves')
    this.#run.set(lane, sent === 'bulk' ? 0 : run + 1)
  }

  ended(id: number, ending: Ending): void {
    const known = this.#requests.get(id)
    must(known !== undefined, `request ${id} ended, and nobody asked for it`)
    known.endings += 1
    must(known.endings === 1, `request ${id} ended twice`)
    if (ending.how === 'done') {
      must(known.answered.size === known.inputs, `request ${id} ended without all of its answers`)
    } else if (ending.how === 'failed') {
      must(
        known.losses >= this.#limits.maxTries || known.refusedAlone,
        `request ${id} failed after ${known.losses} losses`,
      )
    } else if (ending.how === 'cancelled') must(known.cancelled, `request ${id} was cancelled by nobody`)
  }

  /** After each step. */
  bounds(state: State, plan: readonly LaneSpec[]): void {
    for (const process of this.#processes.values()) {
      const held = [...state.batches.values()].filter(({ worker }) => worker === process.nature.id)
      const { merges, maxRoom, id } = process.nature
      const people = held.filter(({ priority }) => priority === 'interactive').length
      must(people <= maxRoom, `${id} holds ${people} interactive batches`)
      must(held.length <= (merges ? 2 * maxRoom : maxRoom), `${id} holds ${held.length} batches`)
      must(held.length === 1 || !held.some(({ exclusive }) => exclusive), `${id} shares an exclusive batch`)
    }
    for (const spec of plan)
      for (const priority of PRIORITIES) {
        const waiting = waitingOf(state, spec.id, priority)
        // others come back above the bound
        const fresh = waiting.filter(({ id, alone }) => !this.#requests.get(id)?.cameBack && !alone)
        must(fresh.length <= this.#limits.maxWaiting, `${fresh.length} ${priority} requests wait`)
        const counted = state.lanes.get(spec.id)?.waiting[priority]
        must(
          counted === waiting.length,
          `${counted} ${priority} requests are counted, ${waiting.length} wait`,
        )
      }
    this.#memory(plan)
    this.#work(state)
  }

  #memory(plan: readonly LaneSpec[]): void {
    for (const { workers } of plan)
      for (const { id, excludes = [] } of workers)
        for (const other of excludes)
          must(
            !this.#processes.get(id)?.holdsMemory || !this.#processes.get(other)?.holdsMemory,
            `${id} and ${other} are loaded together`,
          )
  }

  /** Nobody waits before an idle worker: the first that serves takes what is next. */
  #work(state: State): void {
    for (const lane of state.lanes.values()) {
      const waiting = [...waitingOf(state, lane.id, 'interactive'), ...waitingOf(state, lane.id, 'bulk')]
      if (waiting.length === 0) continue
      const first = lane.workers
        .map((id) => state.seats.get(id))
        .find((seat) => seat?.ready && (seat.proven || !lane.proves))
      if (!first || first.yieldsTo !== undefined || first.breaker.failures > 0) continue
      if ([...state.batches.values()].some(({ worker }) => worker === first.id)) continue
      const willing = waiting.filter(({ avoid }) => !avoid.includes(first.id))
      const paced =
        state.bulkShare < 1 && first.givesWay && willing.every(({ priority }) => priority === 'bulk')
      must(paced || willing.length < waiting.length, `${waiting.length} wait, and ${first.id} is idle`)
    }
  }

  /** At each tick. */
  deadlines(state: State): void {
    for (const request of state.requests.values())
      must(
        state.nowMs <= request.deadlineMs + TICK_MS || (request.started && request.running > 0),
        `request ${request.id} is over its deadline`,
      )
  }

  /** After everything settled. */
  all(state: State): void {
    must(state.requests.size === 0, `${state.requests.size} requests never ended`)
    must(state.batches.size === 0, `${state.batches.size} batches were never let go`)
    for (const [id, { endings }] of this.#requests)
      must(endings === 1, `request ${id} ended ${endings} times`)
  }
}

function waitingOf(state: State, lane: string, priority: Priority): Request[] {
  return state.requests
    .values()
    .filter((request) => request.lane === lane && request.priority === priority && request.pending.length > 0)
}
