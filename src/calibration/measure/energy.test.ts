import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Device } from '../../domain/index.ts'
import { energyCounter, wattsBetween } from './energy.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tandem-energy-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const device = (more: Partial<Device>): Device => ({
  id: 'x',
  kind: 'cpu',
  name: 'x',
  engines: {},
  simulated: false,
  ...more,
})

function put(path: string, text: string): void {
  const file = join(root, ...path.split('/'))
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}

function putZone(zone: string, name: string, energy: string): void {
  put(`sys/class/powercap/${zone}/name`, `${name}\n`)
  put(`sys/class/powercap/${zone}/energy_uj`, `${energy}\n`)
}

test('the CPU: all packages, neither their parts nor the platform that contains them', async () => {
  putZone('intel-rapl:0', 'package-0', '100')
  putZone('intel-rapl:1', 'psys', '5000')
  putZone('intel-rapl:2', 'package-1', '20')
  putZone('intel-rapl:0:0', 'core', '7')
  expect(await (await energyCounter(device({}), root))?.()).toBe(120)
})

test('a GPU: by its address', async () => {
  put('sys/bus/pci/devices/0000:03:00.0/hwmon/hwmon3/name', 'other\n')
  put('sys/bus/pci/devices/0000:03:00.0/hwmon/hwmon4/energy1_input', '555\n')
  const gpu = device({ kind: 'dgpu', pciAddress: '0000:03:00.0' })
  expect(await (await energyCounter(gpu, root))?.()).toBe(555)
  expect(await energyCounter(device({ kind: 'dgpu' }), root)).toBeUndefined()
})

test('what may not be read or is no number is absent', async () => {
  expect(await energyCounter(device({}), root)).toBeUndefined()
  putZone('intel-rapl:0', 'package-0', 'denied')
  expect(await energyCounter(device({}), root)).toBeUndefined()
})

test('watts; a counter that began anew tells none', () => {
  const at = (ms: number, microjoules: number) => ({ ms, microjoules })
  expect(wattsBetween(at(0, 0), at(2000, 30_000_000))).toBe(15)
  expect(wattsBetween(at(0, 500), at(1000, 20))).toBeUndefined()
  expect(wattsBetween(at(5, 1), at(5, 2))).toBeUndefined()
})
