import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readLinuxPower } from './linux/power.ts'
import { readPower } from './power.ts'
import { parsePower } from './windows/power.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tandem-power-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

function supply(name: string, files: Readonly<Record<string, string>>): void {
  const folder = join(root, 'sys/class/power_supply', name)
  mkdirSync(folder, { recursive: true })
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), `${text}\n`)
}

const MOUSE = { type: 'Battery', scope: 'Device', status: 'Discharging' }

test.each([
  [
    'on its battery',
    { AC: { type: 'Mains', online: '0' }, BAT0: { type: 'Battery', status: 'Discharging' } },
    true,
  ],
  ['charging', { AC: { type: 'Mains', online: '1' }, BAT0: { type: 'Battery', status: 'Charging' } }, false],
  ['full', { BAT0: { type: 'Battery', status: 'Full' } }, false],
  [
    'on a weak USB charger',
    { 'ucsi-source-psy-1': { type: 'USB', online: '1' }, BAT0: { type: 'Battery', status: 'Discharging' } },
    false,
  ],
  ['a desktop with a wireless mouse', { hidpp_battery_0: MOUSE }, undefined],
  ['a battery that does not tell', { BAT0: { type: 'Battery', status: 'Unknown' } }, undefined],
  ['nothing', {}, undefined],
])('%s', async (_name, supplies, onBattery) => {
  for (const [name, files] of Object.entries(supplies)) supply(name, files)
  expect((await readLinuxPower(root)).onBattery).toBe(onBattery)
})

test("the firmware's profile", async () => {
  mkdirSync(join(root, 'sys/firmware/acpi'), { recursive: true })
  writeFileSync(join(root, 'sys/firmware/acpi/platform_profile'), 'low-power\n')
  expect(await readLinuxPower(root)).toEqual({ profile: 'low-power' })
})

test('this machine answers, whatever it is', async () => {
  const power = await readPower({ signal: new AbortController().signal, env: process.env })
  expect(['boolean', 'undefined']).toContain(typeof power.onBattery)
})

test('Windows: by battery and scheme', () => {
  const scheme = 'Power Scheme GUID: 381b4222-f694-41f0-9685-ff5bb260df2e  (Ausbalanciert)'
  expect(parsePower(JSON.stringify({ Batteries: [1], Scheme: scheme }))).toEqual({
    onBattery: true,
    profile: 'balanced',
  })
  expect(parsePower(JSON.stringify({ Batteries: [2], Scheme: '' }))).toEqual({ onBattery: false })
  expect(parsePower('{"Batteries":[],"Scheme":""}')).toEqual({})
  expect(() => parsePower('Access denied')).toThrow()
})
