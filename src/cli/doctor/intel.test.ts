import { expect, test } from 'vitest'
import type { IntelFacts, LinuxAccelerator, LinuxFacts, WindowsAccelerator } from '../../devices/index.ts'
import { intelChecks } from './intel.ts'

const node = (path: string, usable = true) => ({ path, usable, group: 'render' })

const NPU: LinuxAccelerator = {
  kind: 'npu',
  address: '0000:00:0b.0',
  id: 'ad1d',
  driver: 'intel_vpu',
  nodes: [node('/dev/accel/accel0')],
}
const B580: LinuxAccelerator = {
  kind: 'gpu',
  address: '0000:03:00.0',
  id: 'e20b',
  driver: 'xe',
  nodes: [node('/dev/dri/renderD128')],
}
const without = ({ driver: _, ...device }: LinuxAccelerator): LinuxAccelerator => ({ ...device, nodes: [] })

/** An Arrow Lake with a B580 where nothing is missing. */
const COMPLETE: LinuxFacts = {
  platform: 'linux',
  kernel: '6.14.0-37-generic',
  accelerators: [NPU, B580],
  npuFirmware: ['vpu_37xx_v1.bin'],
  npuFirmwareVersion: '20250415*MTL',
  libraries: ['levelZero', 'npuDriver', 'npuCompiler', 'gpuDriver', 'openCl'],
  openClIcd: true,
}
const windows = (...accelerators: readonly WindowsAccelerator[]): IntelFacts => ({
  platform: 'win32',
  accelerators,
})
const WINDOWS_NPU = {
  kind: 'npu',
  id: 'ad1d',
  name: 'Intel(R) AI Boost',
  problem: 0,
  driverVersion: '32.0.1',
} as const

interface Machine {
  readonly name: string
  readonly facts: IntelFacts
  /** Ids of the lines, and words of what was found and of the advice. */
  readonly says: readonly (readonly [id: string, found: RegExp, advice?: RegExp])[]
}

const MACHINES: readonly Machine[] = [
  {
    name: 'all there',
    facts: COMPLETE,
    says: [
      [
        'intel:npu0',
        /^NPU of Arrow Lake \(3720\) at 0000:00:0b\.0 with intel_vpu of kernel 6\.14.*, firmware 20250415\*MTL: its drivers are here$/,
      ],
      ['intel:gpu0', /^Arc B580 at 0000:03:00\.0 with xe of kernel 6\.14.*: its drivers are here$/],
    ],
  },
  {
    name: 'a kernel that is too old for both',
    facts: { ...COMPLETE, kernel: '6.5.0-45-generic', accelerators: [without(NPU), without(B580)] },
    says: [
      [
        'intel:npu0:kernel',
        /kernel 6\.5\.0-45-generic has no driver for it; 6\.8 is the first/,
        /6\.8 or newer/,
      ],
      [
        'intel:gpu0:kernel',
        /kernel 6\.5\.0-45-generic has no driver for it; 6\.12 is the first/,
        /6\.12 or newer/,
      ],
    ],
  },
  {
    name: 'a kernel that is new enough, its modules not loaded',
    facts: { ...COMPLETE, accelerators: [without(NPU), without(B580)] },
    says: [
      ['intel:npu0:driver', /no driver of kernel 6\.14/, /sudo modprobe intel_vpu/],
      ['intel:gpu0:driver', /no driver of kernel 6\.14/, /sudo modprobe xe/],
    ],
  },
  {
    name: 'no membership of the group',
    facts: {
      ...COMPLETE,
      accelerators: [
        { ...NPU, nodes: [node('/dev/accel/accel0', false)] },
        { ...B580, nodes: [node('/dev/dri/renderD128', false)] },
      ],
    },
    says: [
      [
        'intel:npu0:access',
        /may not use \/dev\/accel\/accel0 \(group render\)/,
        /sudo usermod -aG render \$USER/,
      ],
      ['intel:gpu0:access', /may not use \/dev\/dri\/renderD128 \(group render\)/, /log in again/],
    ],
  },
  {
    name: 'a device file of root',
    facts: {
      ...COMPLETE,
      accelerators: [{ ...NPU, nodes: [{ path: '/dev/accel/accel0', usable: false, group: 'root' }] }],
    },
    says: [['intel:npu0:access', /group root/, /udev rule/]],
  },
  {
    name: 'no user-mode drivers',
    facts: { ...COMPLETE, libraries: [], openClIcd: false },
    says: [
      ['intel:npu0:level-zero', /Level Zero loader/, /libze1/],
      ['intel:npu0:npu-driver', /user-mode driver/, /intel-level-zero-npu/],
      ['intel:gpu0:opencl', /OpenCL loader/, /ocl-icd-libopencl1/],
      ['intel:gpu0:gpu-driver', /compute driver/, /intel-opencl-icd libze-intel-gpu1/],
    ],
  },
  {
    name: "the NPU's driver without its compiler",
    facts: { ...COMPLETE, accelerators: [NPU], libraries: ['levelZero', 'npuDriver'] },
    says: [['intel:npu0:npu-compiler', /compile none/, /intel-driver-compiler-npu/]],
  },
  {
    name: 'no firmware',
    facts: { ...COMPLETE, accelerators: [{ ...NPU, nodes: [] }], npuFirmware: [] },
    says: [['intel:npu0:firmware', /\/lib\/firmware\/intel\/vpu/, /intel-fw-npu/]],
  },
  {
    name: 'a container that was not given the GPU',
    facts: { ...COMPLETE, accelerators: [{ ...B580, nodes: [] }] },
    says: [['intel:gpu0:node', /made no \/dev\/dri\/renderD\*/, /--device \/dev\/dri/]],
  },
  {
    name: 'two GPUs, one of them unknown',
    facts: { ...COMPLETE, accelerators: [B580, { ...B580, id: 'ffff', address: '0000:04:00.0' }] },
    says: [
      ['intel:gpu0', /^Arc B580/],
      ['intel:gpu1', /^Intel GPU \(8086:ffff\)/],
    ],
  },
  {
    name: 'Windows, all there',
    facts: windows(WINDOWS_NPU),
    says: [['intel:npu0', /with driver 32\.0\.1: its drivers are here/]],
  },
  {
    name: 'Windows without the NPU driver',
    facts: windows({ kind: 'npu', id: 'ad1d', name: 'Multimedia Controller', problem: 28 }),
    says: [['intel:npu0:driver', /it has no driver/, /Intel NPU Driver - Windows/]],
  },
  {
    name: 'Windows with its own driver for the GPU, and an NPU that is disabled',
    facts: windows(
      { kind: 'gpu', id: 'e20b', name: 'Microsoft Basic Display Adapter', problem: 0, driverVersion: '10.0' },
      { ...WINDOWS_NPU, problem: 22 },
    ),
    says: [
      ['intel:gpu0:basic-driver', /Microsoft Basic Display Adapter/, /Intel Arc/],
      ['intel:npu0:disabled', /disabled/, /device manager/],
    ],
  },
  {
    name: 'Windows with another problem',
    facts: windows({ ...WINDOWS_NPU, problem: 43 }),
    says: [['intel:npu0:problem', /problem 43/, /restart/]],
  },
  {
    name: 'nothing of Intel',
    facts: { ...COMPLETE, accelerators: [] },
    says: [['intel', /none in this machine/]],
  },
  { name: 'a system that tells nothing', facts: { platform: 'unknown', why: 'so' }, says: [['intel', /so/]] },
]

test.each(MACHINES)('$name', ({ facts, says }) => {
  const checks = intelChecks(facts)
  expect(checks.map(({ id }) => id)).toEqual(says.map(([id]) => id))
  for (const [at, [, found, advice]] of says.entries()) {
    expect(checks[at]!.found).toMatch(found)
    expect(checks[at]!.state).toBe(advice ? 'warn' : 'ok')
    if (advice) expect(checks[at]!.advice).toMatch(advice)
  }
})

test('a device whose drivers are there, and that OpenVINO does not list, is said', () => {
  const device = (name: string) => ({ name, properties: {} })
  const loaded = { version: '2026.4.1', devices: [device('CPU'), device('GPU.0')], plugins: [], problems: [] }
  const checks = intelChecks(COMPLETE, loaded)
  expect(checks.map(({ id, state }) => [id, state])).toEqual([
    ['intel:npu0:unseen', 'warn'],
    ['intel:gpu0', 'ok'],
  ])
})
