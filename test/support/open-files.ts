import { readdirSync, readlinkSync } from 'node:fs'

/** Paths that this process has open; none where the system does not tell. */
export function openFiles(): string[] {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc/self/fd').flatMap((number) => {
    try {
      return readlinkSync(`/proc/self/fd/${number}`)
    } catch {
      return [] // that of the list itself
    }
  })
}
