/** Parts of a JSON schema that hold no other schema: their limits, and their expressions in GBNF. */
import type { TandemError } from '../../domain/index.ts'
import { FORMATS, integerRange, literal, MAX_CHARS, numberRange } from './gbnf.ts'

const MAX_ENUM = 2000

export type Part = Readonly<Record<string, unknown>>
/** Makes the error that names a part of the schema and says what is wrong with it. */
export type Refuse = (path: string, why: string) => TandemError

export function isPart(value: unknown): value is Part {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A limit such as `minItems`. */
export function sizeOf(schema: Part, name: string, absent: number, path: string, refuse: Refuse): number {
  const size = schema[name] ?? absent
  if (typeof size !== 'number' || size < 0) throw refuse(`${path}.${name}`, 'not a size')
  return size
}

/** A shorter limit keeps a longer one; no limit stays none. */
export function atMost(limit: number, longest: number): number {
  return limit === Infinity ? limit : Math.min(limit, longest)
}

/** What a schema without `type` describes; empty: anything. */
export function guessTypes(schema: Part): string[] {
  const has = (...names: string[]) => names.some((name) => name in schema)
  if (has('properties', 'required', 'additionalProperties')) return ['object']
  if (has('items', 'prefixItems')) return ['array']
  if (has('minLength', 'maxLength', 'format')) return ['string']
  if (has('minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum')) return ['number']
  return []
}

export function stringBody(schema: Part, path: string, refuse: Refuse): string {
  const format = FORMATS[String(schema['format'])]
  if (format !== undefined) return format
  const min = sizeOf(schema, 'minLength', 0, path, refuse)
  const max = atMost(sizeOf(schema, 'maxLength', Infinity, path, refuse), MAX_CHARS)
  if (min > Math.min(max, MAX_CHARS))
    throw refuse(`${path}.minLength`, `not supported above ${Math.min(max, MAX_CHARS)}`)
  if (min === 0 && max === Infinity) return 'string'
  return String.raw`"\"" char{${min},${max === Infinity ? '' : max}} "\""`
}

export function numberBody(type: 'integer' | 'number', schema: Part, path: string, refuse: Refuse): string {
  const bound = (name: string) => {
    const value = schema[name]
    if (value !== undefined && typeof value !== 'number') throw refuse(`${path}.${name}`, 'not a number')
    return value
  }
  const least = bound('minimum')
  const above = bound('exclusiveMinimum')
  const most = bound('maximum')
  const below = bound('exclusiveMaximum')
  if ([least, above, most, below].every((limit) => limit === undefined)) return type
  const low = Math.max(least ?? -Infinity, above ?? -Infinity)
  const high = Math.min(most ?? Infinity, below ?? Infinity)
  const openLow = low === above
  const openHigh = high === below
  const range =
    type === 'number'
      ? numberRange(low, high, openLow, openHigh)
      : integerRange(openLow ? Math.floor(low) + 1 : low, openHigh ? Math.ceil(high) - 1 : high)
  if (range === undefined) throw refuse(path, `no supported ${type} lies within its bounds`)
  return range
}

export function enumBody(values: unknown, path: string, refuse: Refuse): string {
  if (!Array.isArray(values) || values.length === 0 || values.length > MAX_ENUM)
    throw refuse(`${path}.enum`, `an array of 1 to ${MAX_ENUM} values is allowed`)
  return values.map((value) => literal(JSON.stringify(value))).join(' | ')
}
