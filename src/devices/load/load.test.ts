import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Device, DeviceKind } from '../../domain/index.ts'
import { createLoadMeter, sampleLoad, sampleSource } from './index.ts'
import { linuxLoad } from './linux.ts'
import { loadBetween } from './look.ts'
import type { LoadSource } from './source.ts'
import { parseGpuCounters } from './windows.ts'

const { signal } = new AbortController()
let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tandem-load-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

function device(id: string, kind: DeviceKind, pciAddress?: string): Device {
  return { id, kind, name: id, engines: {}, simulated: false, ...(pciAddress ? { pciAddress } : {}) }
}

function write(address: string, files: Readonly<Record<string, number | string>>): void {
  for (const [name, value] of Object.entries(files)) {
    const file = join(root, 'sys/bus/pci/devices', address, name)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, `${value}\n`)
  }
}

const DEVICES = [
  device('npu0', 'npu', '0000:00:0b.0'),
  device('gpu0', 'igpu', '0000:00:02.0'),
  device('gpu1', 'dgpu', '0000:03:00.0'),
  device('gpu2', 'dgpu', '0000:04:00.0'),
  device('gpu3', 'dgpu', '0000:05:00.0'),
  device('cpu', 'cpu'),
]

test('what the drivers of NPU, i915, xe and amdgpu tell in one look', async () => {
  write('0000:00:0b.0', {
    npu_busy_time_us: 5_000_000,
    npu_memory_utilization: 12_345_678,
    npu_current_frequency_mhz: 0,
  })
  write('0000:00:02.0', {
    'drm/card0/gt/gt0/rc6_residency_ms': 100_000,
    'drm/card0/gt/gt0/rps_act_freq_mhz': 600,
    'drm/renderD128/dev': '226:128',
  })
  write('0000:03:00.0', {
    'tile0/gt0/gtidle/idle_residency_ms': 50_000,
    'tile0/gt0/freq0/act_freq': 2850,
    'hwmon/hwmon3/name': 'a sensor that tells nothing of this',
    'hwmon/hwmon6/energy1_input': 90_000_000,
  })
  write('0000:04:00.0', {
    gpu_busy_percent: 42,
    mem_info_vram_used: 5_000_000_000,
    'hwmon/hwmon4/power1_average': 151_000_000,
    'hwmon/hwmon4/freq1_input': 2_304_000_000,
  })
  write('0000:05:00.0', { gpu_busy_percent: 'N/A', 'hwmon/hwmon5/name': 'nouveau' })
  const looks = await linuxLoad(root).look(DEVICES)
  expect([...looks.keys()]).toEqual(['npu0', 'gpu0', 'gpu1', 'gpu2'])
  expect(looks.get('npu0')).toMatchObject({ busyMs: 5000, usedBytes: 12_345_678, mhz: 0 })
  expect(looks.get('gpu0')).toMatchObject({ mhz: 600 })
  const xe = looks.get('gpu1')!
  expect(xe.atMs - xe.busyMs!).toBeCloseTo(50_000, 3)
  expect(xe).toMatchObject({ mhz: 2850, energy: { microjoules: 90_000_000 } })
  expect(looks.get('gpu2')).toMatchObject({ busy: 0.42, usedBytes: 5e9, watts: 151, mhz: 2304 })
})

test('no sysfs is no look', async () => {
  expect(await linuxLoad(join(root, 'nowhere')).look(DEVICES)).toEqual(new Map())
})

test('two looks are a load; a counter that went back is none', () => {
  expect(loadBetween({ atMs: 1000, busyMs: 500 }, { atMs: 2000, busyMs: 750, mhz: 1400 })).toEqual({
    busy: 0.25,
    mhz: 1400,
  })
  expect(loadBetween({ atMs: 1000, busyMs: 500 }, { atMs: 2000, busyMs: 1800 }).busy).toBe(1)
  expect(loadBetween({ atMs: 1000, busyMs: 500 }, { atMs: 2000, busyMs: 0 })).toEqual({})
  expect(loadBetween(undefined, { atMs: 2000, busyMs: 5, usedBytes: 7 })).toEqual({ usedBytes: 7 })
  const energy = (microjoules: number, atMs: number) => ({ atMs, energy: { microjoules, atMs } })
  expect(loadBetween(energy(1e6, 0), energy(31e6, 500)).watts).toBe(60)
  expect(loadBetween(energy(31e6, 0), energy(1e6, 500))).toEqual({})
})

test('the CPU of this machine', async () => {
  const load = (await sampleLoad(DEVICES, { signal, env: process.env, intervalMs: 60 })).get('cpu')!
  expect(load.busy).toBeGreaterThanOrEqual(0)
  expect(load.busy).toBeLessThanOrEqual(1)
  expect(load.usedBytes).toBeGreaterThan(0)
})

test('simulated devices have no load of this machine', async () => {
  const simulated = DEVICES.map((each) => ({ ...each, simulated: true }))
  expect(await sampleLoad(simulated, { signal, env: process.env, intervalMs: 1 })).toEqual(new Map())
})

test('who asks while a sample runs gets the same one', async () => {
  const meter = createLoadMeter(() => DEVICES, { env: process.env, intervalMs: 20 })
  const [first, second] = [meter(), meter()]
  expect(second).toBe(first)
  expect((await first).get('cpu')?.busy).toBeGreaterThanOrEqual(0)
})

test('a source that fails tells nothing', async () => {
  const broken: LoadSource = { look: () => Promise.reject(new Error('EACCES')) }
  expect(await sampleSource(broken, DEVICES, 1, signal)).toEqual(new Map())
})

test("Windows' counters: processes are summed, the busiest engine counts, absurd values do not", () => {
  const engine = (pid: number, luid: string, number: number, type: string) =>
    `pid_${pid}_luid_0x00000000_${luid}_phys_0_eng_${number}_engtype_${type}`
  const loads = parseGpuCounters(
    JSON.stringify({
      Engines: [
        [engine(1, '0x000128A6', 0, '3D'), 20],
        [engine(2, '0x000128A6', 0, '3D'), 15],
        [engine(2, '0x000128A6', 1, 'Compute'), 27007],
        [engine(2, '0x000128A6', 2, 'Copy'), 5],
        [engine(3, '0x00012FFF', 0, 'Neural'), 130],
        ['_Total', 99],
      ],
      Memory: [['luid_0x00000000_0x000128A6_phys_0', 4_000_000_000, 100_000]],
    }),
  )
  expect(loads.get('0x00000000_0x000128a6')).toEqual({
    busy: 0.35,
    dedicatedBytes: 4_000_000_000,
    sharedBytes: 100_000,
  })
  expect(loads.get('0x00000000_0x00012fff')).toEqual({ busy: 1 })
  expect(loads.size).toBe(2)
  expect(() => parseGpuCounters('Invalid class')).toThrow()
})
