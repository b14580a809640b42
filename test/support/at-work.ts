/** Processes that are caught in the middle of their work, however slow or fast a machine is. */

import { setTimeout as sleep } from 'node:timers/promises'

const canFreeze = process.platform !== 'win32'
/** A frozen worker breathes so often and so long: sooner than its supervisor takes it for hung, too short to get anywhere. */
const EVERY_MS = 400
const BREATH_MS = 10

/**
 * Kills processes that are still at work: they stand still while that is looked at, so they cannot end it meanwhile. Where they
 * have ended it they go on.
 * @returns whether they were killed
 */
export async function killAtWork(
  pids: readonly number[],
  isAtWork: () => Promise<boolean>,
): Promise<boolean> {
  if (pids.length === 0) return false
  if (canFreeze) for (const pid of pids) signal(pid, 'SIGSTOP')
  // what they had said before is heard between the two looks
  const atWork = (await isAtWork()) && (await isAtWork())
  if (atWork) for (const pid of pids) signal(pid, 'SIGKILL')
  else if (canFreeze) for (const pid of pids) signal(pid, 'SIGCONT')
  return atWork
}

/** Does something while a process all but stands still, so that it has no part in what comes first. */
export async function whileFrozen<T>(pid: number, act: () => Promise<T>): Promise<T> {
  if (!canFreeze) return act()
  const over = new AbortController()
  const breathing = breathe(pid, over.signal)
  try {
    return await act()
  } finally {
    over.abort()
    await breathing
  }
}

async function breathe(pid: number, over: AbortSignal): Promise<void> {
  while (!over.aborted && signal(pid, 'SIGSTOP')) {
    await sleep(EVERY_MS, undefined, { signal: over }).catch(() => {})
    if (!signal(pid, 'SIGCONT')) return
    await sleep(BREATH_MS)
  }
}

/** @returns false where the process is gone */
function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name)
  } catch {
    return false
  }
}
