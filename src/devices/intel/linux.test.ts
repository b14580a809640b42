import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readLinuxFacts } from './linux.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tandem-sysfs-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

function write(path: string, content: string | Buffer = ''): void {
  const file = join(root, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, content)
}

interface PciDevice {
  readonly address: string
  readonly vendor?: string
  readonly id: string
  readonly type: string
  readonly driver?: string
  /** `drm/renderD128` */
  readonly node?: string
}

function pci({ address, vendor = '0x8086', id, type, driver, node }: PciDevice): void {
  const folder = `sys/bus/pci/devices/${address}`
  write(`${folder}/vendor`, `${vendor}\n`)
  write(`${folder}/device`, `0x${id}\n`)
  write(`${folder}/class`, `${type}\n`)
  if (driver) symlinkSync(`../../../../bus/pci/drivers/${driver}`, join(root, folder, 'driver'))
  if (node) mkdirSync(join(root, folder, node), { recursive: true })
}

/** An NPU's firmware: the version is text behind 4096 bytes of header. */
function firmware(version: string): Buffer {
  const file = Buffer.alloc(8192)
  file.write(version, 4096)
  return file
}

test('an Arrow Lake with a B580: devices, nodes, firmware, libraries', async () => {
  pci({ address: '0000:00:02.0', id: '7d67', type: '0x030000', driver: 'i915', node: 'drm/renderD128' })
  pci({ address: '0000:00:0b.0', id: 'ad1d', type: '0x120000', driver: 'intel_vpu', node: 'accel/accel0' })
  pci({ address: '0000:03:00.0', id: 'e20b', type: '0x030000', driver: 'xe', node: 'drm/renderD129' })
  pci({ address: '0000:00:1f.0', id: '7f04', type: '0x060100' }) // a bridge
  pci({ address: '0000:04:00.0', vendor: '0x10de', id: '2684', type: '0x030000', driver: 'nvidia' })
  for (const node of ['dri/renderD128', 'dri/renderD129', 'accel/accel0']) write(`dev/${node}`)
  write('etc/group', `root:x:${process.getgid?.() ?? 0}:\nrender:x:4242:me\n`)
  write('lib/firmware/intel/vpu/vpu_37xx_v1.bin', firmware('20250415*MTL_CLIENT_SILICON-release*1900'))
  write('lib/firmware/intel/vpu/vpu_40xx_v1.bin', firmware('Apr 15 2025*NPU40xx'))
  for (const library of ['libze_loader.so.1.21.9', 'libze_intel_npu.so.1.17.0', 'libOpenCL.so.1'])
    write(`usr/lib/x86_64-linux-gnu/${library}`)
  write('elsewhere/libnpu_driver_compiler.so')
  write('etc/OpenCL/vendors/intel.icd')

  const barred = join(root, 'dev/dri/renderD129')
  const facts = await readLinuxFacts({
    root,
    kernel: '6.14.0-37-generic',
    mayUse: async (file) => file !== barred,
    libraryPath: `${join(root, 'elsewhere')}:`,
  })
  const node = (path: string, usable: boolean) => [{ path, usable, group: 'root' }]
  expect(facts).toEqual({
    platform: 'linux',
    kernel: '6.14.0-37-generic',
    accelerators: [
      {
        kind: 'gpu',
        address: '0000:00:02.0',
        id: '7d67',
        driver: 'i915',
        nodes: node('/dev/dri/renderD128', true),
      },
      {
        kind: 'npu',
        address: '0000:00:0b.0',
        id: 'ad1d',
        driver: 'intel_vpu',
        nodes: node('/dev/accel/accel0', true),
      },
      {
        kind: 'gpu',
        address: '0000:03:00.0',
        id: 'e20b',
        driver: 'xe',
        nodes: node('/dev/dri/renderD129', false),
      },
    ],
    npuFirmware: ['vpu_37xx_v1.bin'],
    npuFirmwareVersion: '20250415*MTL_CLIENT_SILICON-release*1900',
    libraries: ['levelZero', 'npuDriver', 'npuCompiler', 'openCl'],
    openClIcd: true,
  })
})

test('devices that no driver has, firmware that is packed, a node that a container was not given', async () => {
  pci({ address: '0000:00:0b.0', id: 'ad1d', type: '0x048000' }) // known by its id, whatever its class
  pci({ address: '0000:00:0c.0', id: 'ffff', type: '0x120000' }) // by its class
  pci({ address: '0000:03:00.0', id: 'e20b', type: '0x038000', driver: 'xe', node: 'drm/renderD128' })
  write('lib/firmware/intel/vpu/vpu_37xx_v1.bin.zst', firmware('packed'))
  const facts = await readLinuxFacts({ root, kernel: '6.5.0', mayUse: async () => true })
  expect(facts.accelerators).toEqual([
    { kind: 'npu', address: '0000:00:0b.0', id: 'ad1d', nodes: [] },
    { kind: 'npu', address: '0000:00:0c.0', id: 'ffff', nodes: [] },
    { kind: 'gpu', address: '0000:03:00.0', id: 'e20b', driver: 'xe', nodes: [] },
  ])
  expect(facts).toMatchObject({ npuFirmware: ['vpu_37xx_v1.bin.zst'], libraries: [], openClIcd: false })
  expect(facts).not.toHaveProperty('npuFirmwareVersion')
})

test('a machine that tells nothing has nothing', async () => {
  expect(await readLinuxFacts({ root: join(root, 'empty'), kernel: '6.5.0' })).toEqual({
    platform: 'linux',
    kernel: '6.5.0',
    accelerators: [],
    npuFirmware: [],
    libraries: [],
    openClIcd: false,
  })
})
