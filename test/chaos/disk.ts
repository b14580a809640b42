/** A disk that can be full: a small tmpfs where mounting is allowed, else a bound on the files that the server writes. */
import { execFileSync } from 'node:child_process'
import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'

const DISK_MIB = 128
const BLOCK = Buffer.alloc(64 * 1024, 1)

export interface Disk {
  readonly kind: 'a full tmpfs' | 'no file may grow (RLIMIT_FSIZE)'
  /** Whose files cannot grow once it is full. */
  limitProcess(pid: number): void
  fill(): void
  free(): void
  remove(): void
}

/** @param folder exists and is empty */
export function smallDisk(folder: string): Disk {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MIB}m`, 'tmpfs', folder], { stdio: 'ignore' })
  } catch {
    return limitedFiles()
  }
  const filler = join(folder, 'filler')
  return {
    kind: 'a full tmpfs',
    limitProcess() {},
    fill() {
      const file = openSync(filler, 'w')
      try {
        for (let size = BLOCK.length; size > 0; ) {
          try {
            writeSync(file, BLOCK, 0, size)
          } catch {
            size = Math.floor(size / 2) // down to the last byte
          }
        }
      } finally {
        closeSync(file)
      }
    },
    free: () => rmSync(filler, { force: true }),
    remove: () => execFileSync('umount', ['-l', folder], { stdio: 'ignore' }),
  }
}

function limitedFiles(): Disk {
  let server = 0
  const limit = (bytes: string) => execFileSync('prlimit', ['--pid', String(server), `--fsize=${bytes}:`])
  return {
    kind: 'no file may grow (RLIMIT_FSIZE)',
    limitProcess(pid) {
      server = pid
    },
    fill: () => void limit('0'),
    free: () => void limit('unlimited'),
    remove() {},
  }
}
