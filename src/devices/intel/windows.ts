import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { z } from 'zod'
import type { UnknownFacts, WindowsAccelerator, WindowsFacts } from './facts.ts'
import { KNOWN_DEVICES } from './known.ts'

const LIMIT_MS = 30_000
const MAX_OUTPUT = 1024 * 1024

/** Devices of Intel on the PCI bus and the versions of their drivers; a device without a driver has no class. */
const SCRIPT = `$ErrorActionPreference = 'Stop'
$pci = "DeviceID LIKE 'PCI\\\\VEN_8086%'"
$drivers = @{}
Get-CimInstance Win32_PnPSignedDriver -Filter $pci | ForEach-Object { $drivers[$_.DeviceID] = $_.DriverVersion }
$found = @(Get-CimInstance Win32_PnPEntity -Filter $pci | ForEach-Object { [pscustomobject]@{
  Name = $_.Name; Class = $_.PNPClass; Id = $_.DeviceID
  Problem = $_.ConfigManagerErrorCode; Driver = $drivers[$_.DeviceID] } })
ConvertTo-Json -Compress -InputObject $found`

const Row = z.object({
  Name: z.string().nullish(),
  Class: z.string().nullish(),
  Id: z.string(),
  Problem: z.int().nullish(),
  Driver: z.string().nullish(),
})

/** Asks Windows for Intel's devices, at most 30 s. @throws the signal's reason */
export function readWindowsFacts(
  signal: AbortSignal,
  env: NodeJS.ProcessEnv,
): Promise<WindowsFacts | UnknownFacts> {
  const shell = join(env['SystemRoot'] ?? 'C:\\Windows', 'System32/WindowsPowerShell/v1.0/powershell.exe')
  const encoded = Buffer.from(SCRIPT, 'utf16le').toString('base64')
  const args = ['-NoProfile', '-NonInteractive', '-EncodedCommand', encoded]
  const options = { timeout: LIMIT_MS, maxBuffer: MAX_OUTPUT, windowsHide: true, signal }
  return new Promise((resolve, reject) => {
    execFile(shell, args, options, (error, stdout) => {
      if (signal.aborted) reject(signal.reason)
      else if (error)
        resolve({ platform: 'unknown', why: `PowerShell did not answer: ${error.message.slice(0, 200)}` })
      else resolve(parseWindowsFacts(stdout))
    })
  })
}

/** Reads what the script printed. */
export function parseWindowsFacts(json: string): WindowsFacts | UnknownFacts {
  try {
    const rows = z.array(Row).parse(JSON.parse(json))
    return { platform: 'win32', accelerators: rows.flatMap(accelerator) }
  } catch {
    return { platform: 'unknown', why: `PowerShell answered ${JSON.stringify(json.slice(0, 100))}` }
  }
}

function accelerator({ Name, Class, Id, Problem, Driver }: z.infer<typeof Row>): WindowsAccelerator[] {
  const id = /&DEV_([0-9A-F]{4})/i.exec(Id)?.[1]?.toLowerCase() ?? ''
  const kind =
    KNOWN_DEVICES[id]?.kind ??
    (Class === 'ComputeAccelerator' ? 'npu' : Class === 'Display' ? 'gpu' : undefined)
  if (kind === undefined) return []
  const driver = Driver ? { driverVersion: Driver } : {}
  return [{ kind, id, name: Name ?? '', problem: Problem ?? 0, ...driver }]
}
