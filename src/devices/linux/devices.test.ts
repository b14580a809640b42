import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readLinuxCores, splitBySpeed } from './cores.ts'
import { readLinuxDevices } from './devices.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tandem-sysfs-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
}

function link(path: string, target: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  symlinkSync(target, join(root, path))
}

/** As sysfs has it. */
function pci(address: string, vendor: string, device: string, type: string, driver?: string): void {
  const folder = `sys/bus/pci/devices/${address}`
  write(`${folder}/vendor`, `0x${vendor}\n`)
  write(`${folder}/device`, `0x${device}\n`)
  write(`${folder}/class`, `0x${type}\n`)
  if (driver) link(`${folder}/driver`, `../../../../bus/pci/drivers/${driver}`)
}

test('GPUs and NPUs of every maker, with driver and version, and what amdgpu tells of its memory', async () => {
  pci('0000:00:02.0', '8086', '7d67', '030000', 'i915')
  pci('0000:00:0b.0', '8086', 'ad1d', '120000', 'intel_vpu')
  pci('0000:01:00.0', '10de', '2684', '030000', 'nvidia')
  pci('0000:02:00.0', '1002', '744c', '030000', 'amdgpu')
  pci('0000:04:00.0', '1002', '74a1', '120000', 'amdgpu') // an Instinct
  pci('0000:c5:00.1', '1022', '17f0', '118000', 'amdxdna')
  pci('0000:06:00.0', '10de', '2330', '030200') // no driver
  pci('0000:07:00.0', '1a03', '2000', '030000', 'ast') // a server's console
  pci('0000:00:1f.0', '8086', '7f04', '060100') // a bridge
  write('sys/module/nvidia/version', '550.54.14\n')
  mkdirSync(join(root, 'sys/bus/pci/drivers/nvidia'), { recursive: true })
  link('sys/bus/pci/drivers/nvidia/module', '../../../../module/nvidia')
  write('sys/bus/pci/devices/0000:02:00.0/mem_info_vram_total', '25753026560\n')
  write('sys/bus/pci/devices/0000:02:00.0/mem_info_vram_used', '753026560\n')

  const devices = await readLinuxDevices(root, '6.14.0-37-generic')
  expect(devices.map(({ pciAddress, family, title, driver }) => [pciAddress, family, title, driver])).toEqual(
    [
      ['0000:00:02.0', 'gpu', 'GPU of Arrow Lake-S', 'i915 6.14.0-37-generic'],
      ['0000:00:0b.0', 'npu', 'NPU of Arrow Lake (3720)', 'intel_vpu 6.14.0-37-generic'],
      ['0000:01:00.0', 'gpu', 'NVIDIA GPU (2684)', 'nvidia 550.54.14'],
      ['0000:02:00.0', 'gpu', 'AMD GPU (744c)', 'amdgpu 6.14.0-37-generic'],
      ['0000:04:00.0', 'gpu', 'AMD GPU (74a1)', 'amdgpu 6.14.0-37-generic'],
      ['0000:06:00.0', 'gpu', 'NVIDIA GPU (2330)', undefined],
      ['0000:c5:00.1', 'npu', 'AMD NPU (17f0)', 'amdxdna 6.14.0-37-generic'],
    ],
  )
  expect(devices[3]).toMatchObject({ memoryBytes: 25_753_026_560, freeBytes: 25_000_000_000, vendor: 'amd' })
  expect(devices[2]).not.toHaveProperty('memoryBytes')
})

test('garbage, folders without files and no sysfs at all are no devices', async () => {
  mkdirSync(join(root, 'sys/bus/pci/devices/0000:00:00.0'), { recursive: true })
  write('sys/bus/pci/devices/0000:00:01.0/vendor', 'what')
  write('sys/bus/pci/devices/0000:00:02.0/vendor', '0x8086')
  mkdirSync(join(root, 'sys/bus/pci/devices/0000:00:03.0/class'), { recursive: true })
  expect(await readLinuxDevices(root)).toEqual([])
  expect(await readLinuxDevices(join(root, 'nowhere'))).toEqual([])
})

test("garbage in a device's own files leaves them out", async () => {
  pci('0000:02:00.0', '1002', '744c', '030000', 'amdgpu')
  write('sys/bus/pci/devices/0000:02:00.0/mem_info_vram_total', 'N/A\n')
  const [device] = await readLinuxDevices(root, '6.14')
  expect(device).not.toHaveProperty('memoryBytes')
  expect(device).toMatchObject({ driver: 'amdgpu 6.14' })
})

test('fast and economical cores of a hybrid processor', async () => {
  write('sys/devices/cpu_core/cpus', '0-7\n')
  write('sys/devices/cpu_atom/cpus', '8-17,19,21\n')
  expect(await readLinuxCores(root, 20)).toEqual({ performance: 8, efficiency: 12 })
  expect(await readLinuxCores(root, 16), 'it does not add up').toBeUndefined()
})

test('by capacity where the counters do not tell; else by clock, if two classes are clear', async () => {
  for (let cpu = 0; cpu < 8; cpu++) {
    write(`sys/devices/system/cpu/cpu${cpu}/cpu_capacity`, cpu < 4 ? '446\n' : '1024\n')
    write(`sys/devices/system/cpu/cpu${cpu}/cpufreq/cpuinfo_max_freq`, '2000000\n')
  }
  mkdirSync(join(root, 'sys/devices/system/cpu/cpuidle'))
  expect(await readLinuxCores(root, 8)).toEqual({ performance: 4, efficiency: 4 })
  expect(splitBySpeed([5_500_000, 5_400_000, 5_700_000, 5_500_000])).toBeUndefined()
  expect(splitBySpeed([5_100_000, 5_200_000, 3_300_000, 3_300_000, 3_300_000])).toEqual({
    performance: 2,
    efficiency: 3,
  })
  expect(splitBySpeed([])).toBeUndefined()
})

test.each(['', 'all', '0-', '5-2', '1,,2'])(
  'a list of processors that is %j is not believed',
  async (list) => {
    write('sys/devices/cpu_core/cpus', list)
    write('sys/devices/cpu_atom/cpus', '4-7')
    expect(await readLinuxCores(root, 8)).toBeUndefined()
  },
)
