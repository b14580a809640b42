/** Schemas at the edge: one wrong field becomes one error that names it. */
import { z } from 'zod'
import { TandemError } from '../domain/index.ts'

function describe(issue: z.core.$ZodIssue): string {
  const message = issue.message.replace(/^Invalid input: /, '')
  if (message === 'expected nonoptional, received undefined') return 'is required'
  return message.endsWith(', received undefined')
    ? `is required (${message.slice(0, -', received undefined'.length)})`
    : message
}

/**
 * @throws TandemError INVALID_REQUEST with `param` in dotted form
 */
export function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]!
  const param = issue.path.map(String).join('.')
  if (param === '') throw new TandemError('INVALID_REQUEST', { what: `the body: ${describe(issue)}` })
  throw new TandemError('INVALID_REQUEST', { what: `${param}: ${describe(issue)}` }, { param })
}

/** The same for what stands in a field of a body that was read before. */
export function parseField<T>(schema: z.ZodType<T>, value: unknown, field: string): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]!
  return refuse([field, ...issue.path.map(String)].join('.'), describe(issue))
}

/** @throws TandemError INVALID_REQUEST naming the field */
export function refuse(param: string, what: string): never {
  throw new TandemError('INVALID_REQUEST', { what: `${param}: ${what}` }, { param })
}

/**
 * An array that stops at its first wrong element, so that a body of a million of them costs one message.
 */
export function list<T>(item: z.ZodType<T>, max: number) {
  return z.unknown().transform((value, context): T[] => {
    const problem = !Array.isArray(value)
      ? `expected array, received ${value === null ? 'null' : typeof value}`
      : value.length > max
        ? `has ${value.length} elements, at most ${max} are allowed`
        : undefined
    if (problem !== undefined) {
      context.addIssue({ code: 'custom', message: problem })
      return z.NEVER
    }
    const items: T[] = []
    for (const [at, element] of (value as unknown[]).entries()) {
      const result = item.safeParse(element)
      if (!result.success) {
        const issue = result.error.issues[0]!
        context.addIssue({ code: 'custom', message: issue.message, path: [at, ...issue.path] })
        return z.NEVER
      }
      items.push(result.data)
    }
    return items
  })
}

/** What `schema` makes of the value; its first problem becomes one of the whole. */
function within<T>(schema: z.ZodType<T>, value: unknown, context: z.core.$RefinementCtx): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const { message, path } = result.error.issues[0]!
  context.addIssue({ code: 'custom', message, path: [...path] })
  return z.NEVER
}

/** A string, or an array as `list` reads it. */
export function stringOrList<T>(item: z.ZodType<T>, max: number) {
  const items = list(item, max)
  return z.unknown().transform((value, context): string | T[] => {
    if (typeof value === 'string') return value
    if (Array.isArray(value)) return within(items, value, context)
    const message = `expected a string or an array, received ${value === null ? 'null' : typeof value}`
    context.addIssue({ code: 'custom', message })
    return z.NEVER
  })
}

/** An object of a type that the schema does not know: where it stands decides what becomes of it. */
export interface OtherType {
  readonly type: 'other'
  /** The type that it has. */
  readonly name: string
}

/** Objects told apart by their `type`. */
export function byType<K extends Readonly<Record<string, z.ZodType>>>(known: K) {
  return z.looseObject({ type: z.string() }).transform((value, context): z.infer<K[keyof K]> | OtherType => {
    const schema = Object.hasOwn(known, value.type) ? known[value.type] : undefined
    return schema
      ? (within(schema, value, context) as z.infer<K[keyof K]>)
      : { type: 'other', name: value.type }
  })
}
