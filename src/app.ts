/** Wires the rooms together; owns the order of start and shutdown. */
import { mkdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { claimHome, processIo, type RunningServer, runCommandLine, type ServeOptions } from './cli/index.ts'
import type { Config } from './config/index.ts'
import { discoverDevices } from './devices/index.ts'
import type { Device, Model, Plan, PlannedPlacement, Task } from './domain/index.ts'
import { ENGINES } from './engines/index.ts'
import { createHttpServer, type HttpServer } from './http/index.ts'
import { type Catalogue, loadCatalogue, modelFolders, namedModel } from './models/index.ts'
import { makePlan, shareThreads } from './placement/index.ts'
import { createProjects } from './project/index.ts'
import { createServing } from './scheduling/index.ts'
import { createLog } from './telemetry/index.ts'
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
  const devices = discoverDevices()
  const models = await chooseModels(catalogue, config, (message) => log.warn(message))
  const plan = makePlan({ policy: config.placement.policy, devices, engines: ENGINES, models })

  const planned = new Set(Object.values(plan.tasks).flatMap((list) => list.map((each) => each.model)))
  const served = Object.values(models).filter((model) => planned.has(model.id))
  const workers = startWorkers(plan, models, devices, options)
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
    await claim?.announce(url)
    return {
      url,
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

/** The configured model of each task, else the first of the catalogue that does it: the shipped one. */
async function chooseModels(
  catalogue: Catalogue,
  config: Config,
  warn: (message: string) => void,
): Promise<ChosenModels> {
  const models: Partial<Record<Task, Model>> = {}
  for (const task of ['chat', 'embed'] as const) {
    const name = config.models[task]
    const model =
      name === undefined
        ? catalogue.list().find((each) => each.tasks.includes(task))
        : await namedModel(catalogue, task, name, config.chat.contextTokens, warn)
    if (model) models[task] = model
  }
  return models
}

function startWorkers(
  plan: Plan,
  models: ChosenModels,
  devices: readonly Device[],
  { config, tasks }: ServeOptions,
): Worker[] {
  const wanted = (Object.values(plan.tasks) as PlannedPlacement[][])
    .flat()
    .filter((placement) => tasks === undefined || (tasks as readonly Task[]).includes(placement.task))
  const cores = devices.find((device) => device.id === 'cpu')?.cores ?? 1
  const threads = shareThreads(
    wanted.filter((placement) => placement.kind === 'cpu').map((placement) => placement.task),
    { cores, reserveCores: config.cpu.reserveCores },
  )
  return wanted.flatMap((placement) => {
    const model = models[placement.task]
    if (!model) return [] // the plan places chosen models only
    const { contextTokens, slots } = config.chat
    return startWorker({
      placement,
      spec: {
        model,
        task: placement.task,
        device: devices.find((device) => device.id === placement.device)?.engines[placement.engine] ?? 'cpu',
        threads: threads[placement.task] ?? 1,
        ...(placement.task === 'chat'
          ? { contextTokens: Math.min(contextTokens ?? model.contextTokens, model.contextTokens), slots }
          : {}),
      },
      lastPlacement: plan.tasks[placement.task]?.length === 1,
    })
  })
}
