import { CONFIG_KEYS, type ConfigKey } from './keys.ts'
import type { ConfigSource, LoadedConfig } from './load.ts'

const MASK = '********'

/** A setting as it is in force, fit for printing: secrets are masked. */
export interface ShownSetting extends ConfigSource {
  readonly key: ConfigKey
  /** Undefined when nothing is set. */
  readonly value: unknown
}

export function shownSettings({ config, source }: LoadedConfig): ShownSetting[] {
  return CONFIG_KEYS.map((key) => {
    const section = (config as Record<string, unknown>)[key.section]
    const value = key.name === '' ? section : (section as Record<string, unknown> | undefined)?.[key.name]
    const origin = source[key.key] ?? { from: 'default' as const }
    return { key, value: key.secret && value !== undefined ? MASK : value, ...origin }
  })
}
