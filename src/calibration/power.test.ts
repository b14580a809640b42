import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readPower, schemeOf } from './power.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tandem-power-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

function put(path: string, text: string): void {
  const file = join(root, ...path.split('/'))
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${text}\n`)
}

describe.skipIf(process.platform === 'win32')('Linux', () => {
  test('a machine that tells nothing', async () => {
    expect(await readPower(root)).toEqual({ profile: '', onBattery: false })
  })

  test('a laptop on battery; a mouse is none', async () => {
    put('firmware/acpi/platform_profile', 'balanced')
    put('devices/system/cpu/cpu0/cpufreq/scaling_governor', 'powersave')
    put('class/power_supply/AC/type', 'Mains')
    put('class/power_supply/mouse/type', 'Battery')
    put('class/power_supply/mouse/scope', 'Device')
    put('class/power_supply/mouse/status', 'Discharging')
    put('class/power_supply/BAT0/type', 'Battery')
    put('class/power_supply/BAT0/status', 'Charging')
    expect(await readPower(root)).toEqual({ profile: 'balanced, powersave', onBattery: false })
    put('class/power_supply/BAT0/status', 'Discharging')
    expect(await readPower(root)).toEqual({ profile: 'balanced, powersave, battery', onBattery: true })
  })
})

test("Windows' scheme by its id, in any language", () => {
  const id = '381b4222-f694-41f0-9685-ff5bb260df2e'
  expect(schemeOf(`Power Scheme GUID: ${id.toUpperCase()}  (Balanced)\r\n`)).toBe(id)
  expect(schemeOf(`GUID des Energieschemas: ${id}  (Ausbalanciert)`)).toBe(id)
  expect(schemeOf('')).toBe('')
})
