/** What is on this machine, or on the one that is simulated: all that a plan is made from beside measurements. */
import { stat } from 'node:fs/promises'
import type { Config } from '../config/index.ts'
import { discoverDevices, type Power, portUsers, readPower } from '../devices/index.ts'
import { simulatedDevices } from '../devices/simulated/index.ts'
import { type Device, type EngineId, type Model, TASKS, type Task } from '../domain/index.ts'
import {
  askDimensions,
  configuredOvms,
  type DiscoveredEngine,
  discoverEngines,
  discoverServers,
  type FoundServer,
  type FoundServers,
  measureWay,
  projectorOf,
} from '../engines/index.ts'
import {
  asSimulated,
  keepReferences,
  openSimulation,
  type Simulation,
  simulatedCatalogue,
  simulatedShape,
} from '../engines/simulated/index.ts'
import {
  type Catalogue,
  type ChosenModel,
  chooseModels,
  isGgufPath,
  isPulled,
  loadCatalogue,
  modelFolders,
  namedModel,
  withModels,
} from '../models/index.ts'
import { emptyBans, type Pin, type PlannedModel, parsePin } from '../placement/index.ts'
import { type Adopted, adopt } from './adopted.ts'
import { withIndexModel } from './index-model.ts'
import { draftShape, shapeOf } from './model-shapes.ts'

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
  /** Adopted ones; each is one of `devices` too. */
  readonly servers: readonly FoundServer[]
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
  const warn = (message: string) => void warnings.push(message)
  const [real, machine, servers] = await Promise.all([
    loadCatalogue(modelFolders(options.home, config.models.folders)),
    simulation ? simulated(simulation) : discovered(options),
    simulation ? { servers: [], warnings: [] } : allServers(options),
  ])
  const { adopted, models, asked } = await withServers(servers.servers, machine.devices, real, {
    ...options,
    simulation,
    warn,
    known: [],
  })
  const found = { ...machine, devices: [...machine.devices, ...adopted.devices] }
  warnings.push(...servers.warnings)
  warnings.push(
    ...found.warnings,
    ...emptyBans(config.placement.never, found.devices).map(
      (name) => `placement.never: ${name} is the name of no device here`,
    ),
    ...Object.keys(config.placement.memory)
      .filter((name) => found.devices.every(({ id }) => id !== name))
      .map((name) => `placement.memory: ${name} is the id of no device here`),
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
    servers: asked,
    pins: { ...pinsOfEngines(found.engines), ...configuredPins(config) },
    warnings,
    ...(simulation ? { simulation } : {}),
  }
}

/** Those that Tandem starts itself first. @throws the signal's reason */
async function allServers({ config, home, signal }: SurveyOptions): Promise<FoundServers> {
  const { env } = process
  const own = await configuredOvms(config, { home, env })
  const found = await discoverServers(config, { env, signal })
  return { servers: [...own.servers, ...found.servers], warnings: [...own.warnings, ...found.warnings] }
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

interface Planning extends SurveyOptions {
  readonly simulation: Simulation | undefined
  readonly warn: (message: string) => void
  /** Servers of an earlier look. */
  readonly known: readonly FoundServer[]
}

/** What servers have, and the models that are planned with it. */
async function withServers(
  servers: readonly FoundServer[],
  devices: readonly Device[],
  real: Catalogue,
  planning: Planning,
): Promise<{ adopted: Adopted; models: readonly PlannedModel[]; asked: readonly FoundServer[] }> {
  const { config, home, signal, known, warn } = planning
  const asked = await withIndexModel(servers, {
    wanted: real.list().some(({ id }) => id === config.models.embed) ? undefined : config.models.embed,
    known,
    ask: (server, model) => askDimensions(server, model, { env: process.env, signal }),
    warn,
  })
  const { chat } = config.models
  const file = chat !== undefined && isGgufPath(chat) ? [await namedModel(real, 'chat', chat)] : []
  const usersOf = (port: number) => portUsers(port, { signal, env: process.env })
  const adopted = await adopt(asked, { catalogue: [...real.list(), ...file], here: devices, home, usersOf })
  const hasLlamaServer = devices.some(({ engines }) => engines.openai !== undefined)
  return { adopted, models: await plannedModels(planning, real, adopted, hasLlamaServer), asked }
}

/**
 * Looks again for servers: one that was started later, or has other models by now. One that is away stays in the plan, for its
 * worker waits for it.
 * @param withWays measures the way to servers beyond this machine anew
 * @returns undefined where nothing is new; @throws the signal's reason
 */
export async function lookForServers(
  survey: Survey,
  signal: AbortSignal,
  { withWays = false }: { readonly withWays?: boolean } = {},
): Promise<{ readonly survey: Survey; readonly news: readonly string[] } | undefined> {
  const { config, servers: known, simulation } = survey
  if (simulation) return undefined
  const missing = config.servers.filter(({ name }) => {
    const before = known.find((each) => each.name === name)
    return before === undefined || !before.answered || before.local // a provider that is known is not asked again and again
  })
  const now = await discoverServers({ ...config, servers: missing }, { env: process.env, signal, known })
  const isNew = (server: FoundServer) => {
    const before = known.find(({ name }) => name === server.name)
    return before === undefined || !before.answered || stateOf(before) !== stateOf(server)
  }
  const fresh = [
    ...now.servers.filter((server) => server.answered && isNew(server)),
    ...(withWays ? await otherWays(known, signal) : []),
  ]
  if (fresh.length === 0) return undefined
  // in their order: the first with a model of a name has that name
  const servers = [
    ...known.map((before) => fresh.find(({ name }) => name === before.name) ?? before),
    ...fresh.filter(({ name }) => known.every((before) => before.name !== name)),
  ]
  const again = await modelsAgain(survey, servers, signal)
  const news = fresh.map(({ name, url, models: theirs, roundTripMs }) => {
    const before = known.find((each) => each.name === name)
    if (before?.answered && roundTripMs !== undefined)
      return `the way to ${name} at ${url} takes ${Math.round(roundTripMs)} ms${before.roundTripMs === undefined ? '' : `, before ${Math.round(before.roundTripMs)}`}`
    const loaded = theirs.filter((each) => each.loaded).map((each) => each.name)
    return `${name} at ${url} has ${loaded.length > 0 ? `${loaded.join(', ')} loaded` : 'models'}`
  })
  return { survey: again, news }
}

/** Models whose files came, went or changed since the survey: their ids. */
export interface ModelChanges {
  readonly added: readonly string[]
  readonly removed: readonly string[]
}

/**
 * Looks again for models in the folders of the catalogue.
 * @returns undefined where nothing is new; @throws TandemError MODEL_NOT_FOUND, MODEL_UNSERVABLE; the signal's reason
 */
export async function lookForModels(
  survey: Survey,
  signal: AbortSignal,
): Promise<{ readonly survey: Survey; readonly changes: ModelChanges } | undefined> {
  const now = await modelsAgain(survey, survey.servers, signal)
  const keysOf = ({ models }: Survey) =>
    new Map(models.map(({ task, model }) => [`${task}:${model.id}:${model.fingerprint}`, model.id]))
  const [before, after] = [keysOf(survey), keysOf(now)]
  const missingIn = (other: ReadonlyMap<string, string>, from: ReadonlyMap<string, string>) => [
    ...new Set([...from].flatMap(([key, id]) => (other.has(key) ? [] : [id]))),
  ]
  const changes = { added: missingIn(before, after), removed: missingIn(after, before) }
  return changes.added.length + changes.removed.length > 0 ? { survey: now, changes } : undefined
}

/** The survey with what the catalogue's folders and these servers have by now. */
async function modelsAgain(
  survey: Survey,
  servers: readonly FoundServer[],
  signal: AbortSignal,
): Promise<Survey> {
  const { config, home, servers: known, simulation } = survey
  const own = survey.devices.filter(({ server }) => server === undefined)
  const real = await loadCatalogue(modelFolders(home, config.models.folders))
  const warn = () => undefined // it was told at the start
  const planning = { config, home, simulation, warn, signal, known }
  const { adopted, models, asked } = await withServers(servers, own, real, planning)
  return { ...survey, servers: asked, devices: [...own, ...adopted.devices], models }
}

/** Less is no other way: networks are never twice the same. */
const OTHER_WAY = { factor: 2, ms: 20 }

/** Servers beyond this machine whose way is another than it was. */
async function otherWays(known: readonly FoundServer[], signal: AbortSignal): Promise<FoundServer[]> {
  const measured = await Promise.all(
    known
      .filter(({ local, answered }) => !local && answered)
      .map(async (server) => ({ server, ms: await measureWay(server, signal) })),
  )
  return measured.flatMap(({ server, ms }) => {
    if (ms === undefined) return [] // its worker notices that it is away
    const before = server.roundTripMs ?? 0
    const [less, more] = [Math.min(before, ms), Math.max(before, ms)]
    const isOther = more > OTHER_WAY.factor * less && more - less > OTHER_WAY.ms
    return isOther ? [{ ...server, roundTripMs: ms }] : []
  })
}

/** What of a server changes while it runs. */
function stateOf({ models, device }: FoundServer): string {
  return JSON.stringify([
    models.map(({ name, loaded, contextTokens }) => [name, loaded, contextTokens]),
    device,
  ])
}

type Found = Pick<Survey, 'devices' | 'engines' | 'power' | 'warnings'>

/** The same machine looked at anew: devices come and go, drivers change. @throws the signal's reason */
export async function surveyAgain(survey: Survey, signal: AbortSignal): Promise<Survey> {
  if (survey.simulation) return survey
  const { config, home, engines: before } = survey
  const found = await discovered({ config, home, signal }, before)
  const servers = survey.devices.filter(({ server }) => server)
  return { ...survey, ...found, devices: [...found.devices, ...servers] }
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
  { config, home, simulation, warn }: Planning,
  real: Catalogue,
  adopted: Adopted,
  hasLlamaServer: boolean,
): Promise<PlannedModel[]> {
  const catalogue = simulation ? simulatedCatalogue(simulation, real) : withModels(real, adopted.models)
  const chosen = await chooseModels(catalogue, config, warn)
  const { contextTokens, slots } = config.chat
  const draft = !simulation && hasLlamaServer ? await draftShape(config, warn) : undefined
  const decoder = {
    slots,
    ...(contextTokens === undefined ? {} : { contextTokens }),
    ...(draft ? { draft } : {}),
  }
  const models: PlannedModel[] = []
  const further = simulation ? [] : pulledBeside(chosen, real, home)
  for (const { model: found, ...rest } of [...chosen, ...further]) {
    const shape = (simulation && simulatedShape(simulation, found)) ?? (await shapeOf(found, warn))
    const projectorBytes = !simulation && hasLlamaServer ? await projectorBytesOf(found) : undefined
    const model = simulation
      ? asSimulated(found, simulation)
      : readingImages(found, adopted, projectorBytes !== undefined)
    if (simulation && rest.task === 'embed') await keepReferences(model, simulation)
    models.push({
      ...rest,
      model,
      ...(shape ? { shape } : {}),
      ...(rest.task === 'chat' ? decoder : {}),
      ...(projectorBytes === undefined ? {} : { projectorBytes }),
    })
  }
  return [...models, ...onDemand(models, adopted, decoder)]
}

/** What was pulled beside the models that were chosen: a request may name it. */
function pulledBeside(
  chosen: readonly ChosenModel[],
  catalogue: Catalogue,
  home: string,
): Pick<PlannedModel, 'task' | 'model' | 'onDemand'>[] {
  const pulled = catalogue.list().filter((model) => isPulled(model, home))
  return pulled.flatMap((model) =>
    model.tasks
      .filter((task) => chosen.every((each) => each.task !== task || each.model.id !== model.id))
      .map((task) => ({ task, model, onDemand: true })),
  )
}

/** A server that has a model's file open may have a part for pictures beside it, and so may a folder for a llama-server of ours. */
function readingImages(model: Model, { withImages }: Adopted, hasProjector: boolean): Model {
  if (!model.chat || !(withImages.has(model.id) || hasProjector)) return model
  return { ...model, chat: { ...model.chat, images: 'yes' } }
}

/** Of the file that a llama-server of ours would open beside a chat model; undefined: there is none. */
async function projectorBytesOf(model: Model): Promise<number | undefined> {
  const path = model.chat ? await projectorOf(model) : undefined
  if (path === undefined) return undefined
  return stat(path).then(
    ({ size }) => size,
    () => undefined,
  )
}

/** What servers have beside the models that were chosen: a request may name it. */
function onDemand(
  chosen: readonly PlannedModel[],
  { devices, models }: Adopted,
  decoder: Pick<PlannedModel, 'slots' | 'contextTokens' | 'draft'>,
): PlannedModel[] {
  const served = devices.flatMap(({ server }) => server?.models ?? [])
  const seen = new Set(chosen.map(({ task, model }) => `${task}:${model.id}`))
  return served.flatMap(({ task, model: id }): PlannedModel[] => {
    const model = models.find((each) => each.id === id)
    if (!model || seen.has(`${task}:${id}`)) return []
    seen.add(`${task}:${id}`)
    // of a file that is here too, an own engine may load it
    const shape = chosen.find((each) => each.model.fingerprint === model.fingerprint)?.shape
    return [{ task, model, onDemand: true, ...(shape ? { shape, ...decoder } : {}) }]
  })
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
