/** Which servers there are: those of the configuration, and those on this machine that answer where their software listens. */
import { type Config, isLoopback } from '../../config/index.ts'
import type { AdoptedServer, ServerDevice, ServerKind, ServerModel, Task } from '../../domain/index.ts'
import { apiKeyOf, keeperOf } from './api-key.ts'
import { portOf } from './http/port-of.ts'
import { ask, type Target, textOf } from './http/transport.ts'
import { roundTripMs } from './round-trip.ts'
import { tasksByName } from './servers/contract.ts'
import {
  type Get,
  lmStudioPorts,
  type Query,
  type ServerSoftware,
  SOFTWARE,
  softwareOf,
} from './servers/index.ts'

/** Of one question to a server that was found, and to one that the user named. */
const FOUND_MS = 1_000
const NAMED_MS = 3_000
/** Of all questions to one address together. */
const TOTAL_MS = 6_000
const MAX_BYTES = 8 * 1024 * 1024
const MAX_MODELS = 64

type ConfiguredServer = Config['servers'][number]

/** A server with what it told. */
export interface FoundServer extends AdoptedServer {
  readonly models: readonly ServerModel[]
  /** Absent: it does not tell. */
  readonly device?: ServerDevice
  /** OpenVINO's name of the device that it was told to use. */
  readonly on?: string
  /** Of the model that it loads there, where its files are known. */
  readonly weightBytes?: number
  /** That it keeps for chats, where it was told how much. */
  readonly cacheBytes?: number
  /** False: it is away, and what is known of it was configured. */
  readonly answered: boolean
}

export interface FoundServers {
  readonly servers: readonly FoundServer[]
  /** Sentences for a person. */
  readonly warnings: readonly string[]
}

export interface DiscoverServersOptions {
  readonly env: NodeJS.ProcessEnv
  readonly signal: AbortSignal
  /** What is looked for, and on which ports; default: all that is known. */
  readonly software?: readonly ServerSoftware[]
  /** Of an earlier look: who is found again keeps its name, and nobody else gets it. */
  readonly known?: readonly Pick<FoundServer, 'name' | 'url'>[]
}

/** Nothing is changed on a server, and only loopback is looked at unasked. @throws the signal's reason */
export async function discoverServers(
  { servers: named, adopt, server: own }: Pick<Config, 'servers' | 'adopt' | 'server'>,
  { env, signal, software = SOFTWARE, known = [] }: DiscoverServersOptions,
): Promise<FoundServers> {
  const mine = [
    own.port,
    ...own.alsoListen,
    ...(own.compat.embedPort === undefined ? [] : [own.compat.embedPort]),
  ]
  const taken = new Set([...named.map(({ url }) => portOf(url)), ...mine])
  const [asked, found] = await Promise.all([
    Promise.all(named.map((each) => lookAtNamed(each, env, signal))),
    adopt.discover ? lookAtPorts(taken, software, env, signal) : [],
  ])
  const names = new Set([...named, ...known].map(({ name }) => name))
  const isNamed = (name: string) => named.some((each) => each.name === name)
  const adopted = found.flatMap((each): FoundServer[] => {
    if (!each) return []
    const before = known.find(({ url, name }) => url === each.url && !isNamed(name))
    const name = before?.name ?? freeName(each.kind, names)
    names.add(name)
    return [{ name, ...each }]
  })
  return {
    servers: [...asked.flatMap(({ server }) => server ?? []), ...adopted],
    warnings: asked.flatMap(({ warning }) => warning ?? []),
  }
}

async function lookAtNamed(
  { name, url: given, kind, apiKey, tasks, models: wanted, manage }: ConfiguredServer,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<{ server?: FoundServer; warning?: string }> {
  const url = given.replace(/\/+$/, '').replace(/\/v[13]$/, '')
  const keeper = keeperOf(apiKey)
  const warnings: string[] = []
  const key = await apiKeyOf(keeper, env, signal).catch((thrown: Error) => {
    signal.throwIfAborted()
    warnings.push(`servers: the API key of ${name} ${thrown.message}`)
    return undefined
  })
  const asSoftware = kind === undefined ? SOFTWARE : [softwareOf(kind)]
  const seen = await look({ url, key }, asSoftware, NAMED_MS, signal)
  const known = seen?.kind ?? kind
  const software = known && softwareOf(known)
  const fullName = (model: string) => software?.fullName?.(model) ?? model
  const local = isLoopback(new URL(url).hostname)
  const told = (seen?.models ?? []).map(({ file, ...model }) => ({
    ...model,
    name: wanted?.find((each) => fullName(each) === fullName(model.name)) ?? model.name,
    ...(local && file !== undefined ? { file } : {}), // another machine's path says nothing of a file here
  }))
  const assumed = (wanted ?? [])
    .filter((each) => !told.some((model) => model.name === each))
    .map((each) => ({ name: each, tasks: tasksByName(each) }))
  const meant = [...told.filter((model) => wanted?.includes(model.name) ?? true), ...assumed]
  const isAllowed = (task: Task) => tasks?.includes(task) ?? true
  const models = meant
    .map((model) => ({ ...model, tasks: model.tasks.filter(isAllowed) }))
    .filter((model) => model.tasks.length > 0)
  const withheld = meant.flatMap((model) =>
    model.tasks.filter((task) => !isAllowed(task)).map((task) => ({ task, model: model.name })),
  )
  if (!seen)
    warnings.push(
      `servers: ${name} at ${given} does not answer${kind === undefined ? '' : ` as ${softwareOf(kind).title}`}${
        models.length > 0 ? '' : '; its models are not known until it does, or list them with `models:`'
      }`,
    )
  else if (models.length === 0)
    warnings.push(
      `servers: ${name} at ${given} (${softwareOf(seen.kind).title}) has no model${
        (tasks ?? wanted) ? ' of those that `tasks` and `models` allow' : ''
      }; download or load one there`,
    )
  const cannotManage = manage && software && !software.keeper
  if (cannotManage)
    warnings.push(
      `servers: ${name} at ${given} (${software.title}) loads and unloads nothing on request, so \`manage\` does nothing there`,
    )
  const warning = warnings.length > 0 ? { warning: warnings.join('; ') } : {}
  if (models.length === 0 && withheld.length === 0) return warning
  const wayMs =
    seen && !local ? await roundTripMs({ url, key }, softwareOf(seen.kind).health, signal) : undefined
  const server: FoundServer = {
    name,
    kind: known ?? 'openai',
    url,
    local,
    models: models.slice(0, MAX_MODELS),
    answered: seen !== undefined,
    ...keeper,
    ...(seen?.version === undefined ? {} : { version: seen.version }),
    ...(seen?.device ? { device: seen.device } : {}),
    ...(manage && !cannotManage ? { manage } : {}),
    ...(wayMs === undefined ? {} : { roundTripMs: wayMs }),
    ...(withheld.length > 0 ? { withheld: withheld.slice(0, MAX_MODELS) } : {}),
  }
  return { server, ...warning }
}

/**
 * Asks a server beyond this machine again how long the way there and back takes.
 * @returns milliseconds; undefined: it does not answer; @throws the signal's reason
 */
export function measureWay(
  { url, kind }: Pick<AdoptedServer, 'url' | 'kind'>,
  signal: AbortSignal,
): Promise<number | undefined> {
  return roundTripMs({ url }, softwareOf(kind).health, signal)
}

/** Where software listens by itself, and where LM Studio says that it does. */
async function lookAtPorts(
  taken: ReadonlySet<number>,
  softwares: readonly ServerSoftware[],
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
) {
  const own = softwares.flatMap((software) => software.ports.map((port) => ({ software, port })))
  const further = (await lmStudioPorts((port, path) => getLocal(port, path, signal), env)).map((port) => ({
    software: softwareOf('lmstudio'),
    port,
  }))
  const ports = [...new Set([...own, ...further].map(({ port }) => port))].filter((port) => !taken.has(port))
  const softwareAt = (port: number) =>
    [...own, ...further].flatMap((each) => (each.port === port ? [each.software] : []))
  return Promise.all(ports.map((port) => lookAtPort(port, softwareAt(port), signal)))
}

function getLocal(port: number, path: string, signal: AbortSignal): Promise<unknown> {
  const target = { url: `http://127.0.0.1:${port}` }
  return within(FOUND_MS, signal, (limited) => askJson(target, path, undefined, limited)).catch(() => {
    signal.throwIfAborted()
    return undefined
  })
}

async function lookAtPort(
  port: number,
  software: readonly ServerSoftware[],
  signal: AbortSignal,
): Promise<Omit<FoundServer, 'name'> | undefined> {
  const url = `http://127.0.0.1:${port}`
  const seen = await look({ url }, software, FOUND_MS, signal)
  if (!seen || seen.models.length === 0) return undefined
  return { url, local: true, answered: true, ...seen, models: seen.models.slice(0, MAX_MODELS) }
}

interface Look {
  readonly kind: ServerKind
  readonly version?: string
  readonly models: readonly ServerModel[]
  readonly device?: ServerDevice
}

function look(
  target: Target,
  software: readonly ServerSoftware[],
  limitMs: number,
  signal: AbortSignal,
): Promise<Look | undefined> {
  let refused = false
  const answers = new Map<string, Promise<unknown>>() // several are asked the same
  const lookAs = async (both: AbortSignal) => {
    const question = (path: string, body?: unknown): Promise<unknown> =>
      refused
        ? Promise.resolve(undefined)
        : within(limitMs, both, (limited) => askJson(target, path, body, limited)).catch(() => {
            refused = true // it answers no other question either
            return undefined
          })
    const get: Get = (path) => {
      const answer = answers.get(path) ?? question(path)
      answers.set(path, answer)
      return answer
    }
    const query: Query = question
    for (const each of software) {
      const seen = await each.look(get, query)
      signal.throwIfAborted()
      if (seen) return { kind: each.kind, ...seen }
    }
    return undefined
  }
  return within(TOTAL_MS, signal, lookAs)
}

/** Hands a signal to `work` that is aborted after `ms` too. */
async function within<T>(
  ms: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  // Node 20 collects an AbortSignal.timeout that only AbortSignal.any knows, and the time never ends
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(new Error(`no answer within ${ms} ms`)), ms)
  try {
    return await work(AbortSignal.any([signal, late.signal]))
  } finally {
    clearTimeout(timer)
  }
}

/** @returns undefined for another status, or no JSON; @throws Error when nobody answers in time */
async function askJson(target: Target, path: string, body: unknown, signal: AbortSignal): Promise<unknown> {
  const answer = await ask(target, { path, body, signal })
  const text = await textOf(answer, MAX_BYTES)
  if (answer.statusCode !== 200) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function freeName(kind: string, names: ReadonlySet<string>): string {
  let [name, number] = [kind, 2]
  while (names.has(name)) name = `${kind}-${number++}`
  return name
}
