import {
  type ErrorCode,
  type Model,
  type PlacementRef,
  type Plan,
  type PlanChange,
  type PlannedPlacement,
  placementId,
  placementsOf,
  sameRef,
  type TandemError,
  type Task,
} from '../domain/index.ts'
import { startWorker, type Worker, type WorkerEvent, type WorkerOptions } from '../workers/index.ts'
import type { ManagedServing } from './contract.ts'
import { CoreOwner, isAway, type ShareCores, type Sharer } from './cores.ts'

/** A placement that was tried here and cannot serve, and why: one sentence. */
export interface Refusal extends PlacementRef {
  readonly reason: string
}

export interface RunningWorker {
  readonly worker: Worker
  /** How it would be started now: as it was, with the compute threads that it has by now. */
  readonly options: WorkerOptions
  /** As it was planned when it was started. */
  readonly placement: PlannedPlacement
}

export interface ConductorOptions {
  /** Plans with what is known now. */
  readonly makePlan: (refusals: readonly Refusal[]) => Plan
  /** How the worker of a placement is started. */
  readonly workerOptions: (placement: PlannedPlacement, plan: Plan) => WorkerOptions
  /** Hears of each worker that is started. */
  readonly onWorker?: (worker: Worker) => void
  /** Absent: each worker keeps the compute threads that it is started with. */
  readonly shareCores?: ShareCores
  /** Hears how many threads more compute at once than the machine has cores for. */
  readonly onCoresOver?: (over: number) => void
  /** Models of a plan, for its limits. */
  readonly modelsOf: (plan: Plan) => readonly Model[]
  /** Tasks to start workers for; absent: all that the plan serves. */
  readonly tasks?: readonly Task[]
}

/** A worker that fails so will fail again: another placement must serve. */
const REFUSALS: Readonly<Partial<Record<ErrorCode, (error: TandemError) => string>>> = {
  VECTOR_MISMATCH: ({ details }) => `refused: vectors differ, cosine ${details['cosine']}`,
  MODEL_UNSUPPORTED: ({ message }) => `refused: ${message}`,
}

/** Keeps a running server at the plan: plans again when something became known, and changes the workers. */
export class Conductor {
  readonly #options: ConductorOptions
  readonly #listeners = new Set<(change: PlanChange) => void>()
  /** All that are not stopped, also those that the plan has dropped and that still serve until their successor is ready. */
  readonly #workers = new Map<string, RunningWorker>()
  readonly #cores: CoreOwner | undefined
  #refusals: readonly Refusal[] = []
  #plan: Plan
  #serving: ManagedServing | undefined

  constructor(options: ConductorOptions) {
    this.#options = options
    this.#plan = options.makePlan([])
    const { shareCores: share, onCoresOver: onOver } = options
    this.#cores = share && new CoreOwner({ share, sharers: () => this.#sharers(), onOver })
  }

  get plan(): Plan {
    return this.#plan
  }

  /** Starts the workers of the first plan. */
  start(): readonly Worker[] {
    return this.#workersOf(this.#plan)
  }

  /** From now on what becomes known changes what runs. */
  attach(serving: ManagedServing): void {
    this.#serving = serving
  }

  /** Hears of every other plan. @returns ends it */
  onChange(listener: (change: PlanChange) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * Plans again.
   * @param cause one sentence: what became known
   * @param forget refusals that no longer count, because what they came from has changed
   * @returns whether the plan is another one
   */
  replan(cause: string, forget: (refusal: Refusal) => boolean = () => false): boolean {
    this.#refusals = this.#refusals.filter((refusal) => !forget(refusal))
    const plan = this.#options.makePlan(this.#refusals)
    const before = this.#plan
    this.#plan = plan // its numbers and reasons may be new where its placements are not
    if (sameServing(before, plan) && !placementsOf(plan).some((each) => this.#isOutdated(each))) return false
    this.#serving?.replan({ plan, workers: this.#workersOf(plan), models: this.#options.modelsOf(plan) })
    for (const listener of this.#listeners) listener({ plan, cause })
    return true
  }

  /** Takes placements out of the plan, so that another serves, until `replan` is told to forget it. */
  refuse(refusals: readonly Refusal[], cause: string): void {
    const fresh = refusals.filter((each) => !this.#refusals.some((known) => sameRef(known, each)))
    if (fresh.length === 0) return
    this.#refusals = [...this.#refusals, ...fresh]
    this.replan(cause)
  }

  get refusals(): readonly Refusal[] {
    return this.#refusals
  }

  /** The running worker of a placement, by the placement's id. */
  running(id: string): RunningWorker | undefined {
    const running = this.#workers.get(id)
    if (!running) return undefined
    const { worker, options } = running
    return { ...running, options: { ...options, spec: { ...options.spec, threads: worker.threads } } }
  }

  /**
   * Whether none restarts, is quarantined or rests, but for those that make room for another one: then each has the cores that
   * the plan counts on.
   */
  isComplete(): boolean {
    const planned = placementsOf(this.#plan)
    const swaps = new Map(planned.map((each) => [placementId(each), each.swapsWith ?? []]))
    const onDemand = new Set(planned.flatMap((each) => (each.onDemand ? [placementId(each)] : [])))
    const isUp = (id: string) => {
      const worker = this.#workers.get(id)?.worker
      return worker !== undefined && !isAway(worker)
    }
    return this.workers().every(
      ({ id, resting }) => isUp(id) || (resting && (onDemand.has(id) || swaps.get(id)?.some(isUp) === true)),
    )
  }

  /** What of the plan is not unloaded: its memory is in use. */
  loaded(): Pick<Plan, 'tasks'> {
    const held = (planned: PlannedPlacement): readonly PlannedPlacement[] => {
      const running = this.#workers.get(placementId(planned))
      if (running?.worker.resting !== false) return []
      const { memory } = running.placement // as it was opened
      return [memory ? { ...planned, memory } : planned]
    }
    const tasks = Object.entries(this.#plan.tasks).map(([task, list]) => [task, list.flatMap(held)])
    return { tasks: Object.fromEntries(tasks) }
  }

  workers(): readonly Worker[] {
    return [...this.#workers.values()].map(({ worker }) => worker)
  }

  stop(): void {
    this.#serving = undefined
    this.#listeners.clear()
    this.#cores?.stop()
  }

  #workersOf(plan: Plan): Worker[] {
    const { tasks } = this.#options
    const placements = placementsOf(plan).filter(({ task }) => tasks === undefined || tasks.includes(task))
    const workers = placements.map((placement) => {
      const running = this.#workers.get(placementId(placement))
      const kept = this.#isOutdated(placement) ? undefined : running
      const { worker } = kept ?? this.#start(placement, plan, running !== undefined)
      const { task, model } = placement
      const same = placements.filter((each) => each.task === task && each.model === model)
      worker.setLastPlacement(same.length === 1)
      return worker
    })
    this.#cores?.update()
    return workers
  }

  /** Whether its model is unloaded, and to be opened otherwise when it is loaded again: there is less room, or more. */
  #isOutdated(placement: PlannedPlacement): boolean {
    const running = this.#workers.get(placementId(placement))
    if (!running?.worker.resting) return false
    return JSON.stringify(running.placement.load) !== JSON.stringify(placement.load)
  }

  /** What the plan has dropped and that still serves comes last. */
  #sharers(): Sharer[] {
    const planned = placementsOf(this.#plan).flatMap((placement): Sharer[] => {
      const running = this.#workers.get(placementId(placement))
      return running ? [{ worker: running.worker, placement }] : []
    })
    const dropped = [...this.#workers.values()].filter((old) =>
      planned.every(({ worker }) => worker !== old.worker),
    )
    return [...planned, ...dropped.map(({ worker, placement }) => ({ worker, placement }))]
  }

  /** @param unloaded it takes the place of one that rests */
  #start(placement: PlannedPlacement, plan: Plan, unloaded: boolean): RunningWorker {
    const { workerOptions, onWorker } = this.#options
    // it loads when it is asked for, and another one makes room: loading both is what does not fit
    const waits = placement.onDemand ?? placement.swapsWith?.some((id) => this.#workers.has(id)) ?? false
    const resting = unloaded || waits
    const options = { ...workerOptions(placement, plan), ...(resting ? { resting } : {}) }
    const running = { worker: startWorker(options), options, placement }
    this.#workers.set(running.worker.id, running)
    running.worker.onEvent((event) => this.#heard(running.worker, event))
    onWorker?.(running.worker)
    return running
  }

  #heard(worker: Worker, { state, error, resting }: WorkerEvent): void {
    if (state === 'stopped' && !resting && this.#workers.get(worker.id)?.worker === worker)
      this.#workers.delete(worker.id)
    this.#cores?.update()
    if (resting) return
    const say = error && REFUSALS[error.code]
    if (state !== 'stopped' || !say || !this.#serving) return
    const { task, model, engine, device } = worker.placement
    const reason = say(error)
    this.refuse([{ task, model, engine, device, reason }], `${engine} on ${device} was ${reason}`)
  }
}

/** Whether two plans start the same workers in the same order and roles, and load them alike. */
function sameServing(a: Plan, b: Plan): boolean {
  const shape = (plan: Plan) =>
    Object.entries(plan.tasks)
      .map(([task, list]) => [
        task,
        list.map((each) => [placementId(each), each.role, each.insteadOf?.reason, each.swapsWith]),
      ])
      .sort(([x], [y]) => String(x).localeCompare(String(y)))
  return JSON.stringify(shape(a)) === JSON.stringify(shape(b))
}
