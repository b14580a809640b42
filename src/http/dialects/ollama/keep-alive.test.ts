import { expect, test } from 'vitest'
import { parse } from '../../validate.ts'
import { applyKeepAlive } from './keep-alive.ts'
import { ChatBody } from './schema.ts'

const read = (keep_alive: unknown) => parse(ChatBody, { model: 'm', keep_alive }).keep_alive
const FOREVER = Number.POSITIVE_INFINITY

test.each([
  [undefined, undefined],
  [null, null],
  [0, 0],
  ['0', 0],
  ['0s', 0],
  [300, 300_000],
  ['300', 300_000],
  ['5m', 300_000],
  ['1h30m', 5_400_000],
  ['1.5s', 1_500],
  ['250ms', 250],
  [-1, FOREVER],
  ['-1', FOREVER],
  ['-5m', FOREVER],
])('%j is %d ms', (given, ms) => {
  expect(read(given)).toBe(ms)
})

test.each(['soon', '5 m', 'm', '', true, '5d'])('%j is refused', (given) => {
  expect(() => read(given)).toThrow(expect.objectContaining({ code: 'INVALID_REQUEST', param: 'keep_alive' }))
})

test.each([
  [undefined, []],
  [0, ['unload m']],
  [5_000, ['hold m 5000']],
  [FOREVER, ['hold m Infinity']],
])('%d: %j', (ms, expected) => {
  const done: string[] = []
  const residency = {
    hold: (model: string, forMs: number) => void done.push(`hold ${model} ${forMs}`),
    unload: (model: string) => done.push(`unload ${model}`) > 0,
    heldMs: () => 0,
  }
  applyKeepAlive({ residency }, 'm', ms)
  expect(done).toEqual(expected)
  expect(() => applyKeepAlive({}, 'm', ms)).not.toThrow()
})
