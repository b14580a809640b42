import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { localBytesOf } from '../../devices/index.ts'
import { processTree } from '../../workers/index.ts'

const TASKLIST_MS = 2000

export interface ProcessMemory {
  readonly hostBytes?: number
  /** On devices with memory of their own, where the driver tells. */
  readonly deviceBytes?: number
}

/** Memory of a process that runs, with those that it started where the system tells of them; what it does not tell is absent. */
export async function readMemory(pid: number): Promise<ProcessMemory> {
  if (process.platform === 'win32') return withHost(await windowsBytes(pid))
  const pids = await processTree(pid)
  const [deviceBytes, ...resident] = await Promise.all([localBytesOf(pids), ...pids.map(readResident)])
  const known = resident.filter((bytes) => bytes !== undefined)
  const hostBytes = known.length > 0 ? known.reduce((sum, bytes) => sum + bytes, 0) : undefined
  return { ...withHost(hostBytes), ...(deviceBytes > 0 ? { deviceBytes } : {}) }
}

async function readResident(pid: number): Promise<number | undefined> {
  return residentBytes(await readFile(`/proc/${pid}/status`, 'utf8').catch(() => ''))
}

function withHost(hostBytes: number | undefined): ProcessMemory {
  return hostBytes === undefined ? {} : { hostBytes }
}

/** `VmRSS` of a `/proc/PID/status`. */
export function residentBytes(status: string): number | undefined {
  const found = /^VmRSS:\s+(\d+) kB$/m.exec(status)
  return found ? Number(found[1]) * 1024 : undefined
}

async function windowsBytes(pid: number): Promise<number | undefined> {
  const args = ['/FI', `PID eq ${pid}`, '/FO', 'CSV', '/NH']
  const run = promisify(execFile)('tasklist', args, { timeout: TASKLIST_MS, windowsHide: true })
  return tasklistBytes(
    await run.then(
      ({ stdout }) => stdout,
      () => '',
    ),
  )
}

/** The last column of `tasklist /FO CSV`: kilobytes with the language's own separators, `"45.678 K"`. */
export function tasklistBytes(csv: string): number | undefined {
  const digits = /"([^"]*)K"\s*$/.exec(csv.trim())?.[1]?.replace(/\D/g, '')
  return digits ? Number(digits) * 1024 : undefined
}
