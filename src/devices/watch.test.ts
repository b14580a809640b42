import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Device } from '../domain/index.ts'
import { changesBetween, type PresentDevice, type Snapshot } from './snapshot.ts'
import { watchDevices } from './watch.ts'

const NPU: PresentDevice = {
  key: '0000:00:0b.0',
  title: 'NPU of Arrow Lake',
  driver: 'intel_vpu',
  bound: '7',
}
const GPU: PresentDevice = { key: '0000:03:00.0', title: 'Arc B580', driver: 'xe', bound: '8' }
const DESKTOP: Snapshot = { devices: [NPU, GPU], power: { onBattery: false, profile: 'balanced' } }
const IDS: Readonly<Record<string, string>> = { [NPU.key]: 'npu0', [GPU.key]: 'gpu1' }
const { driver: _d, bound: _b, ...DRIVERLESS } = NPU

test.each<[string, Partial<Snapshot>, string[]]>([
  ['nothing', {}, []],
  ['a reset', { devices: [{ ...NPU, bound: '9' }, GPU] }, ["npu0's driver was reset"]],
  ['a driver that goes', { devices: [DRIVERLESS, GPU] }, ['npu0 lost its driver (intel_vpu)']],
  [
    'another driver',
    { devices: [NPU, { ...GPU, driver: 'vfio-pci' }] },
    ['gpu1 has another driver (vfio-pci instead of xe)'],
  ],
  ['a device that goes', { devices: [NPU] }, ['gpu1 is gone']],
  ['battery', { power: { onBattery: true, profile: 'balanced' } }, ['the laptop runs on battery']],
  [
    'battery and profile',
    { power: { onBattery: true, profile: 'low-power' } },
    ['the laptop runs on battery', 'the power profile is low-power'],
  ],
  ['power that is not told', { power: {} }, []],
])('%s', (_name, after, says) => {
  expect(changesBetween(DESKTOP, { ...DESKTOP, ...after }, ({ key }) => IDS[key]!)).toEqual(says)
})

test('and the other way round', () => {
  const name = ({ key }: PresentDevice) => IDS[key]!
  const before = { devices: [DRIVERLESS], power: { onBattery: true } }
  expect(changesBetween(before, DESKTOP, name)).toEqual([
    'npu0 has a driver now (intel_vpu)',
    'Arc B580 was added',
    'the laptop is plugged in',
  ])
})

test.each<[string, Snapshot, Snapshot]>([
  ['before', { ...DESKTOP, devices: undefined }, DESKTOP],
  ['after', DESKTOP, { ...DESKTOP, devices: undefined }],
])('devices that were not read %s are neither added nor gone', (_when, before, after) => {
  expect(changesBetween(before, after, ({ title }) => title)).toEqual([])
  const onBattery = { ...after, power: { onBattery: true } }
  expect(changesBetween(before, onBattery, ({ title }) => title)).toEqual(['the laptop runs on battery'])
})

describe.skipIf(process.platform !== 'linux')('a watch of a machine', () => {
  let root: string
  let controller: AbortController
  const at = (path: string) => join(root, 'sys/bus/pci/devices/0000:00:0b.0', path)
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'tandem-watch-'))
    controller = new AbortController()
    mkdirSync(at(''), { recursive: true })
    for (const [name, text] of Object.entries({ vendor: '0x8086', device: '0xad1d', class: '0x120000' }))
      writeFileSync(at(name), text)
    symlinkSync('../../drivers/intel_vpu', at('driver'))
  })
  afterEach(() => {
    controller.abort()
    rmSync(root, { recursive: true, force: true })
  })

  const NPU0: Device = {
    id: 'npu0',
    kind: 'npu',
    name: 'Intel(R) AI Boost',
    engines: {},
    simulated: false,
    pciAddress: '0000:00:0b.0',
  }

  /** Resolves after the first look. */
  async function watch() {
    const told: string[] = []
    let check = () => {}
    await watchDevices({
      root,
      env: process.env,
      signal: controller.signal,
      intervalMs: 5,
      devices: () => [NPU0],
      onChange: (changes) => {
        told.push(...changes)
        check()
      },
    })
    const until = (sentence: string) =>
      new Promise<void>((resolve) => {
        check = () => {
          if (told.includes(sentence)) resolve()
        }
      })
    return { told, until }
  }

  test('tells what changes, by the ids of the devices', async () => {
    const { until } = await watch()
    for (const [change, sentence] of [
      [() => unlinkSync(at('driver')), 'npu0 lost its driver (intel_vpu)'],
      [() => symlinkSync('../../drivers/intel_vpu', at('driver')), 'npu0 has a driver now (intel_vpu)'],
      [() => rmSync(join(root, 'sys'), { recursive: true }), 'npu0 is gone'],
    ] as const) {
      const said = until(sentence)
      change()
      await said
    }
  })

  test('a first look that fails adds no devices', async () => {
    const bus = join(root, 'sys/bus/pci/devices')
    const profile = join(root, 'sys/firmware/acpi/platform_profile')
    mkdirSync(dirname(profile), { recursive: true })
    writeFileSync(profile, 'balanced')
    renameSync(bus, `${bus}-there`)
    symlinkSync('devices', bus) // a loop, which cannot be read
    const { told, until } = await watch()
    symlinkSync(`${bus}-there`, `${bus}-link`)
    renameSync(`${bus}-link`, bus)
    const sentences = [
      'the power profile is performance', // of a look that may have failed still
      'the power profile is low-power',
      'npu0 lost its driver (intel_vpu)',
    ]
    for (const [i, change] of [
      () => writeFileSync(profile, 'performance'),
      () => writeFileSync(profile, 'low-power'),
      () => unlinkSync(at('driver')),
    ].entries()) {
      const said = until(sentences[i]!)
      change()
      await said
    }
    expect(told).toEqual(sentences)
  })
})
