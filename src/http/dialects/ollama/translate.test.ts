import { describe, expect, test } from 'vitest'
import { PNG, png } from '../../../../test/support/pictures.ts'
import { parse } from '../../validate.ts'
import { ChatBody, GenerateBody } from './schema.ts'
import { ignoredOptions, toChatRequest, toCompletionRequest, toGeneratedChat } from './translate.ts'

const user = { role: 'user', content: 'hi' }
const chat = (fields: object) =>
  toChatRequest(parse(ChatBody, { model: 'm', messages: [user], ...fields }), 'id')
const generated = (fields: object) =>
  toGeneratedChat(parse(GenerateBody, { model: 'm', prompt: 'hi', ...fields }), 'id')

const BASE = {
  model: 'id',
  messages: [user],
  sampling: { stop: [] },
  responseFormat: { type: 'text' },
  tools: [],
  toolChoice: 'none',
}

describe('options', () => {
  test.each([
    [undefined, {}],
    [{}, {}],
    [
      { temperature: 0.5, top_p: 0.9, top_k: 20, min_p: 0.05, seed: 7, num_predict: 9 },
      { temperature: 0.5, topP: 0.9, topK: 20, minP: 0.05, seed: 7, maxTokens: 9 },
    ],
    [
      { frequency_penalty: 0.5, presence_penalty: -0.5 },
      { frequencyPenalty: 0.5, presencePenalty: -0.5 },
    ],
    [{ num_predict: -1 }, {}],
    [{ num_predict: 0 }, {}],
    [{ seed: -1 }, {}],
    [{ seed: 2 ** 32 + 5 }, { seed: 5 }],
    [{ stop: 'END' }, { stop: ['END'] }],
    [{ stop: ['a', '', 'b'] }, { stop: ['a', 'b'] }],
    [{ temperature: null, stop: null }, {}],
    [{ num_ctx: 4096, num_gpu: 99 }, {}],
  ])('%j', (options, sampling) => {
    expect(chat({ options })).toEqual({ ...BASE, sampling: { stop: [], ...sampling } })
  })

  test('those that do nothing here are named, unless they only say how a model is loaded', () => {
    const options = { repeat_penalty: 1.1, mirostat: 2, num_ctx: 4096, use_mmap: true, temperature: 0 }
    expect(ignoredOptions(options)).toEqual(['repeat_penalty', 'mirostat'])
    expect(ignoredOptions(undefined)).toEqual([])
  })
})

test.each([
  [undefined, { type: 'text' }],
  ['', { type: 'text' }],
  ['json', { type: 'json_object' }],
  [{ type: 'object' }, { type: 'json_schema', schema: { type: 'object' } }],
])('format %j', (format, responseFormat) => {
  expect(chat({ format }).responseFormat).toEqual(responseFormat)
  expect(generated({ format }).responseFormat).toEqual(responseFormat)
})

describe('messages', () => {
  const call = (name: string, args?: object, id?: string) => ({ id, function: { name, arguments: args } })

  test('calls get ids, and results find theirs by id, by name, or in order', () => {
    const { messages } = chat({
      messages: [
        { role: 'system', content: 'Be brief.' },
        user,
        { role: 'assistant', tool_calls: [call('a', { x: 1 }), call('b'), call('c', {}, 'own')] },
        { role: 'tool', tool_name: 'b', content: 'of b' },
        { role: 'tool', content: 'of a' },
        { role: 'tool', tool_call_id: 'own', content: 'of c' },
        { role: 'tool', tool_name: 'nobody', content: 'lost' },
        { role: 'assistant', content: 'done', thinking: 'well' },
      ],
    })
    expect(messages).toEqual([
      { role: 'system', content: 'Be brief.' },
      user,
      {
        role: 'assistant',
        content: '',
        toolCalls: [
          { id: 'call_1', name: 'a', arguments: '{"x":1}' },
          { id: 'call_2', name: 'b', arguments: '{}' },
          { id: 'own', name: 'c', arguments: '{}' },
        ],
      },
      { role: 'tool', content: 'of b', toolCallId: 'call_2' },
      { role: 'tool', content: 'of a', toolCallId: 'call_1' },
      { role: 'tool', content: 'of c', toolCallId: 'own' },
      { role: 'tool', content: 'lost', toolCallId: 'nobody' },
      { role: 'assistant', content: 'done' },
    ])
  })

  test('tools are offered', () => {
    const tools = [{ type: 'function', function: { name: 'f', description: 'does', parameters: { a: 1 } } }]
    expect(chat({ tools })).toMatchObject({
      tools: [{ name: 'f', description: 'does', parameters: { a: 1 } }],
      toolChoice: 'auto',
    })
  })
})

test('generate: a prompt with its system message, or raw', () => {
  expect(generated({ system: 'Be brief.' })).toEqual({
    ...BASE,
    messages: [{ role: 'system', content: 'Be brief.' }, user],
  })
  const body = parse(GenerateBody, { model: 'm', prompt: 'x = ', raw: true, options: { num_predict: 3 } })
  expect(toCompletionRequest(body, 'id')).toEqual({
    model: 'id',
    prompt: 'x = ',
    sampling: { stop: [], maxTokens: 3 },
  })
})

test('images stand before the text', () => {
  const images = [{ at: 0, source: png }]
  expect(chat({ messages: [{ ...user, images: [PNG] }] }).messages).toEqual([{ ...user, images }])
  expect(generated({ images: [PNG] }).messages).toEqual([{ ...user, images }])
})

test('generate with a suffix fills in', () => {
  const body = parse(GenerateBody, { model: 'm', prompt: 'x = ', suffix: '\n' })
  expect(toCompletionRequest(body, 'id')).toEqual({
    model: 'id',
    prompt: 'x = ',
    infill: { suffix: '\n', extra: [] },
    sampling: { stop: [] },
  })
})

describe('refused by name', () => {
  test.each([
    [{ options: { temperature: 3 } }, 'options.temperature'],
    [{ options: { num_predict: 1.5 } }, 'options.num_predict'],
    [{ options: { stop: [1] } }, 'options.stop'],
    [{ format: 'xml' }, 'format'],
    [{ messages: [{ role: 'robot', content: 'x' }] }, 'messages.0.role'],
    [{ messages: [{ ...user, images: [PNG, 'aGk='] }] }, 'messages.0.images.1'],
    [{ messages: [{ ...user, images: [5] }] }, 'messages.0.images.0'],
    [{ messages: [{ role: 'assistant', content: 'x', images: [PNG] }] }, 'messages.0.images'],
    [{ tools: [{ function: { name: 'a b' } }] }, 'tools.0.function.name'],
    [{ tools: [{ function: { name: 'f' } }, { function: { name: 'f' } }] }, 'tools.1.function.name'],
    [{ logprobs: true }, 'logprobs'],
  ])('chat %j', (fields, param) => {
    expect(() => chat(fields)).toThrow(expect.objectContaining({ code: 'INVALID_REQUEST', param }))
  })

  test.each([
    [{ images: ['aGk='] }, 'images.0'],
    [{ template: '{{ .Prompt }}' }, 'template'],
    [{ context: [1, 2] }, 'context'],
    [{ logprobs: true }, 'logprobs'],
  ])('generate %j', (fields, param) => {
    expect(() => generated(fields)).toThrow(expect.objectContaining({ code: 'INVALID_REQUEST', param }))
  })

  test.each([
    [{ system: 'x' }, 'system'],
    [{ format: 'json' }, 'format'],
    [{ images: [PNG] }, 'images'],
  ])('raw with %j', (fields, param) => {
    const body = parse(GenerateBody, { model: 'm', prompt: 'x', raw: true, ...fields })
    expect(() => toCompletionRequest(body, 'id')).toThrow(expect.objectContaining({ param }))
  })
})
