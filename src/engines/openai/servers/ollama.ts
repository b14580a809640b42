import { z } from 'zod'
import type { ServerDevice } from '../../../domain/index.ts'
import { type ServerSoftware, tasksByName } from './contract.ts'

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

/** Ollama docs/api.md: "Version", "List Local Models", "List Running Models". */
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
    return {
      version: version.data.version,
      models: tags.data.models.map(({ name, details }) => {
        const there = running.find((each) => each.name === name)
        const parameters = parametersOf(details?.parameter_size ?? '')
        return {
          name,
          tasks: /bert/i.test(details?.family ?? '') ? ['embed'] : tasksByName(name),
          loaded: there !== undefined,
          ...(there?.context_length === undefined ? {} : { contextTokens: there.context_length }),
          ...(parameters === undefined ? {} : { parameters }),
        }
      }),
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
