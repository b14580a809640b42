/** What must hold whatever happens; each is checked from outside, by what was sent and what came back. */
import { PRIORITIES, type Priority } from '../../src/domain/index.ts'
import type {
  Batch,
  Effect,
  Ending,
  Event,
  LaneSpec,
  Limits,
  State,
} from '../../src/scheduling/core/index.ts'
import type { Process } from './processes.ts'

type Request = ReturnType<State['requests']['values']>[number]
type Lane = ReturnType<State['lanes']['get']> & object
type Seat = ReturnType<State['seats']['get']> & object

/** Thousands of checks a run: cheaper than a test library's. */
export function must(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what)
}

type Submitted = Pick<Request, 'id' | 'lane' | 'tokens' | 'deadlineMs'> &
  Partial<Pick<Request, 'cannot' | 'traits'>>
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
  /** Times that an encoder was killed under it: not counted as losses. */
  kills: number
  /** Lost inputs that were not answered since. */
  readonly suspects: Set<number>
  cameBack: boolean
  /** Workers whose engine refused it. */
  readonly refusedBy: Set<string>
  /** Workers of which the core was told that they can never serve it. */
  readonly cannot: Set<string>
  readonly traits: readonly string[]
  /** Whether some of its answer is out. */
  shown: boolean
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

  submitted(
    { id, lane, tokens, deadlineMs, cannot = [], traits = [] }: Submitted,
    submittedMs: number,
  ): void {
    const fresh = { losses: 0, kills: 0, cameBack: false, refusedAlone: false, endings: 0, cancelled: false }
    const inputs = tokens.length
    this.#requests.set(id, {
      lane,
      inputs,
      submittedMs,
      deadlineMs,
      ...fresh,
      suspects: new Set(),
      refusedBy: new Set(),
      cannot: new Set(cannot),
      traits,
      shown: false,
      answered: new Set(),
    })
  }

  began({ batch: id, shown }: Extract<Event, { type: 'firstDelta' }>, before: State): void {
    if (!shown || before.batches.get(id)?.settled !== false) return
    for (const { request } of this.#batches.get(id)?.parts ?? []) {
      const known = this.#requests.get(request)
      if (known) known.shown = true
    }
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

  refused(
    { batch: id, fault, cannot = [] }: Extract<Event, { type: 'batchFailed' }>,
    before: State,
    nowMs: number,
  ): void {
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
      if (batch.parts.length > 1) continue
      if (fault === 'unable') for (const each of [batch.worker, ...cannot]) known.cannot.add(each)
      else known.refusedAlone = true
    }
  }

  lost(worker: string, before: State, killed: boolean): void {
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
      known.cameBack = true
      if (killed && this.#processes.get(worker)?.nature.merges) {
        known.kills += 1
        continue
      }
      known.losses += 1
      for (const input of inputs) known.suspects.add(input)
    }
  }

  /** @param before the state before the step that sent it */
  dispatched({ batch, fallback }: Dispatch, state: State, before: State): void {
    const { worker, parts } = batch
    const process = this.#processes.get(worker)
    const seat = state.seats.get(worker)
    const lane = state.lanes.get(seat?.lane ?? '')
    must(process?.state === 'ready', `${worker} was sent a batch while it is ${process?.state}`)
    must(parts.length > 0 && parts.every(({ inputs }) => inputs.length > 0), 'an empty batch was sent')
    must(lane !== undefined, `a batch was sent to ${worker}, which belongs to no lane`)
    must(!lane.proves || process.nature.proven, `${worker} was sent a batch before its vectors were proven`)
    for (const { request } of parts) {
      const known = this.#requests.get(request)
      must(known?.endings === 0, `request ${request} was sent after its end`)
      must(!known.cannot.has(worker), `request ${request} was sent to ${worker}, which cannot serve it`)
      must(!this.#beginsAnew(known, worker), `request ${request} begins anew at ${worker}`)
    }
    const head = this.#requests.get(parts[0]?.request ?? -1)
    const unable = batch.twin === undefined && fallback !== undefined && head?.cannot.has(fallback.from)
    must(!unable, `${fallback?.from} is said to be ${fallback?.why}, and could not serve what was sent`)
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
    const { refusedBy, cannot } = this.#requests.get(parts[0]?.request ?? -1) ?? {}
    const others = (lane?.workers ?? []).filter((id) => {
      const other = state.seats.get(id)
      const open = (this.#refusals.get(id)?.count ?? 0) >= this.#limits.breakerAfter
      const proven = !lane?.proves || other?.proven === true
      const usable = other?.ready && proven && other.yieldsTo === undefined
      return id !== worker && usable && !open && !refusedBy?.has(id) && !cannot?.has(id)
    })
    must(others.length === 0, `${worker} was sent a batch while its breaker is open and ${others} serves`)
  }

  /** What waits after the step waited when the batch was sent, too; what may not go to that worker is not passed there. */
  #order({ priority: sent, parts, worker }: Batch, lane: string, state: State, before: State): void {
    const run = this.#run.get(lane) ?? 0
    const mayGo = (request: Request) =>
      placesOf(state, request).some((seat) => seat.id === worker && !this.#isOpen(seat))
    const allBulk = waitingOf(state, lane, 'bulk')
    const bulk = allBulk.filter(mayGo)
    const people = waitingOf(state, lane, 'interactive').filter(mayGo)
    const isOld = (submittedMs: number) => state.nowMs - submittedMs >= this.#limits.bulkAgesMs
    const old =
      [...allBulk, ...waitingOf(before, lane, 'bulk')].some(({ submittedMs }) => isOld(submittedMs)) ||
      parts.some(({ request }) => isOld(this.#requests.get(request)?.submittedMs ?? state.nowMs))
    if (sent === 'bulk') {
      must(people.length === 0 || run >= AFTER_WHEN_OLD, 'bulk went before a person')
      must(old || people.length === 0 || run >= this.#limits.bulkAfter, 'bulk went before a person')
    }
    const paused = state.bulkShare < 1
    if (sent === 'interactive' && bulk.length > 0 && !paused)
      must(run < (old ? AFTER_WHEN_OLD + this.#limits.bulkAfter : this.#limits.bulkAfter), 'bulk starves')
    this.#run.set(lane, sent === 'bulk' ? 0 : run + 1)
    const head = before.requests.get(parts[0]?.request ?? -1)
    if (!head || head.started) return
    for (const first of waitingOf(state, lane, sent)) {
      const [only, ...others] = placesOf(state, first)
      const passed = only?.id === worker && others.length === 0 && !this.#isOpen(only)
      const waited = (before.requests.get(first.id)?.pending.length ?? 0) > 0
      const sameClient = first.client === head.client && first.id < head.id
      must(
        !(passed && waited && sameClient),
        `request ${head.id} passed ${first.id} at its only worker ${worker}`,
      )
    }
  }

  #isOpen({ breaker }: Seat): boolean {
    return breaker.failures >= this.#limits.breakerAfter
  }

  ended(id: number, ending: Ending, state: State): void {
    const known = this.#requests.get(id)
    must(known !== undefined, `request ${id} ended, and nobody asked for it`)
    known.endings += 1
    must(known.endings === 1, `request ${id} ended twice`)
    if (ending.how === 'done') {
      must(known.answered.size === known.inputs, `request ${id} ended without all of its answers`)
    } else if (ending.how === 'failed') {
      must(
        known.losses >= this.#limits.maxTries ||
          known.kills >= this.#limits.maxKills ||
          known.refusedAlone ||
          this.#nobodyCan(known, state),
        `request ${id} failed after ${known.losses} losses`,
      )
    } else if (ending.how === 'unable') {
      must(this.#nobodyCan(known, state), `request ${id} was refused, and somebody may serve it`)
    } else if (ending.how === 'cancelled') must(known.cancelled, `request ${id} was cancelled by nobody`)
  }

  #nobodyCan(known: Known, state: State): boolean {
    const { lane, cannot } = known
    const workers = state.lanes.get(lane)?.workers ?? []
    return workers.every((id) => cannot.has(id) || state.seats.get(id)?.gone || this.#beginsAnew(known, id))
  }

  #beginsAnew({ shown, traits }: Known, worker: string): boolean {
    const resumes = this.#processes.get(worker)?.nature.resumes
    return shown && resumes !== undefined && traits.some((trait) => !resumes.includes(trait))
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

  /** Nobody waits before an idle worker, whoever else waits: the first that serves a request takes what is next. */
  #work(state: State): void {
    for (const request of state.requests.values()) {
      if (request.pending.length === 0 || !state.lanes.has(request.lane)) continue
      const [first] = placesOf(state, request)
      if (!first || first.breaker.failures > 0) continue
      if ([...state.batches.values()].some(({ worker }) => worker === first.id)) continue
      const bulk = request.priority === 'bulk'
      if (bulk && state.bulkShare < 1 && first.givesWay) continue
      // one of the other priority may have its turn there, and think that it is done sooner elsewhere
      const turnOfOther = waitingOf(state, request.lane, bulk ? 'interactive' : 'bulk').some((other) =>
        placesOf(state, other).some(({ id }) => id === first.id),
      )
      must(turnOfOther, `request ${request.id} waits, and ${first.id} is idle`)
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

/** Where a request may go while no breaker is open, by what the core was told: its first worker, and those that help. */
function placesOf(state: State, { lane: id, avoid, cannot }: Request): Seat[] {
  const lane = state.lanes.get(id)
  const serving = (lane?.workers ?? []).flatMap((worker) => {
    const seat = state.seats.get(worker)
    return lane && seat && serves(lane, seat) && !cannot.includes(worker) ? [seat] : []
  })
  const fresh = serving.filter((seat) => !avoid.includes(seat.id))
  const willing = fresh.length > 0 ? fresh : serving
  return willing.filter((seat, at) => at === 0 || seat.overflow)
}

function serves({ proves }: Lane, { ready, proven, yieldsTo }: Seat): boolean {
  return ready && (proven || !proves) && yieldsTo === undefined
}

function waitingOf(state: State, lane: string, priority: Priority): Request[] {
  return state.requests
    .values()
    .filter((request) => request.lane === lane && request.priority === priority && request.pending.length > 0)
}
