import { z } from 'zod'
import { type PowerShellOptions, runPowerShell } from '../windows/powershell.ts'
import type { LoadSource } from './source.ts'

/** Class names and properties are the same in every language; the names of the counters behind them are not. */
const SCRIPT = `$ErrorActionPreference = 'Stop'
$class = 'Win32_PerfFormattedData_GPUPerformanceCounters_'
ConvertTo-Json -Compress -Depth 3 -InputObject ([pscustomobject]@{
  Engines = @(Get-CimInstance "$($class)GPUEngine" | ForEach-Object { , @($_.Name, $_.UtilizationPercentage) })
  Memory = @(Get-CimInstance "$($class)GPUAdapterMemory" | ForEach-Object { , @($_.Name, $_.DedicatedUsage, $_.SharedUsage) }) })`

const Answer = z.object({
  Engines: z.array(z.tuple([z.string(), z.number()])),
  Memory: z.array(z.tuple([z.string(), z.number(), z.number()])),
})

/** More than this of one process is no measurement: 27,007 % was seen. */
const MOST_PERCENT = 1000

export interface AdapterLoad {
  /** 0..1 of the engine that works most; absent when nothing runs on it, or Windows does not know. */
  readonly busy?: number
  readonly dedicatedBytes?: number
  readonly sharedBytes?: number
}

/** GPUs and NPUs by their LUID. */
export function windowsLoad(options: PowerShellOptions): LoadSource {
  return {
    once: true,
    async look(devices) {
      const adapters = parseGpuCounters(await runPowerShell(SCRIPT, options))
      return new Map(
        devices.flatMap(({ id, luid, kind }) => {
          const load = luid === undefined ? undefined : adapters.get(luid)
          if (!load) return []
          const usedBytes = kind === 'dgpu' ? load.dedicatedBytes : load.sharedBytes
          return [
            [
              id,
              {
                atMs: 0,
                ...(load.busy === undefined ? {} : { busy: load.busy }),
                ...(usedBytes === undefined ? {} : { usedBytes }),
              },
            ],
          ]
        }),
      )
    },
  }
}

/** What the script printed, by LUID: processes are summed for each engine. @throws Error when it is something else */
export function parseGpuCounters(printed: string): ReadonlyMap<string, AdapterLoad> {
  const { Engines, Memory } = Answer.parse(JSON.parse(printed))
  const engines = new Map<string, Map<string, number>>()
  for (const [name, percent] of Engines) {
    const [, luid, engine] = /luid_(0x[\da-f]+_0x[\da-f]+)_(phys_\d+_eng_\d+)/i.exec(name) ?? []
    if (luid === undefined || engine === undefined || percent < 0 || percent > MOST_PERCENT) continue
    const sums = engines.get(luid.toLowerCase()) ?? new Map<string, number>()
    sums.set(engine, (sums.get(engine) ?? 0) + percent)
    engines.set(luid.toLowerCase(), sums)
  }
  const loads = new Map<string, AdapterLoad>()
  for (const [luid, sums] of engines) loads.set(luid, { busy: Math.min(1, Math.max(...sums.values()) / 100) })
  for (const [name, dedicatedBytes, sharedBytes] of Memory) {
    const luid = /luid_(0x[\da-f]+_0x[\da-f]+)/i.exec(name)?.[1]?.toLowerCase()
    if (luid !== undefined) loads.set(luid, { ...loads.get(luid), dedicatedBytes, sharedBytes })
  }
  return loads
}
