/** Wires the rooms together; owns the order of start and shutdown. */
import { mkdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { claimHome, processIo, type RunningServer, runCommandLine, type ServeOptions } from './cli/index.ts'
import type { Config } from './config/index.ts'
import { createLoadMeter, discoverDevices } from './devices/index.ts'
import {
  type Device,
  type Model,
  type Plan,
  type PlannedPlacement,
  placementId,
  sameDeviceName,
  TASKS,
  type Task,
} from './domain/index.ts'
import { type DiscoveredEngine, discoverEngines, ENGINES } from './engines/index.ts'
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
  const { config, home } = options
  const log = createLog(config.log.level)
  await mkdir(home, { recursive: true })
  const claim = options.announce ? await claimHome(home) : undefined
  const catalogue = await loadCatalogue(modelFolders(home, config.models.folders))
  const pins = configuredPins(config)
  const engines = await discoverEngines({
    config,
    home,
    env: process.env,
    signal: options.signal,
    asked: Object.values(pins).map((pin) => pin.engine),
  })
  const warnings = engines.flatMap((engine) => engine.warnings)
  const problems = Object.fromEntries(
    engines.flatMap(({ engine, problem }) => (problem ? [[engine, problem]] : [])),
  )
  const devices = await discoverDevices(
    engines.flatMap((engine) => engine.devices),
    { signal: options.signal, env: process.env, problems },
  )
  const models = await chooseModels(catalogue, config, (message) => warnings.push(message))
  const plan = makePlan({
    policy: config.placement.policy,
    devices,
    engines: ENGINES,
    models,
    pins: { ...pinsOfEngines(engines), ...pins },
    problems,
    exclusive: options.exclusive ?? false,
  })
  for (const warning of unmetWishes(plan)) log.warn(warning)

  const planned = new Set(Object.values(plan.tasks).flatMap((list) => list.map((each) => each.model)))
  const served = Object.values(models).filter((model) => planned.has(model.id))
  const workers = startWorkers({ plan, models, devices, engines }, options, log)
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
      load: createLoadMeter(() => devices, { env: process.env }),
      isReady: () => serving.isReady(),
      log,
    })
    const url = await http.listen()
    listening = http
    if (options.openProjects) await projects.open()
    await claim?.announce(url)
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
}

function startWorkers(
  { plan, models, devices, engines }: Wanted,
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
    const chosen = found?.devices.find(({ name }) => sameDeviceName(name, device))
    return startWorker({
      placement,
      spec: {
        model,
        task: placement.task,
        device,
        threads: threads[placement.task] ?? 1,
        ...(found ? { settings: found.settings } : {}),
        ...(placement.task === 'chat'
          ? { contextTokens: Math.min(contextTokens ?? model.contextTokens, model.contextTokens), slots }
          : {}),
      },
      lastPlacement: plan.tasks[placement.task]?.length === 1,
      onOutput: (text) => log.info(`${placementId(placement)}: ${text.trimEnd()}`),
      ...(found ? { env: { ...found.env, ...chosen?.env } } : {}),
      ...(placement.task === 'embed'
        ? { admit: (embed) => admitVectors({ model, home, placement: where }, embed) }
        : {}),
    })
  })
}
