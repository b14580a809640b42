import { describe, expect, test } from 'vitest'
import { chatResult } from '../../testing/doubles.ts'
import { chatCompletion, chatFrames, completionFrames } from './answer.ts'

const head = { id: 'chatcmpl-1', created: 5, model: 'm "quoted"', systemFingerprint: 'fp_1' }
const citation = { path: 'a.ts', startLine: 1, endLine: 2, score: 0.5 }

/** Parses events as a client does. */
function events(text: string): unknown[] {
  expect(text.endsWith('\n\n')).toBe(true)
  return text
    .slice(0, -2)
    .split('\n\n')
    .map((event) => event.slice('data: '.length))
    .map((data) => (data === '[DONE]' ? data : JSON.parse(data)))
}

const chunk = (delta: object, finish_reason: string | null = null) => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 5,
  model: 'm "quoted"',
  system_fingerprint: 'fp_1',
  choices: [{ index: 0, delta, logprobs: null, finish_reason }],
})
const timings = { firstTokenMs: 1, decodeMs: 2 }

describe('chat stream', () => {
  test('role, text, finish, [DONE]', () => {
    const frames = chatFrames(head, false)
    expect(events(frames.start)).toEqual([chunk({ role: 'assistant', content: '', refusal: null })])
    expect(events(frames.delta({ type: 'text', text: 'a\n\n"TEXT" \u2028' }))).toEqual([
      chunk({ content: 'a\n\n"TEXT" \u2028' }),
    ])
    expect(events(frames.end(chatResult()))).toEqual([
      { ...chunk({}, 'stop'), tandem: { timings } },
      '[DONE]',
    ])
  })

  test('usage comes in a chunk of its own without choices, and carries the citations', () => {
    const frames = chatFrames(head, true)
    expect(events(frames.delta({ type: 'text', text: 'a' }))).toEqual([
      { ...chunk({ content: 'a' }), usage: null },
    ])
    const usage = {
      prompt_tokens: 7,
      completion_tokens: 2,
      total_tokens: 9,
      prompt_tokens_details: { cached_tokens: 3 },
    }
    expect(events(frames.end(chatResult({ finishReason: 'length' }), { citations: [citation] }))).toEqual([
      { ...chunk({}, 'length'), usage: null },
      { ...chunk({}), choices: [], usage, tandem: { timings, citations: [citation] } },
      '[DONE]',
    ])
  })

  test('a tool call names itself once; later pieces are arguments only', () => {
    const frames = chatFrames(head, false)
    const call = { id: 'c1', name: 'f', arguments: '{"a":' }
    expect(events(frames.delta({ type: 'toolCall', index: 0, call }))).toEqual([
      chunk({
        tool_calls: [{ index: 0, id: 'c1', type: 'function', function: { name: 'f', arguments: '{"a":' } }],
      }),
    ])
    expect(events(frames.delta({ type: 'toolCall', index: 0, call: { ...call, arguments: '1}' } }))).toEqual([
      chunk({ tool_calls: [{ index: 0, function: { arguments: '1}' } }] }),
    ])
  })
})

test('a whole chat with tool calls has null content', () => {
  const toolCalls = [{ id: 'c1', name: 'f', arguments: '{}' }]
  const answer = chatCompletion(head, chatResult({ toolCalls, finishReason: 'tool_calls' }), {})
  expect(answer.choices[0]).toEqual({
    index: 0,
    message: {
      role: 'assistant',
      content: null,
      refusal: null,
      tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{}' } }],
    },
    logprobs: null,
    finish_reason: 'tool_calls',
  })
})

test('a completion stream has text choices', () => {
  const frames = completionFrames(head, false)
  expect(frames.start).toBe('')
  expect(events(frames.delta({ type: 'text', text: 'a' }))).toEqual([
    {
      ...chunk({}),
      object: 'text_completion',
      choices: [{ index: 0, text: 'a', logprobs: null, finish_reason: null }],
    },
  ])
  expect(events(frames.end(chatResult())).at(-1)).toBe('[DONE]')
})
