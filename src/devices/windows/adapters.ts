import { z } from 'zod'
import { pciAddress } from '../addresses.ts'
import { type PowerShellOptions, runPowerShell } from './powershell.ts'

/** A GPU or NPU on the PCI bus, or a device that has no driver and so no class. */
export interface WindowsAdapter {
  readonly class?: string
  readonly name: string
  /** Of the PCI vendor: 0x8086. */
  readonly vendorId: number
  /** In lower case hexadecimal: `e20b`. */
  readonly pciId: string
  /** The device manager's code; 0 is fine, 28 is no driver. */
  readonly problem: number
  readonly driverVersion?: string
  readonly pciAddress?: string
}

/**
 * The place on the bus and the driver's version are read from the registry: the classes that have them take seconds.
 * The place stands there as a text in the system's language, with its numbers behind it: `...;(3,0,0)`.
 */
const SCRIPT = `$ErrorActionPreference = 'Stop'
$key = 'HKLM:\\SYSTEM\\CurrentControlSet'
$found = @(Get-CimInstance Win32_PnPEntity -Filter "DeviceID LIKE 'PCI\\\\VEN_%'" |
  Where-Object { $_.PNPClass -in 'Display', 'ComputeAccelerator' -or $_.ConfigManagerErrorCode -ne 0 } | ForEach-Object {
    $device = Get-ItemProperty -LiteralPath "$key\\Enum\\$($_.DeviceID)" -ErrorAction SilentlyContinue
    $driver = if ($device.Driver) { Get-ItemProperty -LiteralPath "$key\\Control\\Class\\$($device.Driver)" -ErrorAction SilentlyContinue }
    [pscustomobject]@{ Name = $_.Name; Class = $_.PNPClass; Id = $_.DeviceID; Problem = $_.ConfigManagerErrorCode
      Driver = $driver.DriverVersion; Location = $device.LocationInformation } })
ConvertTo-Json -Compress -InputObject $found`

const Row = z.object({
  Name: z.string().nullish(),
  Class: z.string().nullish(),
  Id: z.string(),
  Problem: z.int().nullish(),
  Driver: z.string().nullish(),
  Location: z.string().nullish(),
})

/** @throws Error when PowerShell does not answer, or not what was asked; the signal's reason */
export async function readAdapters(options: PowerShellOptions): Promise<WindowsAdapter[]> {
  return parseAdapters(await runPowerShell(SCRIPT, options))
}

/** Reads what the script printed. @throws Error with the beginning of it */
export function parseAdapters(printed: string): WindowsAdapter[] {
  let rows: z.infer<typeof Row>[]
  try {
    rows = z.array(Row).parse(JSON.parse(printed))
  } catch {
    throw new Error(`PowerShell answered ${JSON.stringify(printed.slice(0, 100))}`)
  }
  return rows.flatMap(adapter)
}

function adapter({ Name, Class, Id, Problem, Driver, Location }: z.infer<typeof Row>): WindowsAdapter[] {
  const [, vendor, device] = /VEN_([\da-f]{4})&DEV_([\da-f]{4})/i.exec(Id) ?? []
  if (vendor === undefined || device === undefined) return []
  const place = /\((\d+),(\d+),(\d+)\)\s*$/
    .exec(Location ?? '')
    ?.slice(1)
    .map(Number)
  return [
    {
      ...(Class ? { class: Class } : {}),
      name: Name ?? '',
      vendorId: Number.parseInt(vendor, 16),
      pciId: device.toLowerCase(),
      problem: Problem ?? 0,
      ...(Driver ? { driverVersion: Driver } : {}),
      ...(place
        ? { pciAddress: pciAddress({ domain: 0, bus: place[0]!, device: place[1]!, fn: place[2]! }) }
        : {}),
    },
  ]
}
