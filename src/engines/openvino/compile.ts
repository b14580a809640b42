import type { TokenRow } from '../encoder/index.ts'
import type { CompiledModel } from './native/compiled-model.ts'
import type { Core } from './native/core.ts'
import type { OpenVino } from './native/library.ts'
import type { SourceModel } from './native/model.ts'
import type { EncoderPorts } from './ports.ts'
import { Runner } from './runner.ts'
import { Slot } from './slot.ts'

/** Where and how a model is compiled. */
export interface Target {
  readonly library: OpenVino
  readonly core: Core
  readonly device: string
  readonly properties: Readonly<Record<string, string>>
  /** Inferences in flight; absent: what the device calls optimal. */
  readonly requests: number | undefined
}

/** A model as it was read, with what must be freed after the last compiled one. */
export interface OwnedModel {
  readonly model: SourceModel
  free(): void
  /** What the library said, as an error for people. */
  explain(error: unknown): Error
}

/** What is told about one compilation. */
export interface Compilation {
  /** Rows and tokens; absent: any. */
  readonly shape?: readonly [number, number]
  readonly ms: number
  readonly fromCache: boolean
  readonly requests: number
}

const ANY_ROW: TokenRow = { ids: [0] }
const SMALL = [1, 8] as const
/** A device that calls more optimal is not believed. */
const MAX_REQUESTS = 32

/**
 * Compiles and runs once alone: several first inferences at a time were seen to hang.
 * @param capacity rows and width of the largest batch
 * @param isDynamic the model takes any smaller shape too
 * @param aside compiles on another thread
 * @throws NativeError, Error
 */
export async function makeRunner(
  target: Target,
  model: SourceModel,
  ports: EncoderPorts,
  capacity: readonly [number, number],
  isDynamic: boolean,
  aside: boolean,
): Promise<{ runner: Runner; ms: number; fromCache: boolean }> {
  const { core, device, properties } = target
  const startedMs = performance.now()
  const compiled = aside
    ? await core.compileAside(model, device, properties)
    : core.compile(model, device, properties)
  const ms = performance.now() - startedMs
  const slots: Slot[] = []
  try {
    const count = target.requests ?? optimalRequests(compiled)
    for (let i = 0; i < count; i++) slots.push(new Slot(target.library, compiled, ports, capacity))
    await slots[0]!.run([ANY_ROW], ...(isDynamic ? SMALL : capacity))
  } catch (error) {
    new Runner(compiled, slots).free()
    throw error
  }
  return { runner: new Runner(compiled, slots), ms, fromCache: flag(compiled, 'LOADED_FROM_CACHE') }
}

function optimalRequests(compiled: CompiledModel): number {
  const count = Number(read(compiled, 'OPTIMAL_NUMBER_OF_INFER_REQUESTS'))
  return Number.isInteger(count) && count > 0 ? Math.min(count, MAX_REQUESTS) : 1
}

function flag(compiled: CompiledModel, key: string): boolean {
  return /^(yes|true|1)$/i.test(read(compiled, key) ?? '')
}

/** Virtual devices do not know every property. */
function read(compiled: CompiledModel, key: string): string | undefined {
  try {
    return compiled.property(key)
  } catch {
    return undefined
  }
}
