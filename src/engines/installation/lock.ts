import { link, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

const LOOK_EVERY_MS = 200
const BEAT_EVERY_MS = 5000
/** A holder that has not touched its lock for so long is gone, whatever process has its number now. */
const STALE_MS = 60_000
/** A download of a slow line fits into it. */
const LONGEST_WAIT_MS = 60 * 60 * 1000

const held = new Set<string>()

/**
 * Waits for its turn. A lock whose process has ended is taken over; in a rare case by two, so that what it guards must
 * bear it: installing twice is only slow.
 * @returns gives it back
 * @throws Error when another process holds it for an hour; the signal's reason
 */
export async function takeLock(
  file: string,
  signal: AbortSignal,
  onWait: () => void,
): Promise<() => Promise<void>> {
  const own = `${file}.${process.pid}-${Math.random().toString(36).slice(2)}`
  await writeFile(own, String(process.pid))
  try {
    const deadline = performance.now() + LONGEST_WAIT_MS
    while (!(await taken(own, file))) {
      if (await isStale(file)) {
        await rm(file, { force: true })
        continue
      }
      if (performance.now() > deadline) throw new Error(`another process holds ${file}`)
      onWait()
      await sleep(LOOK_EVERY_MS, undefined, { signal })
    }
  } finally {
    await rm(own, { force: true })
  }
  held.add(file)
  const beat = setInterval(
    () => void utimes(file, new Date(), new Date()).catch(() => undefined),
    BEAT_EVERY_MS,
  )
  beat.unref()
  return async () => {
    clearInterval(beat)
    held.delete(file)
    await rm(file, { force: true })
  }
}

/** A link is made whole or not at all: nobody ever reads a lock without its process in it. */
async function taken(own: string, file: string): Promise<boolean> {
  await utimes(own, new Date(), new Date()) // its age counts from now, not from when the waiting began
  return link(own, file).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return false
      throw error
    },
  )
}

async function isStale(file: string): Promise<boolean> {
  const [text, entry] = await Promise.all([readFile(file, 'utf8'), stat(file)]).catch(
    () => ['', undefined] as const,
  )
  if (!entry) return false // just given back
  const pid = Number(text)
  const gone = pid === process.pid ? !held.has(file) : !isRunning(pid) // a container's processes have few numbers
  return gone || Date.now() - entry.mtimeMs > STALE_MS
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EPERM' // another user's
  }
}
