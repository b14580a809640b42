import { z } from 'zod'
import { type PowerShellOptions, runPowerShell } from '../windows/powershell.ts'
import { type DeviceUse, type PortUsers, sortedUses } from './use.ts'

/** As for the load: classes are called the same in every language. */
const script = (port: number) => `$ErrorActionPreference = 'Stop'
ConvertTo-Json -Compress -Depth 3 -InputObject ([pscustomobject]@{
  Owners = @(Get-NetTCPConnection -State Listen -LocalPort ${port} | ForEach-Object { $_.OwningProcess })
  Processes = @(Get-CimInstance Win32_Process | ForEach-Object { , @($_.ProcessId, $_.ParentProcessId) })
  Memory = @(Get-CimInstance Win32_PerfFormattedData_GPUPerformanceCounters_GPUProcessMemory |
    ForEach-Object { , @($_.Name, $_.DedicatedUsage, $_.SharedUsage) }) })`

const Answer = z.object({
  Owners: z.array(z.number()),
  Processes: z.array(z.tuple([z.number(), z.number()])),
  Memory: z.array(z.tuple([z.string(), z.number(), z.number()])),
})

/** By "GPU Process Memory". @returns undefined where nobody listens; @throws Error when PowerShell does not answer */
export async function windowsPortUsers(
  port: number,
  options: PowerShellOptions,
): Promise<PortUsers | undefined> {
  return parsePortUsers(await runPowerShell(script(port), options))
}

/** What the script printed. @throws Error when it is something else */
export function parsePortUsers(printed: string): PortUsers | undefined {
  const { Owners, Processes, Memory } = Answer.parse(JSON.parse(printed))
  const [pid] = Owners
  if (pid === undefined) return undefined
  const family = familyOf(pid, Processes)
  const uses = Memory.flatMap(([name, dedicated, shared]): DeviceUse[] => {
    const [, owner, luid] = /pid_(\d+)_luid_(0x[\da-f]+_0x[\da-f]+)/i.exec(name) ?? []
    if (luid === undefined || !family.includes(Number(owner))) return []
    return [{ pid: Number(owner), luid: luid.toLowerCase(), memoryBytes: dedicated + shared }]
  })
  return { pid, uses: sortedUses(uses) }
}

/** A process with those that it and those started, from all processes with their parents. */
export function familyOf(pid: number, processes: readonly (readonly [number, number])[]): number[] {
  const family = [pid]
  for (const member of family)
    for (const [child, parent] of processes)
      if (parent === member && !family.includes(child)) family.push(child)
  return family
}
