/** What is on this machine, or on the one that is simulated: all that a plan is made from beside measurements. */
import type { Config } from '../config/index.ts'
import { discoverDevices, type Power, readPower } from '../devices/index.ts'
import { simulatedDevices } from '../devices/simulated/index.ts'
import { type Device, type EngineId, TASKS, TandemError, type Task } from '../domain/index.ts'
import { type DiscoveredEngine, discoverEngines } from '../engines/index.ts'
import {
  asSimulated,
  keepReferences,
  openSimulation,
  type Simulation,
  simulatedCatalogue,
  simulatedShape,
} from '../engines/simulated/index.ts'
import { chooseModels, loadCatalogue, modelFolders, readModelShape } from '../models/index.ts'
import { emptyBans, type Pin, type PlannedModel, parsePin } from '../placement/index.ts'

export interface SurveyOptions {
  readonly config: Config
  /** Folder of everything that Tandem keeps. */
  readonly home: string
  readonly signal: AbortSignal
}

export interface Survey {
  readonly config: Config
  /** Folder of what is kept for this machine; a simulated one has a folder of its own. */
  readonly home: string
  readonly devices: readonly Device[]
  readonly engines: readonly DiscoveredEngine[]
  readonly models: readonly PlannedModel[]
  /** What the engines' own configurations ask for, and before them what `placement` does. */
  readonly pins: Readonly<Partial<Record<Task, Pin>>>
  readonly power: Power
  /** Sentences for a person. */
  readonly warnings: readonly string[]
  readonly simulation?: Simulation
}

/** @throws TandemError CONFIG_INVALID, MODEL_NOT_FOUND, MODEL_UNSERVABLE, OPENVINO_MISSING; the signal's reason */
export async function surveyMachine(options: SurveyOptions): Promise<Survey> {
  const { config } = options
  const simulation = openSimulation(config, options.home)
  const warnings: string[] = []
  const [models, found] = await Promise.all([
    plannedModels(options, simulation, (message) => warnings.push(message)),
    simulation ? simulated(simulation) : discovered(options),
  ])
  warnings.push(
    ...found.warnings,
    ...emptyBans(config.placement.never, found.devices).map(
      (name) => `placement.never: ${name} is the name of no device here`,
    ),
    ...emptyAliases(config, models),
  )
  if (simulation)
    warnings.push(
      `simulating ${simulation.machine.title}: nothing real answers; data is kept in ${simulation.home}`,
    )
  return {
    config,
    home: simulation?.home ?? options.home,
    ...found,
    models,
    pins: { ...pinsOfEngines(found.engines), ...configuredPins(config) },
    warnings,
    ...(simulation ? { simulation } : {}),
  }
}

/** Sentences: names that lead to no model. */
function emptyAliases({ models: { aliases } }: Config, models: readonly PlannedModel[]): string[] {
  const ids = [...new Set(models.map(({ model }) => model.id))]
  return Object.entries(aliases)
    .filter(([, id]) => !ids.includes(id))
    .map(
      ([name, id]) =>
        `models.aliases: ${name} stands for ${id}, which is not served; these are: ${ids.join(', ')}`,
    )
}

type Found = Pick<Survey, 'devices' | 'engines' | 'power' | 'warnings'>

/** The same machine looked at anew: devices come and go, drivers change. @throws the signal's reason */
export async function surveyAgain(survey: Survey, signal: AbortSignal): Promise<Survey> {
  if (survey.simulation) return survey
  const { config, home, engines: before } = survey
  return { ...survey, ...(await discovered({ config, home, signal }, before)) }
}

/** @param before an engine whose probe fails now keeps the devices that it had: it was slow, or its driver is at work */
async function discovered(
  { config, home, signal }: SurveyOptions,
  before: readonly DiscoveredEngine[] = [],
): Promise<Found> {
  const { env } = process
  const asked = Object.values(configuredPins(config)).flatMap(({ engine }) => engine ?? [])
  const [found, power] = await Promise.all([
    discoverEngines({ config, home, env, signal, asked }),
    readPower({ signal, env }),
  ])
  const engines = found.map((now) => {
    const old = before.find(({ engine }) => engine === now.engine)
    return now.problem !== undefined && old?.problem === undefined ? (old ?? now) : now
  })
  const problems = engineProblems(engines)
  const devices = await discoverDevices(
    engines.flatMap((engine) => engine.devices),
    { signal, env, problems },
  )
  return { engines, devices, power, warnings: found.flatMap((engine) => engine.warnings) }
}

/** The profile says what there is. */
async function simulated({ machine }: Simulation): Promise<Found> {
  return { engines: [], devices: simulatedDevices(machine), power: {}, warnings: [] }
}

/** Why an engine cannot be used, where that is so. */
export function engineProblems(
  engines: readonly DiscoveredEngine[],
): Readonly<Partial<Record<EngineId, string>>> {
  return Object.fromEntries(engines.flatMap(({ engine, problem }) => (problem ? [[engine, problem]] : [])))
}

async function plannedModels(
  { config, home }: SurveyOptions,
  simulation: Simulation | undefined,
  warn: (message: string) => void,
): Promise<PlannedModel[]> {
  const real = await loadCatalogue(modelFolders(home, config.models.folders))
  const chosen = await chooseModels(simulation ? simulatedCatalogue(simulation, real) : real, config, warn)
  const { contextTokens, slots } = config.chat
  const decoder = { slots, ...(contextTokens === undefined ? {} : { contextTokens }) }
  const models: PlannedModel[] = []
  for (const { model: found, ...rest } of chosen) {
    const shape = (simulation && simulatedShape(simulation, found)) ?? (await shapeOf(found, warn))
    const model = simulation ? asSimulated(found, simulation) : found
    if (simulation && rest.task === 'embed') await keepReferences(model, simulation)
    models.push({
      ...rest,
      model,
      ...(shape ? { shape } : {}),
      ...(rest.task === 'chat' ? decoder : {}),
    })
  }
  return models
}

/** A file that cannot be read is refused by its engine, with the reason; until then its size must do. */
async function shapeOf(model: PlannedModel['model'], warn: (message: string) => void) {
  try {
    return await readModelShape(model)
  } catch (thrown) {
    if (!(thrown instanceof TandemError)) throw thrown
    warn(`${model.id}: how much memory it needs cannot be told: ${thrown.message}`)
    return undefined
  }
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
