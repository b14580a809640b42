/** Wires the rooms together; owns the order of start and shutdown. */
import { mkdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import {
  type CalibrationReport,
  calibrateHere,
  Knowledge,
  MeasurementStore,
  type Survey,
  surveyMachine,
} from './calibration/index.ts'
import {
  type CalibrateOptions,
  claimHome,
  processIo,
  type RunningServer,
  runCommandLine,
  type ServeOptions,
} from './cli/index.ts'
import { createLoadMeter } from './devices/index.ts'
import { type Model, type Plan, placementId, placementsOf, TandemError } from './domain/index.ts'
import { createHttpServer, type HttpServer } from './http/index.ts'
import { pullModel } from './models/index.ts'
import { createProjects } from './project/index.ts'
import { Conductor, createResidency, createServing, keepCurrent, planWith } from './scheduling/index.ts'
import { createLog, createTelemetry, type Logger, type Telemetry } from './telemetry/index.ts'
import { StandbyPool, type Worker } from './workers/index.ts'

const { version } = createRequire(import.meta.url)('../package.json') as { version: string }

/** The command line; ends the process, also when something still runs that should not. */
export async function main(argv: readonly string[]): Promise<void> {
  process.exit(await runCommandLine(argv, { startServer, calibrate }, processIo()))
}

/** Measures every placement that is possible here; see `CommandHost`. */
async function calibrate(options: CalibrateOptions): Promise<CalibrationReport> {
  const survey = await surveyMachine(options)
  for (const warning of survey.warnings) options.onWarning(warning)
  if (survey.simulation)
    throw new TandemError('CONFIG_INVALID', {
      where: 'simulate.machine',
      what: 'a simulated machine is not measured; its figures are those of its profile',
    })
  return calibrateHere(survey, options)
}

/**
 * Starts workers, projects and the HTTP server; returns when it listens, before the models are loaded.
 * @throws TandemError PORT_TAKEN, ALREADY_RUNNING, CONFIG_INVALID, MODEL_NOT_FOUND
 */
export async function startServer(options: ServeOptions): Promise<RunningServer> {
  const { config, announce } = options
  const claim = announce ? await claimHome(options.home) : undefined
  const survey = await surveyMachine(options)
  const { home, simulation } = survey
  await mkdir(home, { recursive: true })
  const log = logOf(survey)
  const warnings = [...survey.warnings]
  const store = simulation
    ? undefined
    : new MeasurementStore(home, { onWarning: (text) => warnings.push(text) })
  const knowledge = new Knowledge(survey, store)
  if (options.beside) knowledge.refresh(survey, options.beside)
  const exclusive = options.exclusive ?? false
  const telemetry = await createTelemetry({ version, simulated: simulation !== undefined })
  const standbys = announce ? new StandbyPool() : undefined // a single command needs no second life
  const conductor = new Conductor({
    makePlan: (refusals) => knowledge.plan({ refusals, exclusive, onUnmetPin: 'standIn' }),
    workerOptions: (placement, plan) => ({
      ...knowledge.workerOptions(placement, plan),
      ...(standbys && !placement.simulated ? { standbys } : {}),
      onOutput: (text) => log.info(`${placementId(placement)}: ${text.trimEnd()}`),
    }),
    onWorker: (worker) => {
      observe(worker, conductor.plan, telemetry)
      if (announce) logFailures(worker, log)
    },
    shareCores: (placements, isAway) => knowledge.shareCores(placements, isAway),
    onCoresOver: (over) => log.info(coresOver(over)),
    modelsOf: (plan) => modelsOf(plan, knowledge.survey),
    ...(options.tasks ? { tasks: options.tasks } : {}),
  })
  if (!exclusive && !options.anyPlan) checkPins(conductor.plan)
  for (const warning of [...unmetWishes(conductor.plan), ...unserved(conductor.plan, survey)])
    log.warn(warning)

  const workers = conductor.start()
  const serving = createServing({
    plan: conductor.plan,
    workers,
    config,
    models: modelsOf(conductor.plan, survey),
    // while one is away the others have its cores, and are faster than they will be
    onFigure: (placement, figure) => conductor.isComplete() && store?.noteLive(placement, figure),
    observer: telemetry.observer,
  })
  const embedModel = () => knowledge.survey.models.find(({ task }) => task === 'embed')?.model
  const projects = createProjects({ home, serving, config, log, embedModel })
  const openProjects = () =>
    projects.open().catch((thrown: Error) => log.warn(`opening projects failed: ${thrown.message}`))
  const residency = createResidency(conductor, () => knowledge.survey.devices)
  const current = announce
    ? keepCurrent({
        conductor,
        serving,
        knowledge,
        residency,
        store,
        log,
        onServers: () => options.openProjects && void openProjects(),
      })
    : undefined
  const load = createLoadMeter(() => knowledge.survey.devices, { env: process.env })
  telemetry.metrics.watch({
    workers: () => serving.workers(),
    queues: () => serving.queues(),
    devices: () => knowledge.survey.devices,
    load,
    projects: () => projects.list(),
  })
  let listening: HttpServer | undefined
  try {
    const http = await createHttpServer({
      config,
      version,
      serving,
      projects,
      models: () => modelsOf(conductor.plan, knowledge.survey),
      plan: () => conductor.plan,
      planWith: (other) => planWith(knowledge, { ...options, refusals: conductor.refusals }, other),
      onPlan: (listener) => conductor.onChange(listener),
      devices: () => knowledge.survey.devices,
      load,
      pull: (ask) => pullModel({ ...ask, dryRun: false, home, hub: config.hub, env: process.env }),
      ...(current ? { refreshModels: () => current.refreshModels() } : {}),
      telemetry,
      isReady: () => serving.isReady(),
      residency,
      log,
    })
    const { url, alsoAt, problems } = await http.listen()
    warnings.push(...problems)
    listening = http
    if (options.openProjects) await projects.open()
    await claim?.announce(url, simulation?.machine.id)
    return {
      url,
      alsoAt,
      warnings,
      ready: () => serving.ready(),
      async stop(graceMs) {
        await claim?.release()
        conductor.stop()
        // a search that runs still needs its index; drained workers answer what waits at once
        await Promise.all([
          current?.stop(),
          http.close(graceMs).then(() => projects.close()),
          serving.drain(graceMs),
        ])
        store?.close()
        telemetry.close()
      },
      kill: () => {
        for (const worker of conductor.workers()) void worker.stop(0)
      },
    }
  } catch (thrown) {
    conductor.stop()
    await Promise.all([current?.stop(), listening?.close(0), projects.close(), serving.drain(0)])
    store?.close()
    telemetry.close()
    throw thrown
  }
}

function logOf({ config, simulation }: Survey): Logger {
  const log = createLog(config.log.level)
  return simulation ? log.child({ simulated: simulation.machine.id }) : log
}

/** The models that a plan places, each once. */
function modelsOf(plan: Plan, { models }: Survey): Model[] {
  const planned = new Set(placementsOf(plan).map((each) => each.model))
  return [...new Set(models.map(({ model }) => model))].filter(({ id }) => planned.has(id))
}

/** @throws TandemError CONFIG_INVALID for a placement that the configuration asks for by name and that cannot be */
function checkPins({ unmet = [] }: Plan): void {
  const [first] = unmet.filter(({ task, by }) => by === `placement.${task}`)
  if (!first) return
  const { by, pin, model, reason } = first
  throw new TandemError('CONFIG_INVALID', {
    where: by,
    what: `${model} cannot be placed as asked (${pin}): ${reason}; \`tandem devices\` lists what is here`,
  })
}

/** Sentences: what was asked for and is served by something else. */
function unmetWishes({ tasks }: Plan): string[] {
  return Object.values(tasks).flatMap(([first]) => {
    if (!first?.insteadOf) return []
    const { task, engine, device, insteadOf } = first
    const asked = `${insteadOf.engine}${insteadOf.device && ` on ${insteadOf.device}`}`
    return [`${task} cannot run by ${asked}: ${insteadOf.reason}; ${engine} on ${device} serves it instead`]
  })
}

/** Sentences: models that nothing serves, and why. */
function unserved({ tasks, rejected }: Plan, { models }: Survey): string[] {
  return models.flatMap(({ task, model }) => {
    if (tasks[task]?.some((each) => each.model === model.id)) return []
    const own = rejected.filter((each) => each.task === task && each.model === model.id)
    // what speaks of the policy, of memory or of a ban says more than that an engine does something else
    const [why] = own.filter(({ reason }) => !/ does not | runs on | reads /.test(reason)).concat(own)
    return [
      `nothing serves ${task} with ${model.id}: ${why?.reason ?? 'no engine does'}; see \`tandem plan\``,
    ]
  })
}

function coresOver(over: number): string {
  return over === 0
    ? 'the cores suffice for all workers again'
    : `more workers than cores for them: each computes on one thread, ${over} more than \`cpu.reserveCores\` leaves`
}

/** Tells of a worker from its start on. */
function observe(worker: Worker, plan: Plan, { observer }: Telemetry): void {
  const { id, placement } = worker
  const { measured } = placementsOf(plan).find((each) => placementId(each) === id) ?? {}
  const expected = measured?.loadMs === undefined ? {} : { expectedMs: measured.loadMs }
  const { resting } = worker
  observer.workerChanged({ id, placement, state: resting ? 'stopped' : 'starting', resting, ...expected })
  worker.onEvent((event) => {
    const loaded = event.state === 'ready' && worker.info ? { loadMs: worker.info.loadMs } : {}
    observer.workerChanged({ id, placement, ...event, ...expected, ...loaded })
  })
  worker.onLoading(({ progress }) => progress !== undefined && observer.workerLoading(id, progress))
}

function logFailures(worker: Worker, log: Logger): void {
  worker.onEvent(({ state, error, retryInMs }) => {
    if (!error || error.code === 'SHUTTING_DOWN') return
    const next = retryInMs === undefined ? '' : `; its next start is in ${(retryInMs / 1000).toFixed(1)} s`
    log.warn(`${worker.id} is ${state}: ${error.message}${next}`)
  })
}
