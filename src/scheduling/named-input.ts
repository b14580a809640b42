import { TandemError } from '../domain/index.ts'
import type { Batch } from './core/index.ts'

/**
 * A batch has an order of its own: the input that an engine's error names becomes the client's.
 * @param thrown by the worker that had the batch
 */
export function withNamedInput(thrown: unknown, { parts }: Batch): unknown {
  if (!(thrown instanceof TandemError) || parts.length !== 1) return thrown // shared: each is tried alone next
  const row = /^input\.(\d+)$/.exec(thrown.param ?? '')?.[1]
  const index = row === undefined ? undefined : parts[0]?.inputs[Number(row)]
  if (index === undefined) return thrown
  return new TandemError(thrown.code, thrown.details, { param: `input.${index}`, cause: thrown })
}
