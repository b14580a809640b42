import { expect, test } from 'vitest'
import { TandemError } from './errors.ts'

test('an error that crossed a process keeps its code, words, field and the time to retry', () => {
  const sent = new TandemError(
    'QUEUE_FULL',
    { device: 'cpu', waiting: 3 },
    { param: 'input', retryAfterS: 7, cause: new Error('not sent') },
  )
  const { name, code, message, param, retryAfterS } = TandemError.fromWire(structuredClone(sent.toWire()))
  expect({ name, code, message, param, retryAfterS }).toEqual({
    name: 'TandemError',
    code: 'QUEUE_FULL',
    message: sent.message,
    param: 'input',
    retryAfterS: 7,
  })
})
