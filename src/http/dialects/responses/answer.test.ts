import { expect, test } from 'vitest'
import { TandemError, type ToolCall } from '../../../domain/index.ts'
import { chatResult } from '../../testing/doubles.ts'
import { parse } from '../../validate.ts'
import { responseFrames, wholeResponse } from './answer.ts'
import { ResponsesBody } from './schema.ts'
import { readPrompt } from './translate.ts'

const body = parse(ResponsesBody, {
  model: 'asked',
  input: 'hi',
  tools: [
    { type: 'function', name: 'f' },
    { type: 'custom', name: 'patch' },
    { type: 'namespace', name: 'mcp__a', tools: [{ type: 'function', name: 'g' }] },
  ],
})
const head = { id: 'ab', createdAt: 5, body, read: readPrompt(body) }
const citation = { path: 'a.ts', startLine: 1, endLine: 2, score: 0.5 }
const timings = { firstTokenMs: 1, decodeMs: 2 }

interface Event {
  type: string
  sequence_number: number
  response?: { status: string; output: object[] }
}

/** Parses events as a client does; each is named as its data is. */
function events(text: string): Event[] {
  return text
    .split('\n\n')
    .filter((event) => event !== '')
    .map((event) => {
      const [name, data] = event.split('\n')
      const parsed = JSON.parse(data!.slice('data: '.length)) as Event
      expect(name).toBe(`event: ${parsed.type}`)
      return parsed
    })
}

const call = (name: string, args: string, id = 'c1'): ToolCall => ({ id, name, arguments: args })
const textItem = (text: string, status = 'completed') => ({
  id: 'msg_ab0',
  type: 'message',
  status,
  role: 'assistant',
  content: [{ type: 'output_text', text, annotations: [], logprobs: [] }],
})

test('a whole answer', () => {
  expect(wholeResponse(head, chatResult({ text: 'Hello' }), { citations: [citation] })).toMatchObject({
    id: 'resp_ab',
    object: 'response',
    created_at: 5,
    model: 'asked',
    status: 'completed',
    error: null,
    incomplete_details: null,
    store: false,
    output: [textItem('Hello')],
    usage: {
      input_tokens: 7,
      input_tokens_details: { cached_tokens: 3 },
      output_tokens: 2,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: 9,
    },
    tandem: { timings, citations: [citation] },
  })
})

test('an answer that was cut is incomplete, and so is its item', () => {
  expect(wholeResponse(head, chatResult({ text: 'Hel', finishReason: 'length' }), {})).toMatchObject({
    status: 'incomplete',
    incomplete_details: { reason: 'max_output_tokens' },
    output: [textItem('Hel', 'incomplete')],
  })
})

test('calls are told as the client knows its tools', () => {
  const toolCalls = [
    call('f', '{"a":1}'),
    call('patch', '{"input":"x"}', 'c2'),
    call('mcp__a__g', '{}', 'c3'),
  ]
  expect(wholeResponse(head, chatResult({ text: 'So', toolCalls }), {}).output.slice(1)).toEqual([
    {
      id: 'fc_ab1',
      type: 'function_call',
      status: 'completed',
      call_id: 'c1',
      name: 'f',
      arguments: '{"a":1}',
    },
    {
      id: 'ctc_ab2',
      type: 'custom_tool_call',
      status: 'completed',
      call_id: 'c2',
      name: 'patch',
      input: 'x',
    },
    {
      id: 'fc_ab3',
      type: 'function_call',
      status: 'completed',
      call_id: 'c3',
      name: 'g',
      namespace: 'mcp__a',
      arguments: '{}',
    },
  ])
})

test('a custom call without its text fails', () => {
  const toolCalls = [call('patch', '{"other":1}')]
  expect(() => wholeResponse(head, chatResult({ toolCalls }), {})).toThrow(/call of patch hold no text/)
})

test('a stream of text numbers its events and ends with the whole', () => {
  const frames = responseFrames(head)
  const all = events(
    frames.start +
      frames.delta({ type: 'text', text: 'a\n\n' }) +
      frames.delta({ type: 'text', text: 'b' }) +
      frames.end(chatResult({ text: 'a\n\nb' }), { citations: [citation] }),
  )
  expect(all.map(({ type }) => type.replace('response.', ''))).toEqual([
    'created',
    'in_progress',
    'output_item.added',
    'content_part.added',
    'output_text.delta',
    'output_text.delta',
    'output_text.done',
    'content_part.done',
    'output_item.done',
    'completed',
  ])
  expect(all.map(({ sequence_number }) => sequence_number)).toEqual([...all.keys()])
  expect(all[0]!.response).toMatchObject({ id: 'resp_ab', status: 'in_progress', output: [], usage: null })
  const at = { item_id: 'msg_ab0', output_index: 0, content_index: 0 }
  expect(all[4]).toMatchObject({ ...at, delta: 'a\n\n' })
  expect(all[6]).toMatchObject({ ...at, text: 'a\n\nb' })
  expect(all[8]).toMatchObject({ output_index: 0, item: textItem('a\n\nb') })
  expect(all[9]!.response).toEqual(
    wholeResponse(head, chatResult({ text: 'a\n\nb' }), { citations: [citation] }),
  )
})

test('a stream of text and calls has an item for each', () => {
  const frames = responseFrames(head)
  const piece = (index: number, each: ToolCall) => frames.delta({ type: 'toolCall', index, call: each })
  const toolCalls = [call('f', '{"a":1}'), call('patch', '{"input":"x"}', 'c2')]
  const result = chatResult({ text: 'So', toolCalls, finishReason: 'tool_calls' })
  const all = events(
    frames.delta({ type: 'text', text: 'So' }) +
      piece(0, call('f', '{"a":')) +
      piece(0, call('f', '1}')) +
      piece(1, toolCalls[1]!) +
      frames.end(result),
  )
  const fc = { item_id: 'fc_ab1', output_index: 1 }
  expect(all.slice(6)).toMatchObject([
    { type: 'response.output_item.added', output_index: 1, item: { id: 'fc_ab1', status: 'in_progress' } },
    { type: 'response.function_call_arguments.delta', ...fc, delta: '{"a":' },
    { type: 'response.function_call_arguments.delta', ...fc, delta: '1}' },
    { type: 'response.function_call_arguments.done', ...fc, name: 'f', arguments: '{"a":1}' },
    { type: 'response.output_item.done', output_index: 1, item: { arguments: '{"a":1}', call_id: 'c1' } },
    { type: 'response.output_item.added', output_index: 2, item: { type: 'custom_tool_call', input: '' } },
    { type: 'response.custom_tool_call_input.delta', item_id: 'ctc_ab2', output_index: 2, delta: 'x' },
    { type: 'response.custom_tool_call_input.done', item_id: 'ctc_ab2', output_index: 2, input: 'x' },
    { type: 'response.output_item.done', output_index: 2, item: { input: 'x', call_id: 'c2' } },
    { type: 'response.completed' },
  ])
  expect(all.at(-1)!.response).toEqual(wholeResponse(head, result, {}))
})

test('a cut stream is incomplete; one that fails says why, with what was finished', () => {
  const cut = responseFrames(head)
  const ended = events(
    cut.delta({ type: 'text', text: 'a' }) + cut.end(chatResult({ text: 'a', finishReason: 'length' })),
  )
  expect(ended.at(-2)).toMatchObject({ item: { status: 'incomplete' } })
  expect(ended.at(-1)).toMatchObject({ type: 'response.incomplete', response: { status: 'incomplete' } })

  const failed = responseFrames(head)
  failed.delta({ type: 'text', text: 'a' })
  expect(events(failed.fail(new TandemError('WORKER_LOST', { worker: 'w', why: 'x' })))).toMatchObject([
    {
      type: 'response.failed',
      response: {
        status: 'failed',
        output: [],
        error: { code: 'worker_lost', message: expect.stringMatching(/^w stopped/) },
      },
    },
  ])
})
