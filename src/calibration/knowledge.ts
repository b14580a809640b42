import { definedOnly, keepIds } from '../devices/index.ts'
import { simulatedInterference, simulatedMeasurement } from '../devices/simulated/index.ts'
import {
  type DecoderLoad,
  type Device,
  type Interference,
  loadedInTurns,
  type Measurement,
  type PlacementRef,
  type Plan,
  type PlannedPlacement,
  placementId,
  placementsOf,
  type Task,
} from '../domain/index.ts'
import { ENGINES } from '../engines/index.ts'
import {
  type CoreShares,
  type CoreUser,
  deviceOf,
  fitsBeside,
  heldOn,
  hostShare,
  makePlan,
  type PlannerInput,
  policyNamed,
  possiblePlacements,
  reservedCores,
  shareCores,
  usesCpu,
} from '../placement/index.ts'
import type { Worker, WorkerOptions } from '../workers/index.ts'
import type { CalibrationContext } from './cache/key.ts'
import type { MeasurementStore, Pair } from './cache/store.ts'
import type { MeasuringJob } from './job.ts'
import type { Candidate } from './measure/candidate.ts'
import { engineProblems, type Survey } from './survey.ts'
import { workerOptions } from './worker-options.ts'

const GIB = 1024 ** 3

/** Placements that were tried here and cannot serve. */
type Refusals = NonNullable<PlannerInput['refusals']>

export interface PlanWish {
  readonly refusals?: Refusals
  /** Name of a policy; default: the configured one. */
  readonly policy?: string
  /** A pinned task gets no fallback. */
  readonly exclusive?: boolean
  readonly onUnmetPin?: PlannerInput['onUnmetPin']
}

/** What is known of a machine: what is on it, and what was measured; plans are made from it. */
export class Knowledge {
  survey: Survey
  readonly #store: MeasurementStore | undefined

  /** @param store absent: nothing was measured, or the machine is simulated */
  constructor(survey: Survey, store?: MeasurementStore) {
    this.survey = survey
    this.#store = store
  }

  /** The best plan by what is known now; never waits for a measurement. */
  plan(wish: PlanWish = {}): Plan {
    const plan = makePlan(this.#input(wish))
    const { threads } = this.#threadsOf(plan)
    const withThreads = (placement: PlannedPlacement): PlannedPlacement => {
      const own = this.#computes(placement) ? threads.get(placementId(placement)) : undefined
      return own === undefined ? placement : { ...placement, threads: own }
    }
    const tasks = Object.entries(plan.tasks).map(([task, list]) => [task, list.map(withThreads)])
    return { ...plan, tasks: Object.fromEntries(tasks) }
  }

  /**
   * Everything that may be measured here, the first one first.
   * @param beside only what has room beside the workers of this plan, and what they are themselves
   * @param hostFreeBytes only what takes less of the system's memory, where it does not run
   */
  candidates(tasks?: readonly Task[], beside?: Plan, hostFreeBytes = Number.POSITIVE_INFINITY): Candidate[] {
    const { candidates } = possiblePlacements(this.#bareInput({}))
    const running = new Set(beside ? placementsOf(beside).map(placementId) : [])
    const wanted = candidates.filter(
      (candidate) =>
        !candidate.on.server && // a benchmark would take its time, and its prompt cache, from who else uses it
        (tasks === undefined || tasks.includes(candidate.task)) &&
        (beside === undefined ||
          running.has(placementId(candidate)) ||
          (hostShare(candidate.on, candidate.need) < hostFreeBytes &&
            fitsBeside(candidate, beside, this.#devices()))),
    )
    const { threads } = this.#share(candidateUsers(candidates.filter((each) => this.#computes(each))))
    // where a model has no reference vectors, the first engine makes them: the CPU's are the most exact
    const sorted = [...wanted].sort((a, b) => Number(b.kind === 'cpu') - Number(a.kind === 'cpu'))
    return sorted.map((candidate) => {
      const { task, model, engine, device, kind, simulated, load } = candidate
      const placement = { task, model, engine, device, kind, simulated }
      const options = this.#options(
        { ...placement, ...(load ? { load } : {}) },
        threads.get(laneOf(placement)),
      )
      return { placement, options }
    })
  }

  /** How the worker of a planned placement is started. */
  workerOptions(placement: PlannedPlacement, plan: Plan): WorkerOptions {
    const all = placementsOf(plan)
    const same = all.filter((each) => laneOf(each) === laneOf(placement))
    const policy = policyNamed(plan.policy, this.survey.config.placement.policies)
    return {
      ...this.#options(placement, this.#threadsOf(plan).threads.get(placementId(placement))),
      lastPlacement: same.length === 1,
      // a chat is for a person who reads along: only what can wait gives way
      background: policy.background && placement.task !== 'chat' && usesCpu(placement),
    }
  }

  /** What every measurement here depends on. */
  context(): CalibrationContext {
    const { devices, engines, power } = this.survey
    const versions = engines.flatMap(({ engine, version }) => (version ? [[engine, version]] : []))
    return {
      devices,
      engineVersions: Object.fromEntries(versions),
      powerProfile: power.profile ?? '',
    }
  }

  /**
   * What is not known and could be measured beside a running plan: placements first, then the pairs that it runs at once. Devices in
   * software are left to who asks for them: they only make the CPU slower.
   * @param running the worker of a placement that is not stopped, by the placement's id
   * @param hostFreeBytes that a measurement may take of the system's memory
   */
  missing(
    plan: Plan,
    running: (id: string) => { readonly worker: Worker; readonly options: WorkerOptions } | undefined,
    hostFreeBytes: number,
  ): MeasuringJob[] {
    if (!this.#store || this.survey.simulation) return []
    const software = new Set(this.survey.devices.flatMap(({ id, software }) => (software ? [id] : [])))
    // what swaps has room only while its partner has not
    const swapping = new Set(
      placementsOf(plan).flatMap((each) => (each.swapsWith ? [placementId(each)] : [])),
    )
    const candidates = this.candidates(undefined, plan, hostFreeBytes).flatMap((candidate): Candidate[] => {
      const { placement } = candidate
      if (software.has(placement.device)) return []
      const found = running(placementId(placement))
      if (!found) return swapping.has(placementId(placement)) ? [] : [candidate]
      // one that loads takes its memory already: a second copy may have no room
      return found.worker.info ? [{ placement, options: found.options, running: found.worker }] : []
    })
    const context = this.context()
    const { missing } = this.#store.measurementsFor(candidates, context)
    const pairs = this.#store.interferenceFor(pairsTogether(candidates, plan), context).missing
    return [...missing.map(({ candidate }) => ({ candidate })), ...pairs.map((pair) => ({ pair }))]
  }

  /**
   * Takes what was found when the machine was looked at anew.
   * @param plan what is loaded: memory that its workers hold is theirs to use, not taken by others
   */
  refresh(survey: Survey, plan: Pick<Plan, 'tasks'>): void {
    const isOwn = ({ server }: Device) => server === undefined
    const servers = survey.devices.filter((each) => !isOwn(each)) // named by their user
    const named = [...keepIds(this.survey.devices.filter(isOwn), survey.devices.filter(isOwn)), ...servers]
    const before = this.survey.devices
    const devices = named.map((device) => {
      const old = before.find(({ id }) => id === device.id)
      return old && isSameMemory(old, device) // a look at the memory alone knows more than an engine's
        ? { ...device, ...definedOnly({ freeBytes: old.freeBytes, othersBytes: old.othersBytes }) }
        : withOwnMemory(device, plan, named)
    })
    this.survey = { ...survey, devices }
  }

  /**
   * Plans with another memory of a device from now on.
   * @param freeBytes that may be given out, what is loaded there among it
   * @param othersBytes what other programs have of it
   */
  noteMemory(id: string, freeBytes: number, othersBytes: number): void {
    const devices = this.survey.devices.map((each) =>
      each.id === id ? { ...each, freeBytes, othersBytes } : each,
    )
    this.survey = { ...this.survey, devices }
  }

  #input(wish: PlanWish): PlannerInput {
    return { ...this.#bareInput(wish), ...this.#figures() }
  }

  #bareInput({ refusals = [], policy, exclusive = false, onUnmetPin = 'report' }: PlanWish): PlannerInput {
    const { config, engines, models, pins, power } = this.survey
    const { placement, cpu } = config
    return {
      policy: policyNamed(policy ?? placement.policy, placement.policies),
      devices: this.#devices(),
      engines: ENGINES,
      models,
      refusals,
      pins,
      never: placement.never,
      problems: engineProblems(engines),
      exclusive,
      onUnmetPin,
      reserveCores: cpu.reserveCores,
      onBattery: power.onBattery ?? false,
    }
  }

  /** With what the user lets models take of them. */
  #devices(): readonly Device[] {
    const { config, devices } = this.survey
    return devices.map((device) => {
      const gib = config.placement.memory[device.id]
      return gib === undefined ? device : { ...device, limitBytes: gib * GIB }
    })
  }

  #figures(): { measurements: readonly Measurement[]; interference: readonly Interference[] } {
    const { simulation, models } = this.survey
    const candidates = this.candidates()
    if (!simulation) {
      if (!this.#store) return { measurements: [], interference: [] }
      const context = this.context()
      const { measured } = this.#store.measurementsFor(candidates, context)
      return {
        measurements: measured,
        interference: this.#store.interferenceFor(pairsOf(candidates), context).known,
      }
    }
    const { machine } = simulation
    const measurements = candidates.flatMap(({ placement: { task, model: id, engine, device } }) => {
      const planned = models.find((each) => each.task === task && each.model.id === id)
      if (!planned) return []
      const { model, shape } = planned
      return simulatedMeasurement(machine, { task, model, engine, device, ...(shape ? { shape } : {}) }) ?? []
    })
    const interference = pairsOf(candidates).map(([first, second]) =>
      simulatedInterference(machine, first.placement, second.placement),
    )
    return { measurements, interference }
  }

  /** Compute threads while all of a plan is up; of those that are loaded in turns the first is. */
  #threadsOf(plan: Plan): CoreShares {
    const all = placementsOf(plan)
    const turned = new Set(loadedInTurns(all).flatMap(([, ...later]) => later.map(placementId)))
    return this.#share(
      this.#users(all, (id) => turned.has(id)),
      plan.reserveCores,
    )
  }

  /**
   * Compute threads of workers that run at the same time.
   * @param placements in the order of their plan
   * @param isAway whether a worker does not answer for a while: its cores are another's
   */
  shareCores(
    placements: readonly PlannedPlacement[],
    isAway: (id: string) => boolean = () => false,
  ): CoreShares {
    return this.#share(this.#users(placements, isAway))
  }

  #users(placements: readonly PlannedPlacement[], isAway: (id: string) => boolean): CoreUser[] {
    return placements.map((placement): CoreUser => {
      const id = placementId(placement)
      const { task, role, swapsWith } = placement
      const does = this.#computes(placement) ? 'computes' : 'feeds'
      const swaps = swapsWith ? { swapsWith } : {}
      return { id, lane: laneOf(placement), task, role, does, away: isAway(id), ...swaps }
    })
  }

  /** @param reserved processors that stay free; default: those of the configured policy */
  #share(users: readonly CoreUser[], reserved?: number): CoreShares {
    const { config, devices } = this.survey
    const { cores = 1, performanceCores } = devices.find(({ kind }) => kind === 'cpu') ?? {}
    const policy = policyNamed(config.placement.policy, config.placement.policies)
    const reserveCores = reserved ?? reservedCores(policy, cores, config.cpu.reserveCores)
    return shareCores(users, { cores, reserveCores, performanceCores })
  }

  /** On the CPU, or with layers that its device has no room for. What another server computes is not ours to give cores. */
  #computes(placement: Parameters<typeof usesCpu>[0] & PlacementRef & { load?: DecoderLoad }): boolean {
    if (deviceOf(placement, this.survey.devices)?.server) return false
    const { task, model, load } = placement
    const shape = this.survey.models.find((each) => each.task === task && each.model.id === model)?.shape
    const layers = shape?.kind === 'decoder' ? shape.layerBytes.length : 0
    return usesCpu(placement) || (load !== undefined && load.gpuLayers < layers)
  }

  #options(placement: Parameters<typeof workerOptions>[0], threads = 1): WorkerOptions {
    const { config, home, devices, engines, models, simulation } = this.survey
    const planned = models.find((each) => each.task === placement.task && each.model.id === placement.model)
    if (!planned) throw new Error(`${placementId(placement)} is of no model that was chosen`)
    return workerOptions(placement, {
      model: planned.model,
      shape: planned.shape,
      devices,
      engines,
      threads,
      chat: config.chat,
      home,
      simulation,
    })
  }
}

/** Whether the memory of a device was looked at by itself, and is the same one. */
function isSameMemory({ othersBytes, memoryBytes }: Device, now: Device): boolean {
  return othersBytes !== undefined && memoryBytes === now.memoryBytes
}

function withOwnMemory(device: Device, plan: Pick<Plan, 'tasks'>, devices: readonly Device[]): Device {
  const { freeBytes, memoryBytes = Number.POSITIVE_INFINITY } = device
  if (freeBytes === undefined) return device
  const held = (placement: PlannedPlacement) => heldOn(device, placement, devices)
  // which one of those that swap is loaded is not known: the smallest is the safe guess
  const own = loadedInTurns(placementsOf(plan)).reduce((sum, turn) => sum + Math.min(...turn.map(held)), 0)
  return { ...device, freeBytes: Math.min(memoryBytes, freeBytes + own) }
}

/** Placements that serve the same. */
function laneOf({ task, model }: PlacementRef): string {
  return `${task}:${model}`
}

/** What might run: each is measured with what its lane has on the CPU when all lanes are there. */
function candidateUsers(candidates: readonly PlacementRef[]): CoreUser[] {
  const lanes = new Map(candidates.map((each) => [laneOf(each), each.task]))
  return [...lanes].map(([lane, task]) => {
    return { id: lane, lane, task, role: 'primary', does: 'computes', away: false }
  })
}

function pairsOf(candidates: readonly Candidate[]): Pair[] {
  return candidates.flatMap((first, at) =>
    candidates
      .slice(at + 1)
      .filter((second) => laneOf(first.placement) !== laneOf(second.placement))
      .map((second): Pair => [first, second]),
  )
}

/** Every two of the placements that the plan runs at the same time. */
export function pairsTogether(candidates: readonly Candidate[], plan: Plan): Pair[] {
  const first = placementsOf(plan).filter(({ role }) => role === 'primary')
  const swaps = new Map(first.map((each) => [placementId(each), each.swapsWith ?? []]))
  return pairsOf(candidates.filter(({ placement }) => swaps.has(placementId(placement)))).filter(
    ([one, other]) => !swaps.get(placementId(one.placement))?.includes(placementId(other.placement)),
  )
}
