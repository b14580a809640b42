import { readdirSync, readFileSync } from 'node:fs'

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

function readStat(pid: number): { state: string; group: number } | undefined {
  try {
    const [state, , group] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    return { state: state ?? '', group: Number(group) }
  } catch {
    return undefined // gone meanwhile, or no /proc on this system
  }
}
