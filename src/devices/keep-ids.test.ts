import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Device, DeviceKind } from '../domain/index.ts'
import { keepIds } from './index.ts'

type Traits = Partial<Pick<Device, 'pciAddress' | 'luid' | 'vendor'>>

const device = (id: string, kind: DeviceKind, name: string, more: Traits = {}): Device => ({
  id,
  kind,
  name,
  engines: {},
  simulated: false,
  ...more,
})
const at = (bus: number): Traits => ({ pciAddress: `0000:0${bus}:00.0` })
const CPU = device('cpu', 'cpu', 'A CPU')
const NPU = device('npu0', 'npu', 'NPU', { pciAddress: '0000:00:0b.0' })
const ids = (devices: readonly Device[]) => devices.map(({ id }) => id)

test('the same machine keeps all ids, whatever numbers its devices get', () => {
  const before = [NPU, device('gpu1', 'dgpu', 'B580', at(3)), device('gpu0', 'igpu', 'Arc', at(0)), CPU]
  expect(keepIds(before, before)).toEqual(before)
  const now = [
    { ...before[2]!, id: 'gpu1', freeBytes: 7 },
    { ...before[1]!, id: 'gpu0' },
    CPU,
    { ...NPU, id: 'npu3' },
  ]
  const kept = keepIds(before, now)
  expect(ids(kept)).toEqual(['gpu0', 'gpu1', 'cpu', 'npu0'])
  expect(kept[0]).toEqual({ ...now[0]!, id: 'gpu0' })
})

test('a GPU that appears at a lower address takes no id of another one', () => {
  const before = [device('gpu0', 'dgpu', 'B580', at(3)), CPU]
  const now = [device('gpu0', 'dgpu', 'A770', at(2)), device('gpu1', 'dgpu', 'B580', at(3)), CPU]
  expect(ids(keepIds(before, now))).toEqual(['gpu1', 'gpu0', 'cpu'])
})

test('when one vanishes the others keep theirs, and it is not given away at once', () => {
  const before = [device('gpu0', 'igpu', 'Arc', at(1)), device('gpu1', 'dgpu', 'B580', at(3)), CPU]
  const left = keepIds(before, [device('gpu0', 'dgpu', 'B580', at(3)), CPU])
  expect(ids(left)).toEqual(['gpu1', 'cpu'])
  const instead = [device('gpu0', 'dgpu', 'B580', at(3)), device('gpu1', 'dgpu', 'A770', at(4)), CPU]
  expect(ids(keepIds(before, instead))).toEqual(['gpu1', 'gpu2', 'cpu'])
  expect(ids(keepIds(left, [before[0]!, ...left]))).toEqual(['gpu0', 'gpu1', 'cpu']) // it is back
})

describe('two equal cards', () => {
  const card = (id: string, more: Traits = {}) => device(id, 'dgpu', 'B60', { vendor: 'intel', ...more })

  test('are told apart by their addresses', () => {
    const before = [card('gpu0', at(3)), card('gpu1', at(4))]
    expect(ids(keepIds(before, [card('gpu0', at(4))]))).toEqual(['gpu1'])
    expect(ids(keepIds(before, [card('gpu0', at(4)), card('gpu1', at(5))]))).toEqual(['gpu1', 'gpu2'])
    expect(ids(keepIds([card('gpu0', at(4))], [card('gpu0', at(3)), card('gpu1', at(4))]))).toEqual([
      'gpu1',
      'gpu0',
    ])
  })

  test('else by their LUIDs', () => {
    const before = [card('gpu0', { luid: 'a' }), card('gpu1', { luid: 'b' })]
    expect(ids(keepIds(before, [card('gpu0', { luid: 'b' }), card('gpu1', { luid: 'a' })]))).toEqual([
      'gpu1',
      'gpu0',
    ])
  })

  test('that nothing tells apart keep theirs while they are as many; else any may be the twin, and is new', () => {
    const before = [card('gpu1'), card('gpu0')]
    expect(ids(keepIds(before, [card('gpu0'), card('gpu1')]))).toEqual(['gpu1', 'gpu0'])
    expect(ids(keepIds(before, [card('gpu0')]))).toEqual(['gpu2'])
    expect(ids(keepIds([card('gpu0')], [card('gpu0'), card('gpu1')]))).toEqual(['gpu1', 'gpu2'])
  })
})

test('the only one of its kind and name is known without an address, and where it was moved', () => {
  const before = [device('gpu1', 'dgpu', 'B580', { luid: 'a' }), NPU]
  const now = [device('npu0', 'npu', 'NPU'), device('gpu0', 'dgpu', 'B580', { luid: 'b' })]
  expect(ids(keepIds(before, now))).toEqual(['npu0', 'gpu1'])
  expect(
    ids(
      keepIds(
        [device('gpu1', 'dgpu', 'B580', at(3))],
        [device('gpu0', 'dgpu', 'B580', { ...at(4), luid: 'b' })],
      ),
    ),
  ).toEqual(['gpu1'])
})

test('another device in the place of one is new: of another family, of another maker', () => {
  const before = [device('gpu0', 'dgpu', 'B580', { ...at(3), vendor: 'intel' })]
  const other = device('gpu0', 'dgpu', 'RTX 4090', { ...at(3), vendor: 'nvidia' })
  expect(ids(keepIds(before, [device('npu0', 'npu', 'NPU', at(3))]))).toEqual(['npu0'])
  expect(ids(keepIds(before, [other]))).toEqual(['gpu1'])
  const moved = { ...before[0]!, id: 'gpu1', ...at(4) }
  expect(ids(keepIds(before, [other, moved]))).toEqual(['gpu1', 'gpu0'])
})

test('any two looks: one id each, of the right family, in the order of now', () => {
  const look = fc
    .array(
      fc.record({
        kind: fc.constantFrom<DeviceKind>('npu', 'dgpu', 'igpu'),
        name: fc.constantFrom('A', 'B'),
        bus: fc.option(fc.integer({ min: 1, max: 5 })),
      }),
      { maxLength: 6 },
    )
    .map((all) => [
      ...all.map(({ kind, name, bus }, i) =>
        device(`${kind === 'npu' ? 'npu' : 'gpu'}${i}`, kind, name, bus === null ? {} : at(bus)),
      ),
      CPU,
    ])
  fc.assert(
    fc.property(look, look, (before, now) => {
      const kept = keepIds(before, now)
      expect(new Set(ids(kept)).size).toBe(now.length)
      expect(kept.map(({ id: _, ...rest }) => rest)).toEqual(now.map(({ id: _, ...rest }) => rest))
      for (const { id, kind } of kept)
        expect(id).toMatch(kind === 'cpu' ? /^cpu$/ : kind === 'npu' ? /^npu\d+$/ : /^gpu\d+$/)
    }),
  )
})
