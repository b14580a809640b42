import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { fdinfoBytes } from '../../devices/index.ts'
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
  const all = await Promise.all((await processTree(pid)).map(readOne))
  const sum = (of: (each: ProcessMemory) => number | undefined) =>
    all.some((each) => of(each) !== undefined)
      ? all.reduce((bytes, each) => bytes + (of(each) ?? 0), 0)
      : undefined
  const deviceBytes = sum((each) => each.deviceBytes)
  return { ...withHost(sum((each) => each.hostBytes)), ...(deviceBytes === undefined ? {} : { deviceBytes }) }
}

async function readOne(pid: number): Promise<ProcessMemory> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  const deviceBytes = deviceBytesOf(await readFdinfo(`/proc/${pid}/fdinfo`))
  return { ...withHost(residentBytes(status)), ...(deviceBytes > 0 ? { deviceBytes } : {}) }
}

function withHost(hostBytes: number | undefined): ProcessMemory {
  return hostBytes === undefined ? {} : { hostBytes }
}

/** `VmRSS` of a `/proc/PID/status`. */
export function residentBytes(status: string): number | undefined {
  const found = /^VmRSS:\s+(\d+) kB$/m.exec(status)
  return found ? Number(found[1]) * 1024 : undefined
}

/**
 * Memory on devices, of all `/proc/PID/fdinfo/*` of a process: several files may belong to one client of the driver.
 * Regions in the system's memory (`system`, `gtt`) do not count.
 */
export function deviceBytesOf(files: readonly string[]): number {
  const clients = new Map<string, number>()
  for (const text of files) {
    const client = /^drm-client-id:\s*(\d+)$/m.exec(text)?.[1]
    if (client === undefined) continue
    const address = /^drm-pdev:\s*(\S+)$/m.exec(text)?.[1] ?? ''
    const regions = text.matchAll(/^drm-resident-(?:vram|local)\d*:\s*(\d+\s*\w*)$/gm)
    const bytes = [...regions].reduce((sum, [, size = '']) => sum + fdinfoBytes(size), 0)
    clients.set(`${address} ${client}`, bytes)
  }
  return [...clients.values()].reduce((sum, bytes) => sum + bytes, 0)
}

async function readFdinfo(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => [])
  return Promise.all(names.map((name) => readFile(`${folder}/${name}`, 'utf8').catch(() => '')))
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
