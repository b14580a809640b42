import fc from 'fast-check'
import { expect, test } from 'vitest'
import { chooseUnload, type LoadedModel } from './unload.ts'

const GIB = 2 ** 30
const loaded = (
  id: string,
  gib: number,
  lastUsedMs: number,
  more: Partial<LoadedModel> = {},
): LoadedModel => ({
  id,
  bytes: gib * GIB,
  lastUsedMs,
  running: 0,
  ...more,
})
const ids = (answer: ReturnType<typeof chooseUnload>) =>
  answer.possible ? answer.unload.map(({ id }) => id) : answer.reason

test('the least recently used go first, and no more than needed', () => {
  const models = [loaded('new', 4, 30), loaded('old', 2, 10), loaded('middle', 3, 20)]
  expect(ids(chooseUnload(models, 4 * GIB, 0))).toEqual(['old', 'middle'])
  expect(ids(chooseUnload(models, 2 * GIB, 0))).toEqual(['old'])
  expect(ids(chooseUnload(models, 2 * GIB, 2 * GIB))).toEqual([])
})

test('a small old one stays when a larger one has to go anyway', () => {
  const models = [loaded('small', 1, 10), loaded('large', 8, 20)]
  expect(ids(chooseUnload(models, 8 * GIB, 0))).toEqual(['large'])
})

test('never what answers, is pinned or encodes for a live index: the reason names them', () => {
  const models = [
    loaded('chat', 4, 1, { running: 1 }),
    loaded('pinned', 4, 2, { pinned: true }),
    loaded('encoder', 4, 3, { liveIndex: true }),
    loaded('idle', 1, 4),
  ]
  expect(ids(chooseUnload(models, 4 * GIB, 0))).toBe(
    '4.0 GiB are needed, 1.0 GiB can be made free; chat answers now, pinned is pinned and encoder encodes for a live index',
  )
})

test('whatever is loaded: enough goes, nothing that may not, and none of it needlessly', () => {
  const model = fc.record({
    id: fc.uuid(),
    bytes: fc.integer({ min: 0, max: 100 }),
    lastUsedMs: fc.integer({ min: 0, max: 50 }),
    running: fc.integer({ min: 0, max: 1 }),
    pinned: fc.boolean(),
    liveIndex: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(model, { maxLength: 12 }), fc.nat(400), fc.nat(100), (models, need, free) => {
      const answer = chooseUnload(models, need, free)
      const movable = models.filter((each) => !each.running && !each.pinned && !each.liveIndex)
      const sum = (list: readonly LoadedModel[]) => list.reduce((total, each) => total + each.bytes, free)
      expect(answer.possible).toBe(sum(movable) >= need)
      if (!answer.possible) return
      expect(answer.unload.every((each) => movable.some(({ id }) => id === each.id))).toBe(true)
      expect(sum(answer.unload)).toBeGreaterThanOrEqual(need)
      for (const { id } of answer.unload)
        expect(sum(answer.unload.filter((each) => each.id !== id))).toBeLessThan(need)
    }),
  )
})
