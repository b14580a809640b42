import { type ConfigFlag, configKey } from '../config/index.ts'
import { UsageError } from './failure.ts'

/** One option of a command: feeds parsing, `--help` and the docs. */
export interface OptionSpec<V> {
  /** `<n>`; absent for a switch. */
  readonly arg?: string
  readonly help: string
  /** What the command gets when the option is absent. */
  readonly default: V
  /** Shown in the help. */
  readonly shownDefault?: string
  /** @throws UsageError for a value that is not allowed */
  readonly parse?: (text: string, previous: V | undefined) => V
  /** The setting that it overrides, e.g. `server.port`. */
  readonly setting?: string
}

// The table holds options of any type; `unknown` would forbid their parse functions' second parameter.
// biome-ignore lint/suspicious/noExplicitAny: the reason above
export type OptionTable = Readonly<Record<string, OptionSpec<any>>>

export type Parsed<T extends OptionTable> = {
  readonly [K in keyof T]: T[K] extends OptionSpec<infer V> ? V : never
}

export function flag(help: string): OptionSpec<boolean> {
  return { help, default: false }
}

export function text(arg: string, help: string): OptionSpec<string | undefined> {
  return { arg, help, default: undefined, parse: (given) => given }
}

export function list(arg: string, help: string): OptionSpec<readonly string[]> {
  return {
    arg,
    help: `${help} (may be repeated)`,
    default: [],
    parse: (given, previous = []) => [...previous, given],
  }
}

export function integer(
  arg: string,
  help: string,
  { min, max, initial }: { min: number; max: number; initial: number },
): OptionSpec<number> {
  const parse = (given: string): number => {
    const value = Number(given)
    if (!/^\d+$/.test(given) || value < min || value > max)
      throw new UsageError(`"${given}" does not fit; allowed: an integer from ${min} to ${max}`)
    return value
  }
  return { arg, help: `${help} (${min} to ${max})`, default: initial, shownDefault: String(initial), parse }
}

/** An option that overrides a setting; help, default and check are the setting's own. */
export function setting(key: string, arg: string): OptionSpec<string | undefined> {
  const { description, allowed, type, ...spec } = configKey(key)
  const values = type === 'string' && !allowed.startsWith('one of') ? '' : ` (${allowed})`
  return {
    arg,
    help: `${description}${values}`,
    default: undefined,
    ...(spec.default === undefined ? {} : { shownDefault: String(spec.default) }),
    parse: (given) => given,
    setting: key,
  }
}

/** `logLevel` as typed: `--log-level` */
export function flagName(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}

/** The settings that were given on the command line. */
export function givenSettings(options: OptionTable, values: Readonly<Record<string, unknown>>): ConfigFlag[] {
  return Object.entries(options).flatMap(([name, spec]) => {
    const value = values[name]
    return spec.setting && typeof value === 'string'
      ? [{ key: spec.setting, value, flag: flagName(name) }]
      : []
  })
}

/** What every command takes. */
export const commonOptions = {
  config: text('<file>', 'read this configuration instead of tandem.yaml in TANDEM_HOME'),
  verbose: flag('show where an error comes from (also TANDEM_DEBUG=1)'),
} satisfies OptionTable

export const jsonOption = flag('print one JSON document on stdout; messages go to stderr')

/**
 * The words of an argument as one text.
 * @throws UsageError when they say nothing
 */
export function someWords(words: readonly string[], what: string): string {
  const said = words.join(' ')
  if (said.trim() === '') throw new UsageError(`the ${what} is empty`)
  return said
}
