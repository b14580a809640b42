/** The judge itself: what it must catch, and what it must let pass. */
import { expect, test } from 'vitest'
import { wrongRefusal, wrongScores, wrongStream, wrongVectors } from './verdicts.ts'

const prompt = { body: {}, text: 'one two three four', finishReason: 'stop' }
const whole = {
  status: 200,
  retryAfter: null,
  text: prompt.text,
  finishReason: 'stop',
  error: undefined,
  done: true,
  broken: undefined,
  moves: 0,
}
const lost = { code: 'worker_lost', message: 'it stopped' }

test('a whole stream passes', () => {
  expect(wrongStream(whole, prompt)).toBeUndefined()
})

test.each([
  ['a gap', { text: 'one two four' }, 'another text from character 8'],
  ['a repeat', { text: 'one two two three four' }, 'another text from character 9'],
  ['a repeat before the error event', { text: 'one one', error: lost, done: false }, 'another text'],
  ['a silent cut', { text: 'one two', done: false }, 'a silent cut after 7 of 18'],
  ['a cut that claims to be the end', { text: 'one two' }, '7 of 18 characters, then [DONE]'],
  ['a broken connection', { broken: 'terminated' }, 'the connection broke'],
  ['a chat that did not go on', { text: 'one two', error: lost, done: false }, 'ended with worker_lost'],
  ['another end', { finishReason: 'length' }, 'finish_reason length'],
])('%s is caught', (_, change, said) => {
  expect(wrongStream({ ...whole, ...change }, prompt)).toContain(said)
})

test('vectors: count, width, length, NaN and direction are looked at', () => {
  const wanted = [[1, 0]]
  expect(wrongVectors([[1, 0]], wanted)).toBeUndefined()
  expect(wrongVectors([], wanted)).toContain('0 vectors')
  expect(wrongVectors([[1, 0, 0]], wanted)).toContain('3 dimensions')
  expect(wrongVectors([[Number.NaN, 0]], wanted)).toContain('not finite')
  expect(wrongVectors([[2, 0]], wanted)).toContain('length 2')
  expect(wrongVectors([[0, 1]], wanted)).toContain('cosine 0')
})

test('scores: missing and different ones are caught', () => {
  const wanted = new Map([['0', 0.5]])
  expect(wrongScores(new Map([['0', 0.51]]), wanted)).toBeUndefined()
  expect(wrongScores(new Map([['0', 0.9]]), wanted)).toContain('instead of 0.5')
  expect(wrongScores(new Map([['1', 0.5]]), wanted)).toContain('no score of 0')
  expect(wrongScores(new Map([['0', Number.NaN]]), wanted)).toContain('NaN')
})

test('a refusal needs a known code with its status, and says when to come back', () => {
  const refusal = { ...whole, status: 429, error: { code: 'queue_full', message: 'full' } }
  expect(wrongRefusal({ ...refusal, retryAfter: '1' })).toBeUndefined()
  expect(wrongRefusal(refusal)).toContain('without Retry-After')
  expect(wrongRefusal({ ...refusal, status: 500, retryAfter: '1' })).toContain('500 queue_full')
  expect(wrongRefusal({ ...refusal, error: undefined })).toContain('without a code')
})
