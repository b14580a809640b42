/** Processes that are caught in the middle of their work, however slow or fast a machine is. */

const canFreeze = process.platform !== 'win32'

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
  if (canFreeze) for (const pid of pids) process.kill(pid, 'SIGSTOP')
  // what they had said before is heard between the two looks
  const atWork = (await isAtWork()) && (await isAtWork())
  if (atWork) for (const pid of pids) process.kill(pid, 'SIGKILL')
  else if (canFreeze) for (const pid of pids) process.kill(pid, 'SIGCONT')
  return atWork
}

/** Does something while a process stands still, so that it has no part in what comes first. */
export async function whileFrozen<T>(pid: number, act: () => Promise<T>): Promise<T> {
  if (!canFreeze) return act()
  process.kill(pid, 'SIGSTOP')
  try {
    return await act()
  } finally {
    process.kill(pid, 'SIGCONT')
  }
}
