/** The least value that fulfils a JSON schema. */
import type { JsonSchema } from '../../domain/index.ts'

/** References followed on one path, as the grammar of real answers has it. */
const MAX_REFERENCES = 8
const WORD = 'simulated '

type Part = Readonly<Record<string, unknown>>
const isPart = (value: unknown): value is Part =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const numberIn = (schema: Part, name: string): number | undefined =>
  typeof schema[name] === 'number' ? schema[name] : undefined

const FORMATS: Readonly<Record<string, string>> = {
  date: '2000-01-01',
  time: '00:00:00Z',
  'date-time': '2000-01-01T00:00:00Z',
  uuid: '00000000-0000-4000-8000-000000000000',
}

/**
 * @param schema one that `schemaGrammar` takes: it names what cannot be kept
 * @returns undefined when nothing finite fulfils it
 */
export function leastInstance(schema: JsonSchema): unknown {
  return new Instances(schema).of(schema, 0)
}

class Instances {
  constructor(readonly root: JsonSchema) {}

  of(schema: unknown, references: number): unknown {
    if (schema === true) return null
    if (!isPart(schema)) return undefined
    if (typeof schema['$ref'] === 'string')
      return references < MAX_REFERENCES ? this.of(this.#resolve(schema['$ref']), references + 1) : undefined
    if ('const' in schema) return schema['const']
    if (Array.isArray(schema['enum'])) return schema['enum'][0]
    for (const name of ['anyOf', 'oneOf', 'allOf'])
      if (Array.isArray(schema[name])) return this.#first(schema[name], references)
    return this.#typed(schema, references)
  }

  #first(options: readonly unknown[], references: number): unknown {
    for (const option of options) {
      const value = this.of(option, references)
      if (value !== undefined) return value
    }
    return undefined
  }

  #typed(schema: Part, references: number): unknown {
    switch ([schema['type'] ?? guess(schema)].flat()[0]) {
      case 'object':
        return this.#object(schema, references)
      case 'array':
        return this.#array(schema, references)
      case 'string':
        return text(schema)
      case 'integer':
      case 'number':
        return number(schema)
      case 'boolean':
        return false
      default:
        return null
    }
  }

  #object(schema: Part, references: number): unknown {
    const properties = isPart(schema['properties']) ? schema['properties'] : {}
    const required = Array.isArray(schema['required']) ? schema['required'].map(String) : []
    const others = schema['additionalProperties'] ?? true
    const names =
      required.length === 0 && (numberIn(schema, 'minProperties') ?? 0) > 0 ? ['simulated'] : required
    const object: Record<string, unknown> = {}
    for (const name of names) {
      const value = this.of(properties[name] ?? others, references)
      if (value === undefined) return undefined
      object[name] = value
    }
    return object
  }

  #array(schema: Part, references: number): unknown {
    const prefix = Array.isArray(schema['prefixItems']) ? schema['prefixItems'] : undefined
    const items =
      prefix ?? Array.from({ length: numberIn(schema, 'minItems') ?? 0 }, () => schema['items'] ?? true)
    const values = items.map((item) => this.of(item, references))
    return values.includes(undefined) ? undefined : values
  }

  #resolve(pointer: string): unknown {
    return pointer
      .split('/')
      .slice(1)
      .map((step) => decodeURIComponent(step).replace(/~1/g, '/').replace(/~0/g, '~'))
      .reduce<unknown>((found, name) => (isPart(found) ? found[name] : undefined), this.root)
  }
}

function guess(schema: Part): string | undefined {
  const has = (...names: string[]) => names.some((name) => name in schema)
  if (has('properties', 'required', 'additionalProperties')) return 'object'
  if (has('items', 'prefixItems')) return 'array'
  if (has('minLength', 'maxLength', 'format')) return 'string'
  return has('minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum') ? 'number' : undefined
}

function text(schema: Part): string {
  const format = FORMATS[String(schema['format'])]
  if (format !== undefined) return format
  const least = numberIn(schema, 'minLength') ?? 0
  const most = numberIn(schema, 'maxLength') ?? Number.POSITIVE_INFINITY
  const length = Math.min(most, Math.max(least, WORD.length - 1))
  return WORD.repeat(Math.ceil(length / WORD.length)).slice(0, length)
}

function number(schema: Part): number {
  const step = schema['type'] === 'integer' ? 1 : 0.5
  const above = numberIn(schema, 'exclusiveMinimum')
  const below = numberIn(schema, 'exclusiveMaximum')
  const low = Math.max(
    numberIn(schema, 'minimum') ?? Number.NEGATIVE_INFINITY,
    above === undefined ? Number.NEGATIVE_INFINITY : Math.floor(above / step) * step + step,
  )
  const high = Math.min(
    numberIn(schema, 'maximum') ?? Number.POSITIVE_INFINITY,
    below === undefined ? Number.POSITIVE_INFINITY : Math.ceil(below / step) * step - step,
  )
  const value = Math.min(Math.max(0, low), high)
  return schema['type'] === 'integer' ? Math.ceil(value) : value
}
