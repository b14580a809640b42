import { mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isRunning } from './lock.ts'

/** What a process makes for itself, its number in the name. */
const WORK = /^\.(?:work-|lock\.)(\d+)-/

/** An empty folder of this process below a root that it holds the lock of. */
export function workFolder(root: string): Promise<string> {
  return mkdtemp(join(root, `.work-${process.pid}-`))
}

/** Removes what processes that were killed have left, also one with this one's number: the lock is ours now. */
export async function removeLeftovers(root: string): Promise<void> {
  for (const name of await readdir(root)) {
    const pid = Number(WORK.exec(name)?.[1] ?? Number.NaN)
    const mine = pid === process.pid && name.startsWith('.work-')
    if (!Number.isNaN(pid) && (mine || !isRunning(pid)))
      await rm(join(root, name), { recursive: true, force: true, maxRetries: 5 })
  }
}

/** On Windows a folder cannot be moved while a scanner has one of its files open. */
const BUSY = ['EPERM', 'EBUSY', 'EACCES']
const PAUSES_MS = process.platform === 'win32' ? [100, 400, 1500] : []

/** Puts a finished folder of the work folder in the place of an older one, which stays where that fails. */
export async function takePlace(fresh: string, folder: string, work: string): Promise<void> {
  const old = join(work, 'old')
  await move(folder, old).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
  try {
    await move(fresh, folder)
  } catch (thrown) {
    await move(old, folder).catch(() => undefined) // there may have been none
    throw thrown
  }
}

async function move(from: string, to: string): Promise<void> {
  for (const pauseMs of PAUSES_MS) {
    try {
      return await rename(from, to)
    } catch (thrown) {
      if (!BUSY.includes((thrown as NodeJS.ErrnoException).code ?? '')) throw thrown
    }
    await sleep(pauseMs)
  }
  await rename(from, to)
}
