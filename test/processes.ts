import { readdirSync, readFileSync } from 'node:fs'
import { PARENT_PID, STANDBY_NAME } from '../src/workers/wire.ts'

/** Whether a process runs; one that died and was not waited for yet does not. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  const stat = readStat(pid)
  return process.platform !== 'linux' || (stat !== undefined && stat.state !== 'Z')
}

/** Processes of a group that run; Linux only. */
export function runningInGroup(group: number): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids.map(Number).filter((pid) => readStat(pid)?.group === group && isRunning(pid))
}

/** Processes that a process started and that run; Linux only. */
export function childrenOf(parent: number): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids.map(Number).filter((pid) => readStat(pid)?.parent === parent && isRunning(pid))
}

/** Worker processes that a server started and that run, also once it is gone itself; Linux only. */
export function workersOf(serverPid: number): number[] {
  const mark = `${PARENT_PID}=${serverPid}\0`
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids.map(Number).filter((pid) => readProc(pid, 'environ').includes(mark) && isRunning(pid))
}

/** Whether a worker process waits for a model; Linux only. */
export function isStandby(pid: number): boolean {
  return readProc(pid, 'cmdline').startsWith(STANDBY_NAME)
}

/** Memory of a process in bytes: now, and the most it ever had. Linux only. */
export function memoryOf(pid: number): { nowBytes: number; peakBytes: number } {
  const status = readProc(pid, 'status')
  const bytes = (name: string): number => {
    const found = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)
    if (!found) throw new Error(`/proc/${pid}/status has no ${name}`)
    return Number(found[1]) * 1024
  }
  return { nowBytes: bytes('VmRSS'), peakBytes: bytes('VmHWM') }
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return '' // gone meanwhile, or another user's
  }
}

function readStat(pid: number): { state: string; parent: number; group: number } | undefined {
  try {
    const [state, parent, group] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    return { state: state ?? '', parent: Number(parent), group: Number(group) }
  } catch {
    return undefined // gone meanwhile, or no /proc on this system
  }
}
