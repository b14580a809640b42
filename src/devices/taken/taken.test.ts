import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { processUnder, writeUnder, xeInfo } from '../../../test/support/proc.ts'
import type { Device } from '../../domain/index.ts'
import { simulatedPrograms } from '../simulated/index.ts'
import { linuxTaken } from './linux.ts'
import { parseTaken } from './windows.ts'

const MIB = 1024 ** 2
const GIB = 1024 ** 3
const OWN = [100, 110]

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tandem-taken-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const card = (id: string, pciAddress: string): Device => ({
  id,
  kind: 'dgpu',
  name: id,
  memoryBytes: 12 * GIB,
  engines: {},
  simulated: false,
  pciAddress,
})

function drivenBy(driver: string, address: string, used?: number): void {
  const folder = `sys/bus/pci/devices/${address}`
  writeUnder(root, `${folder}/vendor`, '0x8086\n')
  mkdirSync(join(root, 'sys/bus/pci/drivers', driver), { recursive: true })
  symlinkSync(`../../drivers/${driver}`, join(root, folder, 'driver'))
  if (used !== undefined) writeUnder(root, `${folder}/mem_info_vram_used`, `${used}\n`)
}

const node = (info: string) => ({ target: '/dev/dri/renderD129', info })
const amdInfo = (client: number, vram: string) => `drm-driver:\tamdgpu
drm-client-id:\t${client}
drm-pdev:\t0000:04:00.0
drm-memory-vram:\t${vram}
drm-memory-gtt: \t9000 KiB
drm-memory-cpu: \t0 KiB
drm-engine-compute:\t445566 ns
`

describe('Linux: who takes what of a card', () => {
  test("xe tells of each process: ours and those that they started are not others'", async () => {
    drivenBy('xe', '0000:03:00.0')
    processUnder(root, 100, 1, 'tandem', [])
    processUnder(root, 110, 100, 'worker', [node(xeInfo(3, '8 GiB')), node(xeInfo(3, '8 GiB'))])
    processUnder(root, 200, 1, 'a game', [node(xeInfo(7, '3000 MiB'))])
    processUnder(root, 300, 1, 'a browser', [node(xeInfo(8, '100 MiB')), { target: '/dev/null' }])
    expect(await linuxTaken(root, [card('gpu0', '0000:03:00.0')], OWN)).toEqual(
      new Map([['gpu0', { othersBytes: 3100 * MIB, partial: true }]]),
    )
  })

  test('nobody has it open: nothing is taken, which is known', async () => {
    drivenBy('xe', '0000:03:00.0')
    processUnder(root, 100, 1, 'tandem', [])
    expect(await linuxTaken(root, [card('gpu0', '0000:03:00.0')], OWN)).toEqual(
      new Map([['gpu0', { othersBytes: 0, partial: true }]]),
    )
  })

  test("amdgpu tells what all take, also those that cannot be seen: the rest is others'", async () => {
    drivenBy('amdgpu', '0000:04:00.0', 9 * GIB)
    processUnder(root, 110, 100, 'worker', [node(amdInfo(1, '5242880 KiB'))])
    expect(await linuxTaken(root, [card('gpu1', '0000:04:00.0')], OWN)).toEqual(
      new Map([['gpu1', { usedBytes: 9 * GIB, othersBytes: 4 * GIB }]]),
    )
  })

  test('an older kernel tells no memory of processes: how much is taken, not by whom', async () => {
    drivenBy('amdgpu', '0000:04:00.0', 9 * GIB)
    const untold = 'drm-driver:\tamdgpu\ndrm-client-id:\t1\ndrm-pdev:\t0000:04:00.0\n'
    processUnder(root, 110, 100, 'worker', [node(untold)])
    const taken = await linuxTaken(root, [card('gpu1', '0000:04:00.0')], OWN)
    expect(taken).toEqual(new Map([['gpu1', { usedBytes: 9 * GIB }]]))
  })

  test("of NVIDIA's own driver, and of no card, nothing is known", async () => {
    drivenBy('nvidia', '0000:01:00.0')
    const devices = [card('gpu0', '0000:01:00.0'), card('gpu1', '0000:09:00.0')]
    expect(await linuxTaken(root, devices, OWN)).toEqual(new Map())
  })
})

test("Windows' counters: what Tandem's processes have is not others'", () => {
  const printed = JSON.stringify({
    Adapters: [
      ['luid_0x00000000_0x000128A6_phys_0', 9_000_000_000],
      ['luid_0x00000000_0x00012FFF_phys_0', 1_000],
      ['_Total', 9_000_001_000],
    ],
    Memory: [
      ['pid_110_luid_0x00000000_0x000128A6_phys_0', 5_000_000_000],
      ['pid_110_luid_0x00000000_0x00012FFF_phys_0', 2_000],
      ['pid_200_luid_0x00000000_0x000128A6_phys_0', 4_000_000_000],
    ],
    Processes: [
      [100, 1],
      [105, 100],
      [110, 105],
      [200, 1],
    ],
  })
  expect(parseTaken(printed, 100)).toEqual(
    new Map([
      ['0x00000000_0x000128a6', { usedBytes: 9_000_000_000, othersBytes: 4_000_000_000 }],
      ['0x00000000_0x00012fff', { usedBytes: 1_000, othersBytes: 0 }],
    ]),
  )
  expect(() => parseTaken('Invalid class', 100)).toThrow()
})

describe('programs of a simulated machine', () => {
  const devices = [card('gpu0', '0000:03:00.0'), { ...card('gpu1', '0000:00:02.0'), kind: 'igpu' as const }]

  test('take what the file says; without a file nothing', async () => {
    expect(await simulatedPrograms(devices, root)).toEqual(new Map([['gpu0', { othersBytes: 0 }]]))
    writeUnder(root, 'programs.json', '{"gpu0": 8.5}')
    expect(await simulatedPrograms(devices, root)).toEqual(new Map([['gpu0', { othersBytes: 8.5 * GIB }]]))
  })

  test.each([
    ['{"gpu1": 2}', '"gpu1" has no memory of its own; these do: gpu0'],
    ['{"gpu0": "much"}', 'it must say how many GiB'],
    ['{', 'it must say how many GiB'],
  ])('%s is refused', async (text, what) => {
    writeUnder(root, 'programs.json', text)
    await expect(simulatedPrograms(devices, root)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(what),
    })
  })
})
