import { z } from 'zod'
import { TandemError } from '../../../../domain/index.ts'
import { POOLINGS } from './graph.ts'

const Launch = z.strictObject({
  /** Absolute path of ovms. */
  binary: z.string().min(1),
  folder: z.string().min(1),
  device: z.string().min(1),
  pooling: z.enum(POOLINGS),
  cacheGiB: z.int().min(1),
  args: z.array(z.string()),
  /** Absolute folder that its configuration is written into. */
  work: z.string().min(1),
  /** Absolute folder of the logs. */
  logs: z.string().min(1),
})

/** What a worker must know of the ovms that it starts; `AdoptedServer.launch`. */
export type OvmsLaunch = z.infer<typeof Launch>

/** @throws TandemError ENGINE_FAILED */
export function readLaunch(given: Readonly<Record<string, unknown>>): OvmsLaunch {
  const parsed = Launch.safeParse(given)
  if (parsed.success) return parsed.data
  const why = `its settings do not fit: ${z.prettifyError(parsed.error)}`
  throw new TandemError('ENGINE_FAILED', { engine: 'ovms', why })
}
