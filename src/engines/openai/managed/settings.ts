import { z } from 'zod'
import { TandemError } from '../../../domain/index.ts'

const Settings = z.strictObject({
  managed: z.strictObject({
    /** Absolute path of llama-server. */
    binary: z.string().min(1),
    /** The user's own arguments, which win. */
    args: z.array(z.string()),
    /** Absolute folder of the logs. */
    logs: z.string().min(1),
    /** Whether this build tells on its stdout how far it has loaded. */
    tellsState: z.boolean().optional(),
    /** A GGUF that drafts; its name tells measurements with it from those without. */
    draft: z.strictObject({ folder: z.string().min(1), name: z.string().min(1) }).optional(),
  }),
})

/** What a worker must know of the llama-server that it starts; `LoadSpec.settings`. */
export type ManagedSettings = z.infer<typeof Settings>['managed']

/** @returns undefined where the worker asks a server that somebody else started; @throws TandemError ENGINE_FAILED */
export function readManagedSettings(given: unknown): ManagedSettings | undefined {
  if (typeof given !== 'object' || given === null || !('managed' in given)) return undefined
  const parsed = Settings.safeParse(given)
  if (parsed.success) return parsed.data.managed
  const why = `its settings do not fit: ${z.prettifyError(parsed.error)}`
  throw new TandemError('ENGINE_FAILED', { engine: 'llama-server', why })
}
