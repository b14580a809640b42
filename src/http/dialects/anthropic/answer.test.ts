import { expect, test } from 'vitest'
import { type ErrorCode, TandemError } from '../../../domain/index.ts'
import { chatResult } from '../../testing/doubles.ts'
import { messageFrames, wholeMessage } from './answer.ts'
import { anthropicError } from './error.ts'

const head = { id: 'msg_1', model: 'asked' }
const citation = { path: 'a.ts', startLine: 1, endLine: 2, score: 0.5 }
const timings = { firstTokenMs: 1, decodeMs: 2 }
const usage = {
  input_tokens: 4,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 3,
  output_tokens: 2,
}
const message = { id: 'msg_1', type: 'message', role: 'assistant', model: 'asked' }

/** Parses events as a client does; each is named as its data is. */
function events(text: string): { type: string }[] {
  return text
    .slice(0, -2)
    .split('\n\n')
    .map((event) => {
      const [name, data] = event.split('\n')
      const parsed = JSON.parse(data!.slice('data: '.length))
      expect(name).toBe(`event: ${parsed.type}`)
      return parsed
    })
}

test('a whole message', () => {
  expect(wholeMessage(head, chatResult({ text: 'Hello' }), { citations: [citation] })).toEqual({
    ...message,
    content: [{ type: 'text', text: 'Hello' }],
    stop_reason: 'end_turn',
    stop_sequence: null,
    usage,
    tandem: { timings, citations: [citation] },
  })
})

test.each([
  [{ finishReason: 'stop' }, 'end_turn', null],
  [{ finishReason: 'stop', stopSequence: 'x' }, 'stop_sequence', 'x'],
  [{ finishReason: 'length' }, 'max_tokens', null],
  [{ finishReason: 'tool_calls' }, 'tool_use', null],
] as const)('%j ends by %s', (part, stop_reason, stop_sequence) => {
  expect(wholeMessage(head, chatResult(part), {})).toMatchObject({ stop_reason, stop_sequence })
})

test('calls are blocks after the text', () => {
  const toolCalls = [{ id: 'c1', name: 'f', arguments: '{"a":1}' }]
  const use = { type: 'tool_use', id: 'c1', name: 'f', input: { a: 1 } }
  expect(wholeMessage(head, chatResult({ toolCalls }), {}).content).toEqual([use])
  expect(wholeMessage(head, chatResult({ text: 'So', toolCalls }), {}).content).toEqual([
    { type: 'text', text: 'So' },
    use,
  ])
})

test.each(['{"a":', '[]', 'null'])('arguments that are no object fail: %s', (text) => {
  const toolCalls = [{ id: 'c1', name: 'f', arguments: text }]
  expect(() => wholeMessage(head, chatResult({ toolCalls }), {})).toThrow(/call of f are no JSON object/)
})

test('a stream of text', () => {
  const frames = messageFrames(head)
  const none = { ...usage, input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 0 }
  expect(events(frames.start)).toEqual([
    {
      type: 'message_start',
      message: { ...message, content: [], stop_reason: null, stop_sequence: null, usage: none },
    },
    { type: 'ping' },
  ])
  const delta = (text: string) => ({
    type: 'content_block_delta',
    index: 0,
    delta: { type: 'text_delta', text },
  })
  expect(events(frames.delta({ type: 'text', text: 'a\n\n' }))).toEqual([
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    delta('a\n\n'),
  ])
  expect(events(frames.delta({ type: 'text', text: 'b' }))).toEqual([delta('b')])
  expect(events(frames.end(chatResult({ finishReason: 'length' }), { citations: [citation] }))).toEqual([
    { type: 'content_block_stop', index: 0 },
    {
      type: 'message_delta',
      delta: { stop_reason: 'max_tokens', stop_sequence: null },
      usage,
      tandem: { timings, citations: [citation] },
    },
    { type: 'message_stop' },
  ])
})

test('a stream of text and calls has a block for each', () => {
  const frames = messageFrames(head)
  const call = (index: number, text: string) =>
    frames.delta({ type: 'toolCall', index, call: { id: `c${index}`, name: 'f', arguments: text } })
  const all = [
    frames.delta({ type: 'text', text: 'So' }),
    call(0, '{"a":'),
    call(0, '1}'),
    call(1, '{}'),
    frames.end(chatResult({ finishReason: 'tool_calls' })),
  ].flatMap(events)
  const use = (index: number) => ({ type: 'tool_use', id: `c${index}`, name: 'f', input: {} })
  const json = (index: number, partial_json: string) => ({
    type: 'content_block_delta',
    index,
    delta: { type: 'input_json_delta', partial_json },
  })
  expect(all.slice(2, -2)).toEqual([
    { type: 'content_block_stop', index: 0 },
    { type: 'content_block_start', index: 1, content_block: use(0) },
    json(1, '{"a":'),
    json(1, '1}'),
    { type: 'content_block_stop', index: 1 },
    { type: 'content_block_start', index: 2, content_block: use(1) },
    json(2, '{}'),
    { type: 'content_block_stop', index: 2 },
  ])
})

test('an answer without anything has no block', () => {
  expect(events(messageFrames(head).end(chatResult())).map(({ type }) => type)).toEqual([
    'message_delta',
    'message_stop',
  ])
})

test.each([
  ['INVALID_REQUEST', 'invalid_request_error'],
  ['METHOD_NOT_ALLOWED', 'invalid_request_error'],
  ['UNAUTHORIZED', 'authentication_error'],
  ['MODEL_NOT_FOUND', 'not_found_error'],
  ['BODY_TOO_LARGE', 'request_too_large'],
  ['QUEUE_FULL', 'rate_limit_error'],
  ['STARTING', 'overloaded_error'],
  ['DEADLINE', 'timeout_error'],
  ['WORKER_LOST', 'api_error'],
] as [ErrorCode, string][])('%s is a %s', (code, type) => {
  const error = new TandemError(code)
  expect(anthropicError(error)).toEqual({
    type: 'error',
    error: { type, message: error.message, code: code.toLowerCase() },
  })
})
