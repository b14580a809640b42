import type { Given } from './file.ts'
import { CONFIG_KEYS, CONFIG_SECTIONS, type ConfigKey, configKey } from './keys.ts'
import { nearestNames } from './nearest.ts'

/** Turns the text of a variable or flag into the type of its key; what does not fit is left for the check to refuse. */
function coerce(key: ConfigKey, text: string): unknown {
  const trimmed = text.trim()
  if (key.type === 'integer' || key.type === 'number') return toNumber(trimmed) ?? text
  if (key.type === 'boolean') {
    if (/^(true|1|yes|on)$/i.test(trimmed)) return true
    return /^(false|0|no|off)$/i.test(trimmed) ? false : text
  }
  if (key.type === 'object') return /^[{[]/.test(trimmed) ? fromJson(trimmed) : toRecord(trimmed)
  if (key.type !== 'array') return text
  if (!trimmed.startsWith('['))
    return trimmed
      .split(',')
      .map((entry) => entry.trim())
      .filter((entry) => entry !== '')
      .map((entry) => (key.itemType === 'integer' ? (toNumber(entry) ?? entry) : entry))
  return fromJson(trimmed)
}

/** What is no JSON stays a text, which the check refuses with the variable named. */
function fromJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}

/** `npu0=crash:20,gpu0=slow:2` */
function toRecord(text: string): unknown {
  const entries = text.split(',').map((entry) => /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/.exec(entry)?.slice(1))
  return entries.every((entry) => entry !== undefined) ? Object.fromEntries(entries) : text
}

function toNumber(text: string): number | undefined {
  return /^[+-]?\d+(\.\d+)?$/.test(text) ? Number(text) : undefined
}

/** Values from `TANDEM_SECTION_KEY` variables; an empty variable counts as not set. */
export function readEnvironment(env: NodeJS.ProcessEnv): {
  given: readonly Given[]
  warnings: readonly string[]
} {
  const given = CONFIG_KEYS.flatMap((key) => {
    const text = env[key.variable]
    return text ? [{ key, value: coerce(key, text), where: key.variable }] : []
  })
  const known = CONFIG_KEYS.map((key) => key.variable)
  const prefixes = CONFIG_SECTIONS.map((section) => `TANDEM_${section.toUpperCase()}_`)
  const warnings = Object.keys(env)
    .filter((name) => prefixes.some((prefix) => name.startsWith(prefix)) && !known.includes(name))
    .map((name) => {
      const [nearest] = nearestNames(name, known)
      return `the variable ${name} sets nothing${nearest ? `; did you mean ${nearest}?` : ''}`
    })
  return { given, warnings }
}

/** A setting given on the command line. */
export interface ConfigFlag {
  /** `server.port` */
  readonly key: string
  /** As typed; a text is turned into the key's type. */
  readonly value: string | number | boolean
  /** `--port` */
  readonly flag: string
}

export function readFlags(flags: readonly ConfigFlag[]): readonly Given[] {
  return flags.map(({ key, value, flag }) => {
    const spec = configKey(key)
    return { key: spec, value: typeof value === 'string' ? coerce(spec, value) : value, where: flag }
  })
}
