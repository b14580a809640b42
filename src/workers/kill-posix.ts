/** A worker process leads a group of its own; the group ends as one. */
export function killTreePosix(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error // ESRCH: already gone
  }
}
