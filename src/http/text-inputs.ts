/** Arrays of texts in a body, whose number a setting bounds. */
import { TandemError } from '../domain/index.ts'
import { refuse } from './validate.ts'

/**
 * @param read what an element holds; undefined when it is none
 * @param expected what an element may be, for the error
 * @throws TandemError INVALID_REQUEST naming the element, BATCH_TOO_LARGE
 */
export function textInputs(
  values: unknown,
  param: string,
  maxInputs: number,
  read: (value: unknown) => string | undefined,
  expected: string,
): readonly string[] {
  if (values === undefined) refuse(param, `is required (an array, each ${expected})`)
  if (!Array.isArray(values)) refuse(param, `expected an array, each ${expected}`)
  const list = values as readonly unknown[]
  if (list.length === 0) refuse(param, 'must hold at least one text')
  if (list.length > maxInputs)
    throw new TandemError('BATCH_TOO_LARGE', { count: list.length, limit: maxInputs }, { param })
  return list.map((value, at) => read(value) ?? refuse(`${param}.${at}`, `expected ${expected}`))
}

export const plainText = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : undefined
