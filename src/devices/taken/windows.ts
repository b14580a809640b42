import { z } from 'zod'
import type { Device } from '../../domain/index.ts'
import { familyOf } from '../users/windows.ts'
import { type PowerShellOptions, runPowerShell } from '../windows/powershell.ts'
import type { Taken } from './taken.ts'

/** As for the load: classes are called the same in every language. */
const SCRIPT = `$ErrorActionPreference = 'Stop'
$class = 'Win32_PerfFormattedData_GPUPerformanceCounters_'
ConvertTo-Json -Compress -Depth 3 -InputObject ([pscustomobject]@{
  Adapters = @(Get-CimInstance "$($class)GPUAdapterMemory" | ForEach-Object { , @($_.Name, $_.DedicatedUsage) })
  Memory = @(Get-CimInstance "$($class)GPUProcessMemory" | ForEach-Object { , @($_.Name, $_.DedicatedUsage) })
  Processes = @(Get-CimInstance Win32_Process | ForEach-Object { , @($_.ProcessId, $_.ParentProcessId) }) })`

const Answer = z.object({
  Adapters: z.array(z.tuple([z.string(), z.number()])),
  Memory: z.array(z.tuple([z.string(), z.number()])),
  Processes: z.array(z.tuple([z.number(), z.number()])),
})

const LUID = /luid_(0x[\da-f]+_0x[\da-f]+)/i

/** By "GPU Adapter Memory" and "GPU Process Memory". @throws Error when PowerShell does not answer */
export async function windowsTaken(
  devices: readonly Device[],
  options: PowerShellOptions,
): Promise<ReadonlyMap<string, Taken>> {
  const taken = parseTaken(await runPowerShell(SCRIPT, options), process.pid)
  return new Map(
    devices.flatMap(({ id, luid }) => {
      const found = luid === undefined ? undefined : taken.get(luid)
      return found ? [[id, found] as const] : []
    }),
  )
}

/** What the script printed, by LUID. @param pid of Tandem's main process; @throws Error when it is something else */
export function parseTaken(printed: string, pid: number): ReadonlyMap<string, Taken> {
  const { Adapters, Memory, Processes } = Answer.parse(JSON.parse(printed))
  const family = familyOf(pid, Processes)
  const taken = new Map<string, Taken>()
  for (const [name, usedBytes] of Adapters) {
    const luid = LUID.exec(name)?.[1]?.toLowerCase()
    if (luid === undefined) continue
    const ours = Memory.reduce((sum, [instance, bytes]) => {
      const [, owner] = /pid_(\d+)_/.exec(instance) ?? []
      const there = LUID.exec(instance)?.[1]?.toLowerCase() === luid
      return there && family.includes(Number(owner)) ? sum + bytes : sum
    }, 0)
    taken.set(luid, { usedBytes, othersBytes: Math.max(0, usedBytes - ours) })
  }
  return taken
}
