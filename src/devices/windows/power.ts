import { z } from 'zod'
import { definedOnly } from '../defined-only.ts'
import type { Power } from '../power.ts'
import { type PowerShellOptions, runPowerShell } from './powershell.ts'

const SCRIPT = `$ErrorActionPreference = 'SilentlyContinue'
ConvertTo-Json -Compress -InputObject ([pscustomobject]@{
  Batteries = @(Get-CimInstance Win32_Battery | ForEach-Object { $_.BatteryStatus }); Scheme = "$(powercfg /getactivescheme)" })`

const Answer = z.object({ Batteries: z.array(z.int()), Scheme: z.string() })

/** `BatteryStatus`: discharging, low, critical. */
const ON_BATTERY: readonly number[] = [1, 4, 5]

/** Names are in the system's language, ids are not. */
const SCHEMES: Readonly<Record<string, string>> = {
  'a1841308-3541-4fab-bc81-f71556f20b4a': 'low-power',
  '381b4222-f694-41f0-9685-ff5bb260df2e': 'balanced',
  '8c5e7fda-e8bf-4a96-9a85-a6e23a8c635c': 'performance',
}

/** From `Win32_Battery` and `powercfg`. @throws Error when PowerShell does not answer */
export async function readWindowsPower(options: PowerShellOptions): Promise<Power> {
  return parsePower(await runPowerShell(SCRIPT, options))
}

/** Reads what the script printed; a scheme of the user's own has its id for a name. @throws Error on anything else */
export function parsePower(printed: string): Power {
  const { Batteries, Scheme } = Answer.parse(JSON.parse(printed))
  const id = /[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}/i.exec(Scheme)?.[0].toLowerCase()
  return definedOnly({
    onBattery: Batteries.length === 0 ? undefined : Batteries.some((status) => ON_BATTERY.includes(status)),
    profile: id && (SCHEMES[id] ?? id),
  })
}
