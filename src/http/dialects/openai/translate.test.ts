import { describe, expect, test } from 'vitest'
import { PNG_URL, png } from '../../../../test/support/pictures.ts'
import { parse } from '../../validate.ts'
import { ChatBody, CompletionBody } from './schema.ts'
import { toChatRequest, toCompletionRequest } from './translate.ts'

const user = { role: 'user', content: 'hi' }
const weather = { type: 'function', function: { name: 'weather', parameters: { type: 'object' } } }

const chat = (fields: object) =>
  toChatRequest(parse(ChatBody, { model: 'm', messages: [user], ...fields }), 'm')
const completion = (fields: object) =>
  toCompletionRequest(parse(CompletionBody, { model: 'm', prompt: 'p', ...fields }), 'm')

describe('chat', () => {
  test('a bare request has no limits of its own', () => {
    expect(chat({})).toEqual({
      model: 'm',
      messages: [{ role: 'user', content: 'hi' }],
      sampling: { stop: [] },
      responseFormat: { type: 'text' },
      tools: [],
      toolChoice: 'none',
    })
  })

  test.each([
    [{ stop: 'x' }, { stop: ['x'] }],
    [{ stop: ['x', 'y'] }, { stop: ['x', 'y'] }],
    [{ stop: null, temperature: null, seed: null }, { stop: [] }],
    [{ max_tokens: 5 }, { stop: [], maxTokens: 5 }],
    [
      { max_tokens: 5, max_completion_tokens: 6 },
      { stop: [], maxTokens: 6 },
    ],
    [
      { temperature: 0, top_p: 0.5 },
      { stop: [], temperature: 0, topP: 0.5 },
    ],
    [
      { top_k: 40, min_p: 0.05 },
      { stop: [], topK: 40, minP: 0.05 },
    ],
    [{ seed: -1 }, { stop: [], seed: 2 ** 32 - 1 }],
    [{ seed: 2 ** 40 + 7 }, { stop: [], seed: 7 }],
    [
      { frequency_penalty: -1, presence_penalty: 2 },
      { stop: [], frequencyPenalty: -1, presencePenalty: 2 },
    ],
  ])('sampling %j', (fields, sampling) => {
    expect(chat(fields).sampling).toEqual(sampling)
  })

  test.each([
    [
      { role: 'developer', content: 'be brief' },
      { role: 'system', content: 'be brief' },
    ],
    [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'a' },
          { type: 'text', text: 'b' },
        ],
      },
      { role: 'user', content: 'ab' },
    ],
    [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'a' },
          { type: 'image_url', image_url: { url: PNG_URL, detail: 'low' } },
          { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
          { type: 'text', text: 'b' },
        ],
      },
      {
        role: 'user',
        content: 'ab',
        images: [
          { at: 1, source: png, detail: 'low' },
          { at: 1, source: { url: 'https://example.com/a.png' } },
        ],
      },
    ],
    [
      { role: 'tool', tool_call_id: 'c1', content: '{}' },
      { role: 'tool', toolCallId: 'c1', content: '{}' },
    ],
    [
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'c1', type: 'function', function: { name: 'weather', arguments: '{}' } }],
      },
      { role: 'assistant', content: '', toolCalls: [{ id: 'c1', name: 'weather', arguments: '{}' }] },
    ],
    [
      { role: 'assistant', content: 'yes', name: 'x', extra: 1 },
      { role: 'assistant', content: 'yes' },
    ],
    [
      { role: 'assistant', refusal: 'no' },
      { role: 'assistant', content: 'no' },
    ],
  ])('message %j', (message, expected) => {
    expect(chat({ messages: [message] }).messages).toEqual([expected])
  })

  test.each([
    [{ response_format: { type: 'json_object' } }, { type: 'json_object' }],
    [
      {
        response_format: {
          type: 'json_schema',
          json_schema: { name: 'n', strict: true, schema: { type: 'object' } },
        },
      },
      { type: 'json_schema', schema: { type: 'object' } },
    ],
  ])('format %j', (fields, responseFormat) => {
    expect(chat(fields).responseFormat).toEqual(responseFormat)
  })

  test.each([
    [{ tools: [weather] }, 'auto'],
    [{ tools: [weather], tool_choice: 'required' }, 'required'],
    [
      { tools: [weather], tool_choice: { type: 'function', function: { name: 'weather' } } },
      { name: 'weather' },
    ],
    [{ tools: [], tool_choice: 'auto' }, 'none'],
  ])('tool choice %j', (fields, toolChoice) => {
    expect(chat(fields).toolChoice).toEqual(toolChoice)
  })

  test.each([
    [{ messages: [] }, 'messages'],
    [
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'x' } }] }] },
      'messages.0.content.0.image_url.url',
    ],
    [
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: PNG_URL }] }] },
      'messages.0.content.0.image_url',
    ],
    [
      { messages: [{ role: 'system', content: [{ type: 'image_url', image_url: { url: PNG_URL } }] }] },
      'messages.0.content.0.type',
    ],
    [{ messages: [{ role: 'user', content: [{ type: 'input_audio' }] }] }, 'messages.0.content.0.type'],
    [{ messages: [{ role: 'user', content: [{ type: 'text' }] }] }, 'messages.0.content.0.text'],
    [{ messages: [{ role: 'assistant' }] }, 'messages.0.content'],
    [{ messages: [user, { role: 'tool', content: 'x' }] }, 'messages.1.tool_call_id'],
    [{ messages: [{ role: 'function', content: 'x' }] }, 'messages.0.role'],
    [{ n: 2 }, 'n'],
    [{ logprobs: true }, 'logprobs'],
    [{ logit_bias: { 1: 2 } }, 'logit_bias'],
    [{ modalities: ['text', 'audio'] }, 'modalities'],
    [{ functions: [] }, 'functions'],
    [{ stop: [''] }, 'stop'],
    [{ stop: Array.from({ length: 17 }, () => 'x') }, 'stop'],
    [{ temperature: 3 }, 'temperature'],
    [{ temperature: '1' }, 'temperature'],
    [{ max_tokens: 0 }, 'max_tokens'],
    [{ tools: [weather, weather] }, 'tools.1.function.name'],
    [{ tools: [{ ...weather, function: { name: 'a b' } }] }, 'tools.0.function.name'],
    [{ tool_choice: 'required' }, 'tool_choice'],
    [
      { tools: [weather], tool_choice: { type: 'function', function: { name: 'x' } } },
      'tool_choice.function.name',
    ],
    [{ response_format: { type: 'xml' } }, 'response_format.type'],
    [{ response_format: { type: 'json_schema' } }, 'response_format.json_schema'],
    [{ stream: 'yes' }, 'stream'],
    [{ model: 5 }, 'model'],
    [{ tandem: { project: 5 } }, 'tandem.project'],
  ])('%j is refused naming %s', (fields, param) => {
    expect(() => chat(fields)).toThrow(expect.objectContaining({ code: 'INVALID_REQUEST', param }))
  })
})

describe('completion', () => {
  test.each([
    [{ prompt: 'a' }, 'a'],
    [{ prompt: ['b'], n: 1, echo: false }, 'b'],
  ])('%j', (fields, prompt) => {
    expect(completion(fields).prompt).toBe(prompt)
  })

  test.each([
    [{ prompt: ['a', 'b'] }, 'prompt'],
    [{ prompt: [] }, 'prompt'],
    [{ prompt: [1, 2] }, 'prompt'],
    [{ prompt: '' }, 'prompt'],
    [{ prompt: undefined }, 'prompt'],
    [{ echo: true }, 'echo'],
    [{ best_of: 2 }, 'best_of'],
    [{ logprobs: 1 }, 'logprobs'],
    [{ n: 2 }, 'n'],
  ])('%j is refused naming %s', (fields, param) => {
    expect(() => completion(fields)).toThrow(expect.objectContaining({ code: 'INVALID_REQUEST', param }))
  })
})

test('a million wrong elements cost one message', () => {
  const content = Array.from({ length: 999 }, () => 1)
  const messages = Array.from({ length: 1000 }, () => ({ role: 'user', content }))
  const result = ChatBody.safeParse({ model: 'm', messages })
  expect(result.error?.issues).toHaveLength(1)
})
