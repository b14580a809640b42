import { existsSync } from 'node:fs'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import type { z } from 'zod'
import { type Given, readConfigFile } from './file.ts'
import { readHetero } from './hetero.ts'
import { CONFIG_KEYS, type ConfigKey } from './keys.ts'
import { llamaServerProblem } from './llama-server.ts'
import { nearestNames } from './nearest.ts'
import { ovmsProblem } from './ovms.ts'
import { policyProblem } from './policies.ts'
import { configError, type Problem } from './problem.ts'
import { Config } from './schema.ts'
import { serversProblem } from './servers.ts'
import { type ConfigFlag, readEnvironment, readFlags } from './texts.ts'

export interface LoadConfigInput {
  /** Folder of everything that Tandem keeps. */
  readonly home: string
  /** Takes the place of `tandem.yaml` in the home, and must exist. */
  readonly file?: string
  readonly env: NodeJS.ProcessEnv
  readonly flags?: readonly ConfigFlag[]
}

/** Where a value came from. */
export interface ConfigSource {
  readonly from: 'default' | 'file' | 'environment' | 'flag'
  /** File with line and column, variable or flag; absent for a default. */
  readonly where?: string
}

export interface LoadedConfig {
  readonly config: Config
  /** By key, e.g. `server.port`. */
  readonly source: Readonly<Record<string, ConfigSource>>
  /** The file that was read; absent when there is none. */
  readonly file?: string
  readonly warnings: readonly string[]
}

/** The configuration file of a home; it need not exist. */
export function configFile(home: string): string {
  return join(home, 'tandem.yaml')
}

/**
 * The effective configuration: flags win over variables, these over the file, the file over the defaults.
 * @throws TandemError CONFIG_INVALID naming file, line and column (or variable, or flag), the key, what is wrong and what is allowed
 */
export function loadConfig({ home, file, env, flags = [] }: LoadConfigInput): LoadedConfig {
  const chosen = file === undefined ? configFile(home) : resolve(file)
  const hasFile = file !== undefined || existsSync(chosen)
  const fromFile = hasFile ? readConfigFile(chosen) : { given: [], problems: [] }
  const fromEnv = readEnvironment(env)
  const layers = [
    { from: 'file', given: fromFile.given },
    { from: 'environment', given: fromEnv.given },
    { from: 'flag', given: readFlags(flags) },
  ] as const

  const problems: Problem[] = [...fromFile.problems]
  const values: Record<string, unknown> = {}
  const source: Record<string, ConfigSource> = {}
  for (const key of CONFIG_KEYS) source[key.key] = { from: 'default' }
  for (const { from, given } of layers) {
    for (const entry of given) {
      const read = check(entry, env)
      if ('what' in read) {
        problems.push({ where: entry.where, what: read.what })
        continue
      }
      const { section, name, key } = entry.key
      values[section] = name === '' ? read.value : { ...(values[section] as object), [name]: read.value }
      source[key] = { from, where: entry.where }
    }
  }
  if (problems.length > 0) throw configError(problems)

  const config = withHetero(Config.parse(values), source['openvino.hetero'], chosen)
  const conflict = checkTogether(config, source)
  if (conflict) throw configError([conflict])
  return { config, source, warnings: fromEnv.warnings, ...(hasFile ? { file: chosen } : {}) }
}

/** The hetero configuration in full, so that what is wrong with it shows at once; a path in the file is relative to it. */
function withHetero(config: Config, source: ConfigSource | undefined, file: string): Config {
  const { hetero } = config.openvino
  if (hetero === undefined) return config
  const folder = source?.from === 'file' ? dirname(file) : '.'
  const read = readHetero(hetero, `${source?.where}: openvino.hetero`, folder)
  return { ...config, openvino: { ...config.openvino, hetero: read } }
}

function leaf(key: ConfigKey): z.ZodType {
  const section = Config.shape[key.section as keyof typeof Config.shape].unwrap()
  if (!('shape' in section)) return section
  return (section.shape as Record<string, z.ZodType>)[key.name]!
}

function check({ key, value }: Given, env: NodeJS.ProcessEnv): { value: unknown } | { what: string } {
  const wrong = (why: string) => ({ what: `${key.key}: ${why}; allowed: ${key.allowed}` })
  if (value === null) return wrong('has no value (remove the line, or give one)')
  let effective = value
  if (key.secret && typeof value === 'string' && value.startsWith('env:')) {
    const name = value.slice('env:'.length)
    const found = env[name]
    if (!found) return { what: `${key.key}: ${value} names the variable ${name}, which is not set` }
    effective = found
  }
  const result = leaf(key).safeParse(effective)
  if (result.success) return { value: result.data }
  if (key.secret) return wrong('does not fit')
  const issue = result.error.issues[0]
  const path = issue?.path ?? []
  const culprit = path.reduce<unknown>(
    (inner, step) => (inner as Record<PropertyKey, unknown>)[step],
    effective,
  )
  if (issue && (key.type === 'object' || (key.itemType === 'object' && path.length > 0)))
    return { what: within(key, issue, culprit, effective) }
  const [at] = path
  const entry = at === undefined ? '' : ` (entry ${typeof at === 'number' ? at + 1 : String(at)})`
  const choices = issue?.code === 'invalid_value' ? issue.values.map(String) : []
  const nearest = typeof culprit === 'string' ? nearestNames(culprit, choices).join(' or ') : ''
  return wrong(`${shown(culprit)}${entry} does not fit${nearest ? `, did you mean ${nearest}?` : ''}`)
}

/** What is wrong inside a setting that is an object: where in it, and what is allowed there. */
function within(key: ConfigKey, issue: z.core.$ZodIssue, culprit: unknown, whole: unknown): string {
  const where = [key.key, ...issue.path.map(String)].join('.')
  if (issue.code === 'unrecognized_keys') return `${where}: ${issue.message}`
  if (issue.code === 'invalid_key') return `${where}: ${issue.issues[0]?.message ?? issue.message}`
  if (whole === culprit) return `${where}: ${shown(culprit)} does not fit; allowed: ${key.allowed}`
  return `${where}: ${shown(culprit)} does not fit; ${issue.message}`
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}

/** What no single value shows. */
function checkTogether(config: Config, source: LoadedConfig['source']): Problem | undefined {
  const policy = policyProblem(config.placement.policy, config.placement.policies)
  if (policy !== undefined) {
    const setting = policy.startsWith('placement.policies') ? 'placement.policies' : 'placement.policy'
    return { where: source[setting]?.where ?? setting, what: policy }
  }
  const servers = serversProblem(config.servers, isLoopback)
  if (servers !== undefined) return { where: source['servers']?.where ?? 'servers', what: servers }
  const llamaServer = llamaServerProblem(config.llamaServer, isAbsolute)
  if (llamaServer !== undefined) {
    const [setting = ''] = llamaServer.split(':', 1)
    return { where: source[setting]?.where ?? setting, what: llamaServer }
  }
  const ovms = ovmsProblem(config.ovms, isAbsolute, config.servers)
  if (ovms !== undefined) {
    const [setting = ''] = ovms.split(/[[:]/, 1)
    return { where: source[setting]?.where ?? setting, what: ovms }
  }
  const { host, apiKey } = config.server
  if (apiKey !== undefined || isLoopback(host)) return undefined
  return {
    where: source['server.host']?.where ?? 'server.host',
    what: `server.host: ${shown(host)} can be reached from other machines, which needs server.apiKey (\`apiKey: env:NAME\`); without a key: 127.0.0.1, ::1 or localhost`,
  }
}

/** Whether only this machine reaches the address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host)
}
