import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Slots } from './slots.ts'

const never = new AbortController().signal

/** Work that ends when it is told to. */
function work() {
  const open = new Map<string, { slot: string; end: () => void; fail: (why: string) => void }>()
  const did: string[] = []
  return {
    did,
    open,
    run: (slot: string, job: string): Promise<void> => {
      did.push(job)
      return new Promise((resolve, reject) => {
        const left = () => open.delete(job)
        open.set(job, {
          slot,
          end: () => left() && resolve(),
          fail: (why) => left() && reject(new Error(why)),
        })
      })
    },
  }
}

async function settled(): Promise<void> {
  for (let turns = 0; turns < 20; turns++) await nextTurn()
}

test('as many jobs at once as there are slots, each slot at one', async () => {
  const { open, run } = work()
  const all = new Slots(['a', 'b']).run(['1', '2', '3'], never, run)
  await settled()
  expect([...open.keys()]).toEqual(['1', '2'])
  expect(new Set([...open.values()].map(({ slot }) => slot)).size).toBe(2)
  open.get('2')!.end()
  await settled()
  expect([...open.keys()]).toEqual(['1', '3'])
  for (const { end } of open.values()) end()
  await all
})

test('a run of one job gets the next slot but one beside a run of many', async () => {
  const { open, run, did } = work()
  const slots = new Slots(['a', 'b'])
  const many = slots.run(['m1', 'm2', 'm3', 'm4', 'm5', 'm6'], never, run)
  await settled()
  const one = slots.run(['one'], never, run)
  await settled()
  while (open.size > 0) {
    open.values().next().value!.end()
    await settled()
  }
  await Promise.all([many, one])
  expect(did.indexOf('one')).toBe(3)
})

test.each([['cancelled'], ['failed']])('%s: what runs ends first, nothing more begins', async (how) => {
  const { open, run, did } = work()
  const slots = new Slots(['a', 'b'])
  const controller = new AbortController()
  let ended = false
  const all = slots.run(['1', '2', '3', '4'], controller.signal, run).finally(() => {
    ended = true
  })
  const rejected = expect(all).rejects.toThrow(how === 'failed' ? 'broken' : 'the client went away')
  await settled()
  if (how === 'failed') open.get('1')!.fail('broken')
  else {
    controller.abort()
    open.get('1')!.end()
  }
  await settled()
  expect({ did, ended }).toEqual({ did: ['1', '2'], ended: false })
  open.get('2')!.end()
  await rejected
  const next = slots.run(['5', '6'], never, run)
  await settled()
  expect([...open.keys()]).toEqual(['5', '6'])
  for (const { end } of open.values()) end()
  await next
})

test('a slot that is lent comes back, also from work that fails', async () => {
  const slots = new Slots(['a'])
  await expect(slots.use(async () => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
  expect(await slots.use(async (slot) => slot)).toBe('a')
})
