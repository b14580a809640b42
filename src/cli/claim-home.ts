import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { TandemError } from '../domain/index.ts'
import { announcedServer, healthOf } from './client/find-server.ts'

/** A home that this process may serve from. */
export interface HomeClaim {
  /**
   * Writes `server.json`, by which other commands find the server.
   * @param simulated profile of the machine that it simulates
   */
  announce(url: string, simulated?: string): Promise<void>
  release(): Promise<void>
}

/**
 * Makes sure that no other server runs in this home: two would write the same indexes.
 * @throws TandemError ALREADY_RUNNING
 */
export async function claimHome(home: string): Promise<HomeClaim> {
  const other = await announcedServer(home)
  if (other && (await healthOf(other.url, new AbortController().signal)) !== 'none')
    throw new TandemError('ALREADY_RUNNING', { url: other.url, pid: other.pid })
  const file = join(home, 'server.json')
  return {
    async announce(url, simulated) {
      const aside = `${file}.${process.pid}`
      const startedAt = new Date().toISOString()
      const announcement = { pid: process.pid, url, startedAt, simulated }
      await writeFile(aside, `${JSON.stringify(announcement)}\n`, { mode: 0o600 })
      await rename(aside, file) // whole or not at all
    },
    release: () => rm(file, { force: true }),
  }
}
