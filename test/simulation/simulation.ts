/** Runs the core in made-up time on a made-up machine: arrivals, faults and reconfigurations come from one seed. */
import type { Effect, Event, initialState, LaneSpec, State, step } from '../../src/scheduling/core/index.ts'
import { LIMITS } from '../../src/scheduling/core/limits.suite.ts'
import { Invariants, must } from './invariants.ts'
import { type Machine, randomMachine } from './machine.ts'
import { Process, type Sent } from './processes.ts'
import { Random } from './random.ts'

const TICK_MS = 100
/** Of arrivals and faults; then everything is calm. */
const BUSY_MS = 1_000
/** All must have ended by then. */
const SETTLED_MS = 400_000

export interface Outcome {
  readonly seed: number
  readonly events: number
  readonly requests: number
  /** How the requests ended: `done`, `failed`, ... */
  readonly endings: Readonly<Record<string, number>>
  /** How often each kind of effect was decided. */
  readonly effects: Readonly<Record<string, number>>
  /** The first thing that did not hold. */
  readonly broken?: string
}

/** What is simulated: the core, or one that was changed to see whether it is found out. */
export interface Core {
  readonly initialState: typeof initialState
  readonly step: typeof step
}

export interface RunOptions {
  /** Hears every event and effect, a line each. */
  readonly onLine?: (line: string) => void
}

interface Entry {
  readonly atMs: number
  readonly order: number
  readonly act: () => void
}

/** One run; never throws for what the core does wrong: `broken` says it. */
export function simulate(core: Core, seed: number, options: RunOptions = {}): Outcome {
  const run = new Simulation(core, seed, options)
  try {
    run.run()
    return run.outcome()
  } catch (thrown) {
    return run.outcome(thrown instanceof Error ? thrown.message : String(thrown))
  }
}

class Simulation {
  readonly random: Random
  nowMs = 0
  readonly #core: Core
  readonly #seed: number
  readonly #options: RunOptions
  readonly #machine: Machine
  readonly #processes = new Map<string, Process>()
  /** Workers that can never serve a request; few requests have any. */
  readonly #unable = new Map<number, readonly string[]>()
  readonly #invariants: Invariants
  readonly #agenda: Entry[] = []
  readonly #endings: Record<string, number> = {}
  readonly #effects: Record<string, number> = {}
  #plan: readonly LaneSpec[]
  #state: State
  #order = 0
  #events = 0
  #requests = 0
  readonly #inbox: Sent[] = []
  #stepping = false
  #calm = false

  constructor(core: Core, seed: number, options: RunOptions) {
    this.#core = core
    this.#seed = seed
    this.#options = options
    this.random = new Random(seed)
    this.#machine = randomMachine(this.random)
    this.#plan = this.#machine.plans[0] as readonly LaneSpec[]
    this.#state = core.initialState(LIMITS, this.#plan, 0, seed)
    this.#invariants = new Invariants(LIMITS, this.#processes)
  }

  run(): void {
    for (const { workers } of this.#plan)
      for (const { id, excludes = [] } of workers) {
        const first = excludes.every((other) => !this.#processes.has(other))
        this.#start(id)
        if (!first) this.#startUnloaded(id)
      }
    this.#arrivals()
    this.#faults()
    if (this.random.chance(0.1)) this.#killer(this.random.pick([...this.#processes.keys()]))
    this.#ticks()
    this.after(BUSY_MS, () => this.#settle())
    while (this.#agenda.length > 0 && this.nowMs < SETTLED_MS) this.#next()
    this.#invariants.all(this.#state)
  }

  outcome(broken?: string): Outcome {
    return {
      seed: this.#seed,
      events: this.#events,
      requests: this.#requests,
      endings: this.#endings,
      effects: this.#effects,
      ...(broken === undefined ? {} : { broken: `at ${this.nowMs.toFixed(0)} ms: ${broken}` }),
    }
  }

  after(ms: number, act: () => void): void {
    const entry = { atMs: this.nowMs + ms, order: this.#order++, act }
    let at = this.#agenda.length
    while (at > 0 && isLater(this.#agenda[at - 1] as Entry, entry)) at -= 1
    this.#agenda.splice(at, 0, entry)
  }

  unable(request: number, worker: string): { readonly cannot: readonly string[] } | undefined {
    const all = this.#unable.get(request)
    if (!all?.includes(worker)) return undefined
    return { cannot: this.random.chance(0.5) ? [] : all }
  }

  /** Events that arrive while one is handled wait for their turn, as in the loop. */
  send(event: Sent): void {
    this.#inbox.push(event)
    if (this.#stepping) return
    this.#stepping = true
    try {
      for (let next = this.#inbox.shift(); next; next = this.#inbox.shift()) this.#step(next)
    } finally {
      this.#stepping = false
    }
  }

  #step(sent: Sent): void {
    const before = this.#state
    const event = { ...sent, nowMs: this.nowMs } as Event
    this.#events += 1
    this.#options.onLine?.(`${this.nowMs.toFixed(1).padStart(8)} ${lineOf(event)}`)
    this.#hear(event, before)
    const { state, effects } = this.#core.step(before, event)
    this.#state = state
    for (const effect of effects) {
      this.#effects[effect.type] = (this.#effects[effect.type] ?? 0) + 1
      this.#options.onLine?.(`         -> ${lineOf(effect)}`)
      this.#perform(effect, before)
    }
    if (this.#inbox.length === 0) this.#invariants.bounds(this.#state, this.#plan)
    if (event.type === 'ticked') this.#invariants.deadlines(state)
  }

  #hear(event: Event, before: State): void {
    if (event.type === 'batchDone') this.#invariants.answered(event.batch, before)
    else if (event.type === 'batchFailed') this.#invariants.refused(event, before, this.nowMs)
    else if (event.type === 'workerLost') this.#invariants.lost(event.worker, before, event.killed === true)
    else if (event.type === 'firstDelta') this.#invariants.began(event, before)
    else if (event.type === 'cancelled') this.#invariants.cancelled(event.request)
    else if (event.type === 'submitted') this.#invariants.submitted(event.request, this.nowMs)
  }

  #perform(effect: Effect, before: State): void {
    switch (effect.type) {
      case 'dispatch':
        this.#invariants.dispatched(effect, this.#state, before)
        this.#processes.get(effect.batch.worker)?.accept(effect.batch)
        return
      case 'end':
        this.#endings[effect.ending.how] = (this.#endings[effect.ending.how] ?? 0) + 1
        this.#invariants.ended(effect.request, effect.ending, this.#state)
        return
      case 'cancelBatch':
        for (const process of this.#processes.values())
          if (process.held.has(effect.batch)) process.cancel(effect.batch)
        return
      case 'vacated': {
        const process = this.#processes.get(effect.worker)
        must(process?.held.size === 0, `${effect.worker} was let go while it held a batch`)
        const planned = this.#plan.some(({ workers }) => workers.some(({ id }) => id === effect.worker))
        must(!planned, `${effect.worker} was let go, and the plan has it`)
        process.stop()
        this.#processes.delete(effect.worker)
        return
      }
      case 'wake':
        this.#processes.get(effect.worker)?.wake()
        return
      case 'rest':
        this.#processes.get(effect.worker)?.rest()
        return
      case 'retry':
      case 'breakerOpened':
      case 'breakerClosed':
        return
      default:
        effect satisfies never
    }
  }

  #start(id: string): void {
    const nature = this.#machine.natures.get(id)
    must(nature !== undefined, `no worker ${id}`)
    const process = new Process(nature, this)
    process.calm = this.#calm
    this.#processes.set(id, process)
  }

  /** A model that does not fit beside one that is loaded first begins unloaded. */
  #startUnloaded(id: string): void {
    this.#processes.get(id)?.unload()
    this.send({ type: 'workerLost', worker: id, why: 'unloaded', gone: false, resting: true })
    this.send({ type: 'memoryFreed', worker: id })
  }

  #arrivals(): void {
    const meanMs = this.random.chance(0.2) ? this.random.between(4, 12) : this.random.between(12, 80)
    const clients = 1 + this.random.below(4)
    const next = () => {
      if (this.#calm) return
      this.#submit(clients)
      this.after(this.random.between(0, 2 * meanMs), next)
    }
    next()
  }

  #submit(clients: number): void {
    const { id: lane, merges } = this.random.pick(this.#plan)
    const inputs = merges ? 1 + this.random.below(this.random.chance(0.2) ? 40 : 3) : 1
    const id = this.#requests++
    const request = {
      id,
      lane,
      priority: inputs > 16 || this.random.chance(0.3) ? ('bulk' as const) : ('interactive' as const),
      client: `client ${this.random.below(clients)}`,
      kind: this.random.chance(0.3) ? 'query' : 'passage',
      deadlineMs: this.nowMs + this.random.between(50, 5_000),
      tokens: Array.from({ length: inputs }, () => (merges ? 1 + this.random.below(200) : 1)),
      ...(merges ? {} : { traits: this.random.chance(0.3) ? ['chat', 'tools'] : ['chat'] }),
      ...this.#asksTooMuch(id, lane),
    }
    this.send({ type: 'submitted', request })
    if (this.random.chance(0.05))
      this.after(this.random.between(0, 500), () => this.send({ type: 'cancelled', request: id }))
  }

  /** Some requests hold what some workers can never serve, which may be known before they are asked. */
  #asksTooMuch(id: number, lane: string): { readonly cannot?: readonly string[] } {
    if (this.random.chance(0.75)) return {}
    const workers = [...this.#machine.natures.values()].filter((nature) => nature.lane === lane)
    const unable = workers.map((nature) => nature.id).filter(() => this.random.chance(0.5))
    this.#unable.set(id, unable)
    return this.random.chance(0.5) ? { cannot: unable.filter(() => this.random.chance(0.7)) } : {}
  }

  /** What goes wrong or changes outside of batches. */
  #faults(): void {
    if (this.random.chance(0.3)) return
    const next = () => {
      if (this.#calm) return
      const dice = this.random.next()
      if (dice < 0.4) this.random.pick([...this.#processes.values()]).crash('killed', true)
      else if (dice < 0.6) this.#replan()
      else if (dice < 0.8) this.send({ type: 'bulkPaced', share: this.random.next() })
      else this.send({ type: 'bulkPaced', share: 1 })
      this.after(this.random.between(50, 1_500), next)
    }
    this.after(this.random.between(50, 1_500), next)
  }

  /** Somebody who ends a worker each time that it has begun to work. */
  #killer(worker: string): void {
    const next = () => {
      if (this.#calm) return
      const process = this.#processes.get(worker)
      if (process && process.held.size > 0) process.crash('killed', true)
      this.after(this.random.between(1, 30), next)
    }
    next()
  }

  #replan(): void {
    this.#plan = this.random.pick(this.#machine.plans)
    const serving = () =>
      [...this.#state.lanes.values()]
        .filter((lane) => lane.workers.some((id) => this.#state.seats.get(id)?.ready))
        .map(({ id }) => id)
    const before = serving()
    this.send({ type: 'replanned', lanes: this.#plan })
    const after = serving()
    const left = before.filter((id) => !after.includes(id))
    must(left.length === 0, `a new plan left ${left} without the worker that served`)
    for (const { workers } of this.#plan)
      for (const { id } of workers) if (!this.#processes.has(id)) this.#start(id)
  }

  #ticks(): void {
    this.send({ type: 'ticked' })
    if (!this.#calm || this.#state.requests.size > 0 || this.#state.batches.size > 0)
      this.after(TICK_MS, () => this.#ticks())
  }

  /** Nothing goes wrong any more: all must end. */
  #settle(): void {
    this.#calm = true
    for (const process of this.#processes.values()) process.calm = true
    this.send({ type: 'bulkPaced', share: 1 })
    if (this.random.chance(0.2)) {
      this.send({ type: 'draining' })
      this.after(this.random.between(0, 2_000), () => this.send({ type: 'stopped' }))
    }
  }

  #next(): void {
    const entry = this.#agenda.shift()
    if (!entry) return
    this.nowMs = entry.atMs
    entry.act()
  }
}

function isLater(a: Entry, b: Entry): boolean {
  return a.atMs > b.atMs || (a.atMs === b.atMs && a.order > b.order)
}

function lineOf(value: Event | Effect): string {
  const { type, ...rest } = value
  const { nowMs: _, ...body } = rest as Record<string, unknown>
  return `${type} ${JSON.stringify(body)}`
}
