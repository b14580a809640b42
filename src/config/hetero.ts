/** `hetero_config.json`: devices in order for one model, as people write it for OpenVINO. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { z } from 'zod'
import { nearestNames } from './nearest.ts'
import { configError } from './problem.ts'

const KINDS = 'CPU, NPU or GPU, one of several with its number: GPU.1'
const HINTS = ['LATENCY', 'THROUGHPUT', 'CUMULATIVE_THROUGHPUT'] as const
const MODES = ['HETERO', 'AUTO'] as const

export const HeteroConfig = z.strictObject({
  device_priorities: z
    .array(z.string().regex(/^(CPU|NPU|GPU)(\.\d{1,2})?$/, `allowed: ${KINDS}`))
    .min(1, `at least one of ${KINDS}`)
    .max(16, 'at most 16 devices'),
  performance_hint: z.enum(HINTS, { error: `allowed: ${HINTS.join(', ')}` }).optional(),
  enable_profiling: z.boolean({ error: 'allowed: true or false' }).default(false),
  /** HETERO splits one model over the devices, AUTO chooses one of them, or all of them by CUMULATIVE_THROUGHPUT. */
  mode: z.enum(MODES, { error: `allowed: ${MODES.join(', ')}` }).optional(),
})
export type HeteroConfig = z.infer<typeof HeteroConfig>

const KEYS = Object.keys(HeteroConfig.shape)

/**
 * Reads the value of `openvino.hetero`.
 * @param value the keys themselves, their JSON, or the path of a file that holds them
 * @param where named in the error
 * @param folder of a relative path
 * @throws TandemError CONFIG_INVALID with every wrong key and what is allowed
 */
export function readHetero(value: unknown, where: string, folder: string): HeteroConfig {
  if (typeof value !== 'string') return check(value, where)
  if (value.trimStart().startsWith('{')) return check(parseJson(value, where), where)
  const file = resolve(folder, value)
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (thrown) {
    throw configError([{ where, what: `cannot read ${file}: ${(thrown as Error).message}` }])
  }
  return check(parseJson(text, file), file)
}

function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text)
  } catch (thrown) {
    throw configError([{ where, what: `not valid JSON: ${(thrown as Error).message}` }])
  }
}

function check(value: unknown, where: string): HeteroConfig {
  const parsed = HeteroConfig.safeParse(value)
  if (parsed.success) return parsed.data
  throw configError(parsed.error.issues.map((issue) => ({ where, what: describe(issue, value) })))
}

function describe(issue: z.core.$ZodIssue, value: unknown): string {
  if (issue.code === 'unrecognized_keys') {
    const [unknown] = issue.keys
    const [nearest] = nearestNames(unknown!, KEYS)
    const meant = nearest ? `did you mean ${nearest}? ` : ''
    return `unknown key "${unknown}"; ${meant}allowed: ${KEYS.join(', ')}`
  }
  const [key, at] = issue.path
  if (key === undefined) return `must be an object with the keys ${KEYS.join(', ')}`
  const given = issue.path.reduce<unknown>(
    (inner, step) => (inner as Record<PropertyKey, unknown>)?.[step],
    value,
  )
  const entry = typeof at === 'number' ? ` (entry ${at + 1})` : ''
  if (given === undefined) return `${String(key)} is missing; e.g. ["GPU.1", "NPU", "CPU"]`
  return `${String(key)}: ${JSON.stringify(given)}${entry} does not fit; ${issue.message}`
}
