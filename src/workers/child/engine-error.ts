import { asTandemError, TandemError } from '../../domain/index.ts'
import { tellsOfMemory } from '../out-of-memory.ts'
import type { LoadOrder } from '../wire.ts'

/** What an engine threw, by its kind: an engine that lacks memory says so in words only. */
export function engineError(thrown: unknown, { engine, spec }: LoadOrder): TandemError {
  const error = asTandemError(thrown, 'ENGINE_FAILED', { engine })
  if (error.code !== 'ENGINE_FAILED' || !tellsOfMemory(error.message)) return error
  const { device, model } = spec
  const why = error.details['why'] ?? error.message
  return new TandemError('DEVICE_OUT_OF_MEMORY', { device, model: model.id, why }, { cause: thrown })
}
