import { describe, expect, test } from 'vitest'
import { TandemError } from '../../../domain/index.ts'
import { chatResult } from '../../testing/doubles.ts'
import { infillFrames, wholeInfill } from './answer.ts'

const head = { model: 'm', silent: false }
const result = chatResult({
  text: 'x + y',
  usage: { promptTokens: 7, completionTokens: 2, cachedTokens: 3 },
  timings: { firstTokenMs: 8, decodeMs: 4 },
})

test('a whole answer with its counts and times', () => {
  expect(wholeInfill(head, result)).toEqual({
    index: 0,
    content: 'x + y',
    stop: true,
    model: 'm',
    tokens_predicted: 2,
    tokens_evaluated: 7,
    tokens_cached: 9,
    truncated: false,
    stop_type: 'eos',
    stopping_word: '',
    timings: {
      cache_n: 3,
      prompt_n: 4,
      prompt_ms: 8,
      prompt_per_token_ms: 2,
      prompt_per_second: 500,
      predicted_n: 2,
      predicted_ms: 4,
      predicted_per_token_ms: 2,
      predicted_per_second: 500,
    },
    tandem: { timings: { firstTokenMs: 8, decodeMs: 4 } },
  })
})

test.each([
  [{ finishReason: 'length' }, { stop_type: 'limit', stopping_word: '' }],
  [{ stopSequence: 'END' }, { stop_type: 'word', stopping_word: 'END' }],
] as const)('an end by %j', (part, expected) => {
  expect(wholeInfill(head, { ...result, ...part })).toMatchObject(expected)
})

test('only the fields that are asked for, by their paths', () => {
  const fields = ['content', 'timings/prompt_n', 'timings', 'timings/nothing', 'content/length']
  const asked = wholeInfill({ ...head, fields }, result)
  expect(asked).toMatchObject({ content: 'x + y', 'timings/prompt_n': 4, timings: { prompt_n: 4 } })
  expect(Object.keys(asked)).toEqual(['content', 'timings/prompt_n', 'timings'])
})

test('a prompt that was only read: nothing is written', () => {
  const silent = { ...head, silent: true }
  expect(wholeInfill(silent, result)).toMatchObject({ content: '', stop: true })
  expect(infillFrames(silent).delta({ type: 'text', text: 'x' })).toBe('')
})

describe('a stream', () => {
  const data = (event: string) => JSON.parse(event.replace(/^data: /, '').trimEnd()) as object

  test('has the text in pieces, and the counts at its end', () => {
    const frames = infillFrames(head)
    expect(data(frames.delta({ type: 'text', text: 'x', tokens: [5] }))).toEqual({
      index: 0,
      content: 'x',
      tokens: [5],
      stop: false,
    })
    expect(data(frames.end(result))).toMatchObject({ content: '', stop: true, tokens_predicted: 2 })
  })

  test('that breaks off says why', () => {
    const error = new TandemError('WORKER_LOST', { worker: 'chat', why: 'killed' })
    expect(data(infillFrames(head).fail(error))).toEqual({
      error: { code: 502, message: expect.stringContaining('killed'), type: 'server_error' },
    })
  })
})
