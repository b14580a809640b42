import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { inTurns } from './in-turn.ts'

test('one after the other, also after one that failed', async () => {
  const inTurn = inTurns()
  const done: string[] = []
  const work = (name: string, ms: number) => async () => {
    await sleep(ms)
    done.push(name)
    return name
  }
  const first = inTurn(work('first', 20))
  const failing = inTurn(async () => {
    throw new Error('no')
  })
  const last = inTurn(work('last', 0))
  await expect(failing).rejects.toThrow('no')
  expect(await Promise.all([first, last])).toEqual(['first', 'last'])
  expect(done).toEqual(['first', 'last'])
})
