import { setImmediate as nextTurn } from 'node:timers/promises'
import { TandemError } from '../../domain/index.ts'

/** Lets other messages of the process be read. @throws TandemError CANCELLED */
export async function turn(signal: AbortSignal): Promise<void> {
  await nextTurn()
  if (signal.aborted) throw new TandemError('CANCELLED')
}
