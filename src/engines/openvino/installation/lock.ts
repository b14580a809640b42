import { link, readFile, rm, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

const LOOK_EVERY_MS = 200
/** A download of a slow line fits into it. */
const LONGEST_WAIT_MS = 60 * 60 * 1000

/**
 * Waits for its turn; a lock whose process has ended is taken over.
 * @returns gives it back
 * @throws Error when another process holds it for an hour; the signal's reason
 */
export async function takeLock(
  file: string,
  signal: AbortSignal,
  onWait: (pid: number) => void,
): Promise<() => Promise<void>> {
  const own = `${file}.${process.pid}-${Math.random().toString(36).slice(2)}`
  await writeFile(own, String(process.pid))
  try {
    const deadline = performance.now() + LONGEST_WAIT_MS
    for (;;) {
      // A link is made whole or not at all: no one ever reads a lock without its process in it.
      const taken = await link(own, file).then(
        () => true,
        (error: NodeJS.ErrnoException) => {
          if (error.code === 'EEXIST') return false
          throw error
        },
      )
      if (taken) return () => rm(file, { force: true })
      const holder = Number(await readFile(file, 'utf8').catch(() => ''))
      if (holder > 0 && !isRunning(holder)) {
        await rm(file, { force: true })
        continue
      }
      if (performance.now() > deadline) throw new Error(`process ${holder} installs OpenVINO already`)
      onWait(holder)
      await sleep(LOOK_EVERY_MS, undefined, { signal })
    }
  } finally {
    await rm(own, { force: true })
  }
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EPERM' // another user's
  }
}
