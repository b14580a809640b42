import { z } from 'zod'
import { ENGINE_IDS } from '../domain/index.ts'
import { Config } from './schema.ts'

/** The parts of a JSON schema that settings use. */
interface SchemaNode {
  readonly type?: string
  readonly description?: string
  readonly default?: unknown
  readonly enum?: readonly string[]
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly writeOnly?: boolean
  readonly items?: SchemaNode
  readonly pattern?: string
  readonly anyOf?: readonly SchemaNode[]
  readonly properties?: Readonly<Record<string, SchemaNode>>
}

type ConfigType = 'integer' | 'number' | 'boolean' | 'string' | 'array' | 'object'

/** One setting, as the schema describes it. */
export interface ConfigKey {
  /** `queue.maxWaiting` */
  readonly key: string
  readonly section: string
  /** Empty: the section is a list and no more. */
  readonly name: string
  /** `TANDEM_QUEUE_MAX_WAITING` */
  readonly variable: string
  readonly type: ConfigType
  /** Of a list's entries. */
  readonly itemType?: ConfigType
  /** What may stand there, in words: `an integer from 1 to 10000`. */
  readonly allowed: string
  /** Absent: not set unless configured. */
  readonly default?: unknown
  readonly description: string
  /** Never printed; may be given as `env:NAME`. */
  readonly secret: boolean
}

/** The JSON schema of `tandem.yaml`. */
export function configSchema(): Record<string, unknown> {
  return z.toJSONSchema(Config, { io: 'input' })
}

function variableOf(section: string, name: string): string {
  const upper = (word: string) => word.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase()
  return ['TANDEM', section, name]
    .filter((word) => word !== '')
    .map(upper)
    .join('_')
}

function allowedValues(node: SchemaNode): string {
  if (node.anyOf) return node.anyOf.map(allowedValues).join(' or ')
  if (node.type === 'object') return 'keys with values'
  if (node.pattern?.includes(ENGINE_IDS[0]))
    return `a device (cpu, npu0, GPU.1), an engine (${ENGINE_IDS.join(', ')}), or ENGINE@DEVICE`
  if (node.pattern?.includes('https?')) return 'an address with http or https'
  if (node.pattern) return 'a name without spaces'
  if (node.enum) return `one of: ${node.enum.join(', ')}`
  if (node.type === 'boolean') return 'true or false'
  if (node.type === 'array') return `a list, each entry ${allowedValues(node.items ?? {})}`
  if (node.type === 'string')
    return node.minLength && node.minLength > 1 ? `a text of at least ${node.minLength} characters` : 'a text'
  const noun = node.type === 'integer' ? 'an integer' : 'a number'
  const { minimum, maximum } = node
  if (minimum !== undefined && maximum !== undefined && Math.abs(maximum) < Number.MAX_SAFE_INTEGER)
    return `${noun} from ${minimum} to ${maximum}`
  return minimum !== undefined ? `${noun}, at least ${minimum}` : noun
}

/** A section that is a list is one setting without a name of its own. */
function namedIn(section: SchemaNode): (readonly [string, SchemaNode])[] {
  return section.type === 'array' ? [['', section]] : Object.entries(section.properties ?? {})
}

function readKeys(): ConfigKey[] {
  const root = configSchema() as SchemaNode
  return Object.entries(root.properties ?? {}).flatMap(([section, sectionNode]) =>
    namedIn(sectionNode).map(([name, node]) => ({
      key: name === '' ? section : `${section}.${name}`,
      section,
      name,
      variable: variableOf(section, name),
      type: (node.type ?? 'string') as ConfigType,
      ...(node.items?.type ? { itemType: node.items.type as ConfigType } : {}),
      allowed: allowedValues(node),
      ...(node.default === undefined ? {} : { default: node.default }),
      description: node.description ?? '',
      secret: node.writeOnly === true,
    })),
  )
}

/** Every setting, in the order of the schema. */
export const CONFIG_KEYS: readonly ConfigKey[] = readKeys()

export const CONFIG_SECTIONS: readonly string[] = [...new Set(CONFIG_KEYS.map((key) => key.section))]

/** @throws Error for a key that the schema does not have: a mistake of the caller */
export function configKey(key: string): ConfigKey {
  const found = CONFIG_KEYS.find((entry) => entry.key === key)
  if (!found) throw new Error(`no setting ${key}`)
  return found
}
