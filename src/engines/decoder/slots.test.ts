import { beforeEach, expect, test } from 'vitest'
import { commonBeginning, SlotPool } from './index.ts'

interface Slot {
  readonly name: string
  held: string
}

const { signal } = new AbortController()
let a: Slot
let b: Slot
let pool: SlotPool<Slot, string>
beforeEach(() => {
  a = { name: 'a', held: 'hello' }
  b = { name: 'b', held: 'help me' }
  pool = new SlotPool({ slots: [a, b], heldBy: ({ held }) => [...held], device: 'a fake' })
})

test('the slot that holds the longest beginning of the prompt goes first', async () => {
  expect(await pool.take([...'help'], signal)).toBe(b)
  expect(await pool.take([...'help'], signal)).toBe(a)
  pool.give(b)
  pool.give(a)
  expect(await pool.take([...'hell'], signal)).toBe(a)
})

test('who waits gets a slot in the order of arrival; who leaves gets none', async () => {
  const slots = [await pool.take([], signal), await pool.take([], signal)]
  const leaves = new AbortController()
  const order: string[] = []
  const wait = (who: string, until = signal) => pool.take([], until).then(() => order.push(who))
  const first = wait('first')
  const left = expect(wait('left', leaves.signal)).rejects.toMatchObject({ code: 'CANCELLED' })
  const second = wait('second')
  leaves.abort()
  await left
  for (const slot of slots) pool.give(slot)
  await Promise.all([first, second])
  expect(order).toEqual(['first', 'second'])
  await expect(pool.take([], leaves.signal)).rejects.toMatchObject({ code: 'CANCELLED' })
})

test('the queue is bounded', async () => {
  await Promise.all([pool.take([], signal), pool.take([], signal)])
  const leave = Array.from({ length: 256 }, () => new AbortController())
  const waiting = leave.map((controller) => pool.take([], controller.signal))
  await expect(pool.take([], signal)).rejects.toMatchObject({
    code: 'QUEUE_FULL',
    details: { device: 'a fake', waiting: 256 },
  })
  for (const controller of leave) controller.abort()
  const ends = await Promise.allSettled(waiting)
  expect(ends.every(({ status }) => status === 'rejected')).toBe(true)
})

test('the beginning that two have in common', () => {
  expect(commonBeginning([1, 2, 3], [1, 2, 4, 5])).toBe(2)
  expect(commonBeginning([1], [1, 2])).toBe(1)
  expect(commonBeginning([], [1])).toBe(0)
})
