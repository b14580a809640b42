/** Wires the rooms together; owns the order of start and shutdown. */
import { mkdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { claimHome, processIo, type RunningServer, runCommandLine, type ServeOptions } from './cli/index.ts'
import type { Config } from './config/index.ts'
import { discoverDevices } from './devices/index.ts'
import { simulatedDevices } from './devices/simulated/index.ts'
import {
  type Device,
  type Model,
  type Plan,
  type PlannedPlacement,
  placementId,
  TASKS,
  type Task,
} from './domain/index.ts'
import { type DiscoveredEngine, discoverEngines, ENGINES } from './engines/index.ts'
import {
  asSimulated,
  keepReferences,
  openSimulation,
  type Simulation,
  simulatedCatalogue,
  simulatedWorker,
} from './engines/simulated/index.ts'
import { createHttpServer, type HttpServer } from './http/index.ts'
import { admitVectors, type Catalogue, loadCatalogue, modelFolders, namedModel } from './models/index.ts'
import { engineDevice, makePlan, type Pin, parsePin, shareThreads, usesCpu } from './placement/index.ts'
import { createProjects } from './project/index.ts'
import { createServing } from './scheduling/index.ts'
import { createLog, type Logger } from './telemetry/index.ts'
import { startWorker, type Worker } from './workers/index.ts'

type ChosenModels = Readonly<Partial<Record<Task, Model>>>

const { version } = createRequire(import.meta.url)('../package.json') as { version: string }

/** The command line; ends the process, also when something still runs that should not. */
export async function main(argv: readonly string[]): Promise<void> {
  process.exit(await runCommandLine(argv, { startServer }, processIo()))
}

/**
 * Starts workers, projects and the HTTP server; returns when it listens, before the models are loaded.
 * @throws TandemError PORT_TAKEN, ALREADY_RUNNING, CONFIG_INVALID, MODEL_NOT_FOUND
 */
export async function startServer(options: ServeOptions): Promise<RunningServer> {
  const { config } = options
  const simulation = openSimulation(config, options.home)
  const home = simulation?.home ?? options.home
  const plainLog = createLog(config.log.level)
  const log = simulation ? plainLog.child({ simulated: simulation.machine.id }) : plainLog
  await mkdir(home, { recursive: true })
  const claim = options.announce ? await claimHome(options.home) : undefined
  const real = await loadCatalogue(modelFolders(options.home, config.models.folders))
  const catalogue = simulation ? simulatedCatalogue(simulation, real) : real
  const pins = configuredPins(config)
  const engines = simulation
    ? [] // the profile says what there is
    : await discoverEngines({
        config,
        home,
        env: process.env,
        signal: options.signal,
        asked: Object.values(pins).map((pin) => pin.engine),
      })
  const warnings = engines.flatMap((engine) => engine.warnings)
  const devices = simulation
    ? simulatedDevices(simulation.machine)
    : discoverDevices(engines.flatMap((engine) => engine.devices))
  const chosen = await chooseModels(catalogue, config, (message) => warnings.push(message))
  const models = simulation ? await simulateModels(chosen, simulation) : chosen
  if (simulation)
    warnings.push(`simulating ${simulation.machine.title}: nothing real answers; data is kept in ${home}`)
  const plan = makePlan({
    policy: config.placement.policy,
    devices,
    engines: ENGINES,
    models,
    pins: { ...pinsOfEngines(engines), ...pins },
    problems: Object.fromEntries(
      engines.flatMap(({ engine, problem }) => (problem ? [[engine, problem]] : [])),
    ),
    exclusive: options.exclusive ?? false,
  })
  for (const warning of unmetWishes(plan)) log.warn(warning)

  const planned = new Set(Object.values(plan.tasks).flatMap((list) => list.map((each) => each.model)))
  const served = Object.values(models).filter((model) => planned.has(model.id))
  const workers = startWorkers({ plan, models, devices, engines, simulation }, { ...options, home }, log)
  if (options.announce) for (const worker of workers) logFailures(worker, log)
  const serving = createServing({ plan, workers, config, models: served })
  const projects = createProjects({
    home,
    serving,
    config,
    log,
    ...(models.embed ? { embedModel: models.embed } : {}),
  })
  let listening: HttpServer | undefined
  try {
    const http = await createHttpServer({
      config,
      version,
      serving,
      projects,
      models: () => served,
      plan: () => plan,
      devices: () => devices,
      isReady: () => serving.isReady(),
      log,
    })
    const url = await http.listen()
    listening = http
    if (options.openProjects) await projects.open()
    await claim?.announce(url, simulation?.machine.id)
    return {
      url,
      warnings,
      ready: () => serving.ready(),
      async stop(graceMs) {
        await claim?.release()
        // a search that runs still needs its index; drained workers answer what waits at once
        await Promise.all([http.close(graceMs).then(() => projects.close()), serving.drain(graceMs)])
      },
      kill: () => {
        for (const worker of workers) void worker.stop(0)
      },
    }
  } catch (thrown) {
    await Promise.all([listening?.close(0), projects.close(), serving.drain(0)])
    throw thrown
  }
}

/** The configured model of each task, else the first of the catalogue that does it: the shipped one, where one ships. */
async function chooseModels(
  catalogue: Catalogue,
  config: Config,
  warn: (message: string) => void,
): Promise<ChosenModels> {
  const models: Partial<Record<Task, Model>> = {}
  for (const task of TASKS) {
    const name = config.models[task]
    const model =
      name === undefined
        ? catalogue.list().find((each) => each.tasks.includes(task))
        : await namedModel(catalogue, task, name, config.chat.contextTokens, warn)
    if (model) models[task] = model
  }
  return models
}

/** The chosen models as the simulator serves them, with the vectors that its devices must reproduce. */
async function simulateModels(models: ChosenModels, simulation: Simulation): Promise<ChosenModels> {
  const simulated: Partial<Record<Task, Model>> = {}
  for (const [task, model] of Object.entries(models) as [Task, Model][]) {
    simulated[task] = asSimulated(model, simulation)
    if (task === 'embed') await keepReferences(simulated[task], simulation)
  }
  return simulated
}

function configuredPins({ placement }: Config): Partial<Record<Task, Pin>> {
  const pins: Partial<Record<Task, Pin>> = {}
  for (const task of TASKS) {
    const asked = placement[task]
    if (asked !== undefined) pins[task] = parsePin(asked)
  }
  return pins
}

/** What the engines' own configurations ask for. */
function pinsOfEngines(engines: readonly DiscoveredEngine[]): Partial<Record<Task, Pin>> {
  const pins: Partial<Record<Task, Pin>> = {}
  for (const { engine, asks } of engines)
    for (const task of asks?.tasks ?? []) pins[task] = { engine, device: asks!.device, by: asks!.by }
  return pins
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

function logFailures(worker: Worker, log: Logger): void {
  worker.onEvent(({ state, error }) => {
    if (error && error.code !== 'SHUTTING_DOWN') log.warn(`${worker.id} is ${state}: ${error.message}`)
  })
}

interface Wanted {
  readonly plan: Plan
  readonly models: ChosenModels
  readonly devices: readonly Device[]
  readonly engines: readonly DiscoveredEngine[]
  readonly simulation: Simulation | undefined
}

function startWorkers(
  { plan, models, devices, engines, simulation }: Wanted,
  { config, home, tasks }: ServeOptions,
  log: Logger,
): Worker[] {
  const wanted = (Object.values(plan.tasks) as PlannedPlacement[][])
    .flat()
    .filter((placement) => tasks === undefined || tasks.includes(placement.task))
  const cores = devices.find((device) => device.id === 'cpu')?.cores ?? 1
  const onCpu = wanted.filter(usesCpu).map((placement) => placement.task)
  // a fallback rests while the placement before it works: the workers of a task share its threads
  const threads = shareThreads([...new Set(onCpu)], { cores, reserveCores: config.cpu.reserveCores })
  return wanted.flatMap((placement) => {
    const model = models[placement.task]
    if (!model) return [] // the plan places chosen models only
    const { contextTokens, slots } = config.chat
    const found = engines.find(({ engine }) => engine === placement.engine)
    const where = `${placement.engine} on ${placement.device}`
    const device = engineDevice(placement, devices)
    const simulated = simulation && simulatedWorker(simulation, { ...placement, device }, model)
    return startWorker({
      placement,
      spec: {
        model,
        task: placement.task,
        device,
        threads: threads[placement.task] ?? 1,
        ...(found ? { settings: found.settings } : {}),
        ...(simulated ? { settings: simulated.settings } : {}),
        ...(placement.task === 'chat'
          ? { contextTokens: Math.min(contextTokens ?? model.contextTokens, model.contextTokens), slots }
          : {}),
      },
      lastPlacement: plan.tasks[placement.task]?.length === 1,
      onOutput: (text) => log.info(`${placementId(placement)}: ${text.trimEnd()}`),
      ...(found ? { env: found.env } : {}),
      ...(simulated ? { modulePath: simulated.modulePath } : {}),
      ...(placement.task === 'embed'
        ? { admit: (embed) => admitVectors({ model, home, placement: where }, embed) }
        : {}),
    })
  })
}
