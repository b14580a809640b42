/**
 * A thread beside the engine: it ends the process group once the parent is gone, also while the main thread is
 * blocked in native code.
 */
import { PARENT_PID } from '../wire.ts'
import { endGroup } from './end-group.ts'

const POLL_MS = 250
const parent = Number(process.env[PARENT_PID])

function parentIsGone(): boolean {
  if (process.platform !== 'win32') return process.ppid !== parent
  try {
    process.kill(parent, 0) // Windows keeps the number of a dead parent: ask for the process itself
    return false
  } catch {
    return true
  }
}

setInterval(() => {
  if (parentIsGone()) endGroup()
}, POLL_MS)
