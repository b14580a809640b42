import { z } from 'zod'
import type { ServerDevice, ServerModel, Task } from '../../../domain/index.ts'
import { type ModelKeeper, parametersOf, type Query, type ServerSoftware, tasksByName } from './contract.ts'

/** A Tandem that took Ollama's port says so. */
const Version = z.object({ version: z.string(), tandem: z.never().optional() })
const Tags = z.object({
  models: z.array(
    z.object({
      name: z.string(),
      details: z.object({ family: z.string().nullish(), parameter_size: z.string().nullish() }).nullish(),
    }),
  ),
})
const Running = z.object({
  models: z.array(
    z.object({
      name: z.string(),
      size: z.number().default(0),
      size_vram: z.number().default(0),
      context_length: z.number().optional(),
    }),
  ),
})
const Shown = z.object({
  /** Lines of the Modelfile's PARAMETER. */
  parameters: z.string().default(''),
  model_info: z.record(z.string(), z.unknown()).default({}),
  /** Absent: an old one, which does not tell. */
  capabilities: z.array(z.string()).optional(),
})
type Shown = z.infer<typeof Shown>

/** The window of a model that is not loaded, where neither Modelfile nor `/api/ps` tells it (docs/context-length.mdx: at least). */
const CONTEXT_TOKENS = 4096
/** Models that are asked for one by one. */
const MAX_SHOWN = 32

/** Ollama docs/api.md, "Model names": without a tag it is `latest`. */
function fullName(name: string): string {
  return /:[^/]*$/.test(name) ? name : `${name}:latest`
}

function isSame(one: string, other: string): boolean {
  return fullName(one) === fullName(other)
}

/** Ollama docs/api.md: "Load a model" (it does when it is asked for anything), "Unload a model". */
const keeper: ModelKeeper = {
  async load(order, name) {
    const { models } = await order.get('/api/ps', Running)
    return models.some((each) => isSame(each.name, name)) ? undefined : name
  },
  async unload(order, loadedAs) {
    await order.post('/api/generate', { model: loadedAs, keep_alive: 0 }, z.object({ done: z.literal(true) }))
  },
}

/** Ollama docs/api.md: "Version", "List Local Models", "List Running Models", "Show Model Information". */
export const ollama: ServerSoftware = {
  kind: 'ollama',
  title: 'Ollama',
  ports: [11434],
  api: '/v1',
  health: '/api/version',
  fullName,
  async look(get, query) {
    const version = Version.safeParse(await get('/api/version'))
    if (!version.success) return undefined
    const tags = Tags.safeParse(await get('/api/tags'))
    if (!tags.success) return undefined
    const running = Running.safeParse(await get('/api/ps')).data?.models ?? []
    const device = deviceOf(running)
    const models = await Promise.all(
      tags.data.models.map(async ({ name, details }, at): Promise<ServerModel> => {
        const there = running.find((each) => isSame(each.name, name))
        const shown = at < MAX_SHOWN ? await show(query, name) : undefined
        const parameters = parametersOf(details?.parameter_size ?? '')
        const tasks = shown ? tasksOf(shown, name) : tasksOfFamily(details?.family, name)
        const contextTokens = there?.context_length ?? (shown && windowOf(shown))
        const images = tasks.includes('chat') ? shown?.capabilities?.includes('vision') : undefined
        const dimensions = tasks.includes('embed') ? numberOf(shown, 'embedding_length') : undefined
        return {
          name,
          tasks,
          ...(images === undefined ? {} : { images }),
          loaded: there !== undefined,
          ...(contextTokens === undefined ? {} : { contextTokens }),
          ...(dimensions === undefined ? {} : { dimensions }),
          ...(parameters === undefined ? {} : { parameters }),
        }
      }),
    )
    return { version: version.data.version, models, ...(device ? { device } : {}) }
  },
  async sizes(get, name) {
    const running = Running.safeParse(await get('/api/ps')).data?.models
    const there = running?.find((each) => isSame(each.name, name))
    return there?.context_length === undefined ? {} : { contextTokens: there.context_length }
  },
  keeper,
}

async function show(query: Query, model: string): Promise<Shown | undefined> {
  return Shown.safeParse(await query('/api/show', { model })).data
}

/** Capabilities tell nothing of rerankers, which Ollama has no route for. */
function tasksOf({ capabilities }: Shown, name: string): Task[] {
  if (capabilities?.includes('embedding')) return ['embed']
  return capabilities?.includes('completion') ? ['chat'] : tasksByName(name)
}

function tasksOfFamily(family: string | null | undefined, name: string): Task[] {
  return /bert/i.test(family ?? '') ? ['embed'] : tasksByName(name)
}

function windowOf(shown: Shown): number {
  const [, wanted] = /^num_ctx\s+(\d+)/m.exec(shown.parameters) ?? []
  return Math.min(Number(wanted ?? CONTEXT_TOKENS), numberOf(shown, 'context_length') ?? Infinity)
}

/** `llama.context_length`, whatever the architecture is called. */
function numberOf(shown: Shown | undefined, key: string): number | undefined {
  const architecture = shown?.model_info['general.architecture']
  const value = shown?.model_info[`${String(architecture)}.${key}`]
  return typeof value === 'number' ? value : undefined
}

/** It tells how much of each loaded model is in a GPU's memory; not of which GPU. */
function deviceOf(running: readonly { size: number; size_vram: number }[]): ServerDevice | undefined {
  const size = running.reduce((sum, each) => sum + each.size, 0)
  if (size === 0) return undefined
  const share = running.reduce((sum, each) => sum + each.size_vram, 0) / size
  const why = `it keeps ${Math.round(100 * share)} % of what it has loaded in a GPU's memory`
  return { kind: share >= 0.5 ? 'dgpu' : 'cpu', told: true, why }
}
