import { describe, expect, test } from 'vitest'
import type { Device, PlannedPlacement } from '../domain/index.ts'
import { heldOn, othersAfter, roomBeside } from './room.ts'

const GIB = 1024 ** 3
const MARGIN = 0.03 * 12 * GIB

describe('what other programs are counted with', () => {
  test('more counts at once, less once it was so for half a minute', () => {
    let others = othersAfter(undefined, 2 * GIB, 0)
    others = othersAfter(others, 8 * GIB, 1_000)
    expect(others.bytes).toBe(8 * GIB)
    others = othersAfter(others, GIB, 2_000)
    others = othersAfter(others, 3 * GIB, 20_000)
    others = othersAfter(others, GIB, 31_000)
    expect(others.bytes).toBe(8 * GIB)
    others = othersAfter(others, GIB, 32_000)
    expect(others).toEqual({ bytes: 3 * GIB }) // the most since it became less
  })

  test('who takes as much again meanwhile begins anew', () => {
    let others = othersAfter({ bytes: 8 * GIB }, GIB, 0)
    others = othersAfter(others, 8 * GIB, 29_000)
    others = othersAfter(others, GIB, 31_000)
    expect(others.bytes).toBe(8 * GIB)
  })
})

describe('room beside other programs', () => {
  const room = (others: number, ...residents: readonly (readonly [number, boolean])[]) =>
    roomBeside(
      12 * GIB,
      others * GIB,
      residents.map(([gib, stays]) => ({ bytes: gib * GIB, stays })),
    )

  test('nothing is loaded: what is left', () => {
    expect(room(8)).toBe(4 * GIB)
    expect(room(13)).toBe(0)
  })

  test('what is loaded stays without the margin of a load, as long as it fits', () => {
    expect(room(3, [8, false])).toBe(9 * GIB)
    const tight = room(3.9, [8, false])
    expect(tight - MARGIN).toBeGreaterThanOrEqual(8 * GIB)
    expect(tight).toBeLessThan(8.4 * GIB)
    expect(room(4.1, [8, false])).toBeCloseTo(7.9 * GIB, -3)
  })

  test('what must stay keeps its room when the rest does not fit', () => {
    const kept = room(9, [4, true], [2, false])
    expect(kept - MARGIN).toBeGreaterThanOrEqual(4 * GIB)
    expect(kept).toBeLessThan(6 * GIB)
  })
})

test("what a placement holds on a device: all, its part, or what shares the system's memory", () => {
  const device = (id: string, kind: Device['kind']): Device => ({
    id,
    kind,
    name: id,
    engines: { 'llama.cpp': id },
    simulated: false,
  })
  const devices = [device('gpu0', 'dgpu'), device('gpu1', 'igpu'), device('cpu', 'cpu')]
  const on = (where: string, more: Partial<PlannedPlacement> = {}) =>
    ({
      task: 'chat',
      model: 'm',
      engine: 'llama.cpp',
      device: where,
      memory: { deviceBytes: 8, hostBytes: 1 },
      ...more,
    }) as PlannedPlacement
  const held = (placement: PlannedPlacement) => devices.map((each) => heldOn(each, placement, devices))
  expect(held(on('gpu0'))).toEqual([8, 0, 1])
  expect(held(on('gpu1'))).toEqual([0, 8, 9])
  const shares = [
    { device: 'gpu0', part: 0.75 },
    { device: 'gpu1', part: 0.25 },
  ]
  expect(held(on('LAYER:gpu0,gpu1', { shares })).slice(0, 2)).toEqual([6, 2])
  expect(held(on('nowhere'))).toEqual([0, 0, 0])
})
