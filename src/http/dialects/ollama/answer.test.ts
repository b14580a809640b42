import { describe, expect, test } from 'vitest'
import { TandemError } from '../../../domain/index.ts'
import { chatResult } from '../../testing/doubles.ts'
import { type AnswerHead, answerLines, loadedAnswer, sayGenerated, sayInChat, wholeAnswer } from './answer.ts'

const head: AnswerHead = {
  model: 'm:latest',
  now: () => '2026-01-02T03:04:05.678Z',
  elapsedMs: () => 10,
  ignored: [],
}
const LINE = { model: 'm:latest', created_at: '2026-01-02T03:04:05.678Z' }
/** Of 10 ms, 1 for the prompt and 2 for the text. */
const COUNTS = {
  total_duration: 10_000_000,
  load_duration: 7_000_000,
  prompt_eval_count: 7,
  prompt_eval_duration: 1_000_000,
  eval_count: 2,
  eval_duration: 2_000_000,
}
const TIMINGS = { timings: { firstTokenMs: 1, decodeMs: 2 } }
const call = { id: 'call_1', name: 'f', arguments: '{"a":[1]}' }
const toolCall = { id: 'call_1', function: { index: 0, name: 'f', arguments: { a: [1] } } }

const linesOf = (text: string) =>
  text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as object]))

describe('whole', () => {
  test('a text, with counts and times in nanoseconds', () => {
    expect(wholeAnswer(head, sayInChat, chatResult({ text: 'Hello' }), {})).toEqual({
      ...LINE,
      message: { role: 'assistant', content: 'Hello' },
      done: true,
      done_reason: 'stop',
      ...COUNTS,
      tandem: TIMINGS,
    })
    expect(wholeAnswer(head, sayGenerated, chatResult({ text: 'Hello' }), {})).toMatchObject({
      ...LINE,
      response: 'Hello',
    })
  })

  test.each([
    ['stop', 'stop'],
    ['length', 'length'],
    ['tool_calls', 'stop'],
  ] as const)('%s is %s', (finishReason, done_reason) => {
    expect(wholeAnswer(head, sayInChat, chatResult({ finishReason }), {})).toMatchObject({ done_reason })
  })

  test('calls have their arguments as objects; one that was cut off is none', () => {
    const toolCalls = [call, { id: 'call_2', name: 'g', arguments: '{"b": "un' }]
    expect(wholeAnswer(head, sayInChat, chatResult({ toolCalls }), {})).toMatchObject({
      message: { role: 'assistant', content: '', tool_calls: [toolCall] },
    })
  })

  test('citations and the options that do nothing stand under `tandem`', () => {
    const citations = [{ path: 'a.ts', startLine: 1, endLine: 2, score: 0.5 }]
    const ignored = { ...head, ignored: ['mirostat'] }
    expect(wholeAnswer(ignored, sayInChat, chatResult(), { citations })).toMatchObject({
      tandem: { ...TIMINGS, citations, ignored_options: ['mirostat'] },
    })
  })

  test('a clock that is behind the worker gives no negative time', () => {
    const late = { ...head, elapsedMs: () => 1 }
    expect(wholeAnswer(late, sayInChat, chatResult(), {})).toMatchObject({ load_duration: 0 })
  })
})

test('a loaded model', () => {
  expect(loadedAnswer(head, sayGenerated)).toEqual({
    ...LINE,
    response: '',
    done: true,
    done_reason: 'load',
    total_duration: 10_000_000,
    load_duration: 10_000_000,
  })
})

describe('lines', () => {
  test('text, then calls whole, then the end', () => {
    const frames = answerLines(head, sayInChat)
    const result = chatResult({ text: 'Hi', toolCalls: [call], finishReason: 'tool_calls' })
    const text =
      frames.start +
      frames.delta({ type: 'text', text: 'Hi' }) +
      frames.delta({ type: 'toolCall', index: 0, call: { ...call, arguments: '{"a"' } }) +
      frames.delta({ type: 'toolCall', index: 0, call: { ...call, arguments: ':[1]}' } }) +
      frames.end(result, { served_by: { model: 'm', engine: 'llama.cpp', device: 'cpu', simulated: false } })
    expect(linesOf(text)).toEqual([
      { ...LINE, message: { role: 'assistant', content: 'Hi' }, done: false },
      { ...LINE, message: { role: 'assistant', content: '', tool_calls: [toolCall] }, done: false },
      {
        ...LINE,
        message: { role: 'assistant', content: '' },
        done: true,
        done_reason: 'stop',
        ...COUNTS,
        tandem: { ...TIMINGS, served_by: expect.objectContaining({ device: 'cpu' }) },
      },
    ])
  })

  test('a failure is a line of its own', () => {
    const { fail } = answerLines(head, sayGenerated)
    expect(linesOf(fail(new TandemError('SHUTTING_DOWN')))).toEqual([
      { error: 'the server is shutting down' },
    ])
  })
})
