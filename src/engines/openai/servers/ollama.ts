import { z } from 'zod'
import type { ServerDevice, Task } from '../../../domain/index.ts'
import { type Get, type ServerSoftware, tasksByName } from './contract.ts'

/** A Tandem that took Ollama's port says so. */
const Version = z.object({ version: z.string(), tandem: z.never().optional() })
const Tags = z.object({
  models: z.array(
    z.object({
      name: z.string(),
      digest: z.string().optional(),
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

const Shown = z.object({ capabilities: z.array(z.string()).optional() })

const MAX_KNOWN = 512
/** Questions to one server for its models. */
const MAX_ASKED = 64
/** Whether a model reads pictures, by its digest: a server is looked at again and again, and what a digest names stays as it is. */
const readsImages = new Map<string, boolean>()

/** @returns undefined where an old one does not tell; `POST /api/show` only reads */
async function imagesOf(get: Get, name: string, digest: string | undefined): Promise<boolean | undefined> {
  const known = readsImages.get(digest ?? '')
  if (known !== undefined) return known
  const shown = Shown.safeParse(await get('/api/show', { model: name })).data?.capabilities
  const reads = shown?.includes('vision')
  if (reads !== undefined && digest !== undefined && readsImages.size < MAX_KNOWN)
    readsImages.set(digest, reads)
  return reads
}

/** Ollama docs/api.md: "Version", "List Local Models", "List Running Models", "Show Model Information". */
export const ollama: ServerSoftware = {
  kind: 'ollama',
  title: 'Ollama',
  ports: [11434],
  api: '/v1',
  health: '/api/version',
  async look(get) {
    const version = Version.safeParse(await get('/api/version'))
    if (!version.success) return undefined
    const tags = Tags.safeParse(await get('/api/tags'))
    if (!tags.success) return undefined
    const running = Running.safeParse(await get('/api/ps')).data?.models ?? []
    const device = deviceOf(running)
    const models = await Promise.all(
      tags.data.models.map(async ({ name, digest, details }, at) => {
        const there = running.find((each) => each.name === name)
        const parameters = parametersOf(details?.parameter_size ?? '')
        const tasks: Task[] = /bert/i.test(details?.family ?? '') ? ['embed'] : tasksByName(name)
        const images =
          tasks.includes('chat') && at < MAX_ASKED ? await imagesOf(get, name, digest) : undefined
        return {
          name,
          tasks,
          ...(images === undefined ? {} : { images }),
          loaded: there !== undefined,
          ...(there?.context_length === undefined ? {} : { contextTokens: there.context_length }),
          ...(parameters === undefined ? {} : { parameters }),
        }
      }),
    )
    return {
      version: version.data.version,
      models,
      ...(device ? { device } : {}),
    }
  },
}

/** `7.6B`, `137M` */
function parametersOf(text: string): number | undefined {
  const [, number, unit] = /^([\d.]+)\s*([KMB])$/i.exec(text) ?? []
  if (number === undefined) return undefined
  const factor = { K: 1e3, M: 1e6, B: 1e9 }[unit!.toUpperCase()]!
  return Math.round(Number(number) * factor)
}

/** It tells how much of each loaded model is in a GPU's memory; not of which GPU. */
function deviceOf(running: readonly { size: number; size_vram: number }[]): ServerDevice | undefined {
  const size = running.reduce((sum, each) => sum + each.size, 0)
  if (size === 0) return undefined
  const share = running.reduce((sum, each) => sum + each.size_vram, 0) / size
  const why = `it keeps ${Math.round(100 * share)} % of what it has loaded in a GPU's memory`
  return { kind: share >= 0.5 ? 'dgpu' : 'cpu', told: true, why }
}
