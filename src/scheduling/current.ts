import { freemem, totalmem } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Knowledge,
  lookForModels,
  lookForServers,
  type MeasurementStore,
  type MeasuringJob,
  type ModelChanges,
  measureJob,
  shouldCalibrate,
  startIdleCalibration,
  surveyAgain,
} from '../calibration/index.ts'
import { cpuBusyMeter, watchDevices } from '../devices/index.ts'
import { placementId } from '../domain/index.ts'
import { paceBulk } from './bulk-pace.ts'
import type { Conductor } from './conductor.ts'
import type { ManagedServing } from './contract.ts'
import { unloadIdle } from './idle-unload.ts'
import { inTurns } from './in-turn.ts'
import { relieveMemory } from './memory-relief.ts'
import type { Residency } from './residency.ts'
import { watchDeviceMemory } from './watch-device-memory.ts'

export interface CurrentOptions {
  readonly conductor: Conductor
  readonly serving: ManagedServing
  readonly knowledge: Knowledge
  readonly residency: Residency
  /** Absent: nothing is measured, the machine is simulated. */
  readonly store: MeasurementStore | undefined
  /** More is known of servers, whether or not the plan is another one. */
  readonly onServers: () => void
  readonly log: { debug(message: string): void; info(message: string): void; warn(message: string): void }
}

const WATCH_MS = 10_000
const UNLOAD_MS = 2_000
/** Between two looks for servers that were started later. */
const SERVERS_MS = 10_000
/** Every so many of these the way to servers beyond this machine is measured anew. */
const WAYS_EVERY = 6
/** Share of the system's memory that a measurement leaves free. */
const MARGIN = 0.1

export interface Current {
  /**
   * Looks again for models in the folders of the catalogue, and serves by what is there now; what runs goes on.
   * @throws TandemError MODEL_NOT_FOUND, MODEL_UNSERVABLE for a model that the configuration names
   */
  refreshModels(): Promise<ModelChanges>
  stop(): Promise<void>
}

/** Runs a look that changes what is known: one at a time, so that none undoes another. */
type InTurn = ReturnType<typeof inTurns>

/**
 * Keeps a running server's plan current: measures what is not known while nobody needs the machine, sees devices and power
 * change, and has another plan made from it.
 */
export function keepCurrent(options: CurrentOptions): Current {
  const { conductor, serving, knowledge, log } = options
  const stopped = new AbortController()
  const inTurn = inTurns()
  conductor.attach(serving)
  conductor.onChange(({ cause }) => log.info(`another plan: ${cause}`))
  const { simulation } = knowledge.survey
  const idle = calibrateWhenIdle(options)
  const readySinceMs = new Map<string, number>()
  const unloading = setInterval(() => {
    if (!simulation) relieveMemory(options, freemem(), totalmem())
    unloadIdle({ ...options, readySinceMs }, performance.now())
  }, UNLOAD_MS).unref()
  void watchDeviceMemory(options, stopped.signal)
  if (!simulation) void watch(options, inTurn, stopped.signal)
  if (!simulation) void watchServers(options, inTurn, stopped.signal)
  const endPace = simulation || !knowledge.survey.config.cpu.giveWay ? () => {} : paceBulkOf(options)
  return {
    refreshModels: () => inTurn(() => refreshModels(options, stopped.signal)),
    stop() {
      stopped.abort()
      clearInterval(unloading)
      endPace()
      return idle?.stop() ?? Promise.resolve()
    },
  }
}

function calibrateWhenIdle({ conductor, serving, knowledge, store, log }: CurrentOptions) {
  const { whenIdle, idleAfterS, maxCpuBusy, budgetMs } = knowledge.survey.config.calibration
  if (!store || !whenIdle) return undefined
  const cpuBusy = cpuBusyMeter()
  const inVain = new Set<string>()
  const idle = startIdleCalibration<MeasuringJob, string>({
    isIdle: () => {
      const { inFlight, lastRequestMs } = serving.activity()
      const busy = cpuBusy()
      return (
        serving.isReady() &&
        shouldCalibrate({
          nowMs: performance.now(),
          lastRequestMs,
          waiting: inFlight,
          ...(busy === undefined ? {} : { cpuBusy: busy }),
          maxCpuBusy,
          idleAfterMs: idleAfterS * 1000,
          onBattery: knowledge.survey.power.onBattery ?? false,
        })
      )
    },
    missing: () =>
      knowledge
        .missing(conductor.plan, (id) => conductor.running(id), freemem() - MARGIN * totalmem())
        .filter((job) => !inVain.has(nameOf(job))),
    measure: async (job, signal) => {
      try {
        return await measureJob(job, store, knowledge.context(), { signal, budgetMs })
      } catch (thrown) {
        if (!signal.aborted) inVain.add(nameOf(job)) // not again in this life: it would keep the others from their turn
        throw thrown
      }
    },
    onMeasured: (_, what) => conductor.replan(what),
    onError: (thrown) => log.warn(`measuring failed: ${reasonOf(thrown)}`),
  })
  serving.onRequest(() => idle.interrupt())
  return idle
}

function paceBulkOf({ conductor, serving, log }: CurrentOptions): () => void {
  return paceBulk({
    workers: () => conductor.workers(),
    pace: (share) => {
      log.debug(`bulk takes ${Math.round(share * 100)} % of its time`)
      serving.paceBulk(share)
    },
  })
}

async function watch(
  { conductor, knowledge, log }: CurrentOptions,
  inTurn: InTurn,
  signal: AbortSignal,
): Promise<void> {
  const lookAgain = async (changes: readonly string[]) => {
    try {
      const survey = await surveyAgain(knowledge.survey, signal)
      for (const warning of survey.warnings) log.warn(warning)
      knowledge.refresh(survey, conductor.loaded())
      conductor.replan(changes.join('; '), () => true) // what was refused may have been the old driver's fault
    } catch (thrown) {
      if (!signal.aborted) log.warn(`looking for devices failed: ${reasonOf(thrown)}`)
    }
  }
  await watchDevices({
    signal,
    env: process.env,
    intervalMs: WATCH_MS,
    devices: () => knowledge.survey.devices,
    onChange: (changes) => {
      for (const change of changes) log.warn(change)
      void inTurn(() => lookAgain(changes))
    },
  })
}

/** Servers that people start and stop beside this one. */
async function watchServers(
  { conductor, knowledge, onServers, log }: CurrentOptions,
  inTurn: InTurn,
  signal: AbortSignal,
): Promise<void> {
  const { adopt, servers } = knowledge.survey.config
  if (!adopt.discover && servers.length === 0) return
  for (let looks = 1; !signal.aborted; looks++) {
    try {
      await sleep(SERVERS_MS, undefined, { signal, ref: false })
      const withWays = looks % WAYS_EVERY === 0
      await inTurn(async () => {
        const found = await lookForServers(knowledge.survey, signal, { withWays })
        if (!found) return
        knowledge.refresh(found.survey, { tasks: {} }) // the devices are those of before: what is loaded is counted
        conductor.replan(found.news.join('; '))
        onServers()
      })
    } catch (thrown) {
      if (!signal.aborted) log.warn(`looking for servers failed: ${reasonOf(thrown)}`)
    }
  }
}

async function refreshModels(
  { conductor, knowledge }: CurrentOptions,
  signal: AbortSignal,
): Promise<ModelChanges> {
  const found = await lookForModels(knowledge.survey, signal)
  if (!found) return { added: [], removed: [] }
  const { survey, changes } = found
  knowledge.refresh(survey, { tasks: {} }) // as with servers
  const { added, removed } = changes
  const said = [
    ...(added.length > 0 ? [`here by now: ${added.join(', ')}`] : []),
    ...(removed.length > 0 ? [`no longer here: ${removed.join(', ')}`] : []),
  ]
  conductor.replan(`models ${said.join('; ')}`)
  return changes
}

function nameOf(job: MeasuringJob): string {
  const candidates = 'pair' in job ? job.pair : [job.candidate]
  return candidates.map(({ placement }) => placementId(placement)).join(' ')
}

function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
