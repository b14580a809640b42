/** What the stand-in for an engine gets as `LoadSpec.settings`. */
import { z } from 'zod'
import { SIMULATED_MACHINES, TandemError } from '../../domain/index.ts'

const ms = z.number().min(0)
const count = z.int().min(0)

const encoder = z.strictObject({
  callMs: ms,
  msPerToken: ms,
  msPerTokenPair: ms,
  buckets: z.array(z.int().min(1)).min(1).readonly().exactOptional(),
  maxBatch: z.int().min(1),
})
const decoder = z.strictObject({ callMs: ms, promptMsPerToken: ms, tokenMs: ms })

const fault = z.union([
  z.strictObject({ kind: z.enum(['crash', 'hang', 'lost']), after: count }),
  z.strictObject({ kind: z.literal('slow'), factor: z.number().min(1) }),
  z.strictObject({ kind: z.enum(['memory', 'vectors']) }),
])

const SimulatedSettings = z.strictObject({
  machine: z.enum(SIMULATED_MACHINES),
  /** Id of the device, and the engine that is stood in for. */
  device: z.string().min(1),
  engine: z.string().min(1),
  timing: z.strictObject({ loadMs: ms, encoder: encoder.exactOptional(), decoder: decoder.exactOptional() }),
  /** All times are divided by it. */
  speedUp: z.number().min(1),
  fault: fault.exactOptional(),
  board: z.strictObject({
    /** Absolute path of the file by which the workers of one machine see each other. */
    file: z.string().min(1),
    /** Number of this worker's device, and its seat there. */
    device: count,
    seat: count,
    seats: z.int().min(1),
    /** For each device the share of its speed that this worker keeps while that one works. */
    keeps: z.array(z.number().min(0.01).max(1)).min(1).readonly(),
  }),
})
export type SimulatedSettings = z.infer<typeof SimulatedSettings>

/** @throws TandemError ENGINE_FAILED that names what is wrong: a mistake of the caller */
export function parseSettings(given: unknown): SimulatedSettings {
  const read = SimulatedSettings.safeParse(given)
  if (read.success) return read.data
  const why = `its settings do not fit: ${z.prettifyError(read.error)}`
  throw new TandemError('ENGINE_FAILED', { engine: 'the simulator', why }, { cause: read.error })
}
