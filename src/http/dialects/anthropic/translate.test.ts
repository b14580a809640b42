import { describe, expect, test } from 'vitest'
import { PNG, png } from '../../../../test/support/pictures.ts'
import { parse } from '../../validate.ts'
import { CountBody, MessagesBody } from './schema.ts'
import { toChatRequest, toPrompt } from './translate.ts'

const user = { role: 'user', content: 'hi' }
const weather = { name: 'weather', description: 'of a place', input_schema: { type: 'object' } }
const text = (words: string, more: object = {}) => ({ type: 'text', text: words, ...more })
const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } }
const result = (fields: object) => ({ type: 'tool_result', tool_use_id: 't1', ...fields })

const chat = (fields: object) =>
  toChatRequest(parse(MessagesBody, { model: 'm', max_tokens: 9, messages: [user], ...fields }), 'id')

test('a bare request', () => {
  expect(chat({})).toEqual({
    model: 'id',
    messages: [{ role: 'user', content: 'hi' }],
    sampling: { stop: [], maxTokens: 9 },
    responseFormat: { type: 'text' },
    tools: [],
    toolChoice: 'none',
  })
})

test.each([
  [
    { temperature: 0, top_p: 0.5, top_k: 40 },
    { temperature: 0, topP: 0.5, topK: 40, stop: [] },
  ],
  [{ stop_sequences: ['x', 'y'] }, { stop: ['x', 'y'] }],
  [{ temperature: null, stop_sequences: null }, { stop: [] }],
])('sampling %j', (fields, sampling) => {
  expect(chat(fields).sampling).toEqual({ maxTokens: 9, ...sampling })
})

test.each([
  ['Be brief.', ['Be brief.']],
  [[text('a', { cache_control: { type: 'ephemeral' } }), text('b')], ['a\n\nb']],
  [[text('x-anthropic-billing-header: cc_version=1; cch=1f;'), text('a')], ['a']],
  ['x-anthropic-billing-header: cch=1f;', []],
  [[], []],
  ['', []],
  [null, []],
])('system %j', (system, contents) => {
  const messages = contents.map((content) => ({ role: 'system', content }))
  expect(chat({ system }).messages.slice(0, -1)).toEqual(messages)
})

test.each([
  [
    'blocks stand apart',
    [{ role: 'user', content: [text('a'), text('b')] }],
    [{ role: 'user', content: 'a\n\nb' }],
  ],
  [
    'images stand between the texts',
    [{ role: 'user', content: [text('a'), image, text('b')] }],
    [{ role: 'user', content: 'a\n\nb', images: [{ at: 1, source: png }] }],
  ],
  [
    'an image by its address',
    [{ role: 'user', content: [{ type: 'image', source: { type: 'url', url: 'https://example.com/a' } }] }],
    [{ role: 'user', content: '', images: [{ at: 0, source: { url: 'https://example.com/a' } }] }],
  ],
  [
    'what a tool shows',
    [{ role: 'user', content: [result({ content: [text('a'), image], is_error: true }), text('b')] }],
    [
      { role: 'tool', toolCallId: 't1', content: 'Error: a', images: [{ at: 8, source: png }] },
      { role: 'user', content: 'b' },
    ],
  ],
  [
    'turns of one role are one',
    [
      user,
      { role: 'user', content: 'b' },
      { role: 'assistant', content: 'c' },
      { role: 'assistant', content: 'd' },
      user,
    ],
    [
      { role: 'user', content: 'hi\n\nb' },
      { role: 'assistant', content: 'c\n\nd' },
      { role: 'user', content: 'hi' },
    ],
  ],
  [
    'calls and their results',
    [
      user,
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'hm', signature: 's' },
          text('Looking.'),
          { type: 'tool_use', id: 't1', name: 'weather', input: { place: 'x' } },
          { type: 'tool_use', id: 't2', name: 'weather' },
        ],
      },
      {
        role: 'user',
        content: [
          result({ content: 'sun' }),
          result({ tool_use_id: 't2', content: [text('no such'), text('place')], is_error: true }),
          text('So?'),
        ],
      },
    ],
    [
      { role: 'user', content: 'hi' },
      {
        role: 'assistant',
        content: 'Looking.',
        toolCalls: [
          { id: 't1', name: 'weather', arguments: '{"place":"x"}' },
          { id: 't2', name: 'weather', arguments: '{}' },
        ],
      },
      { role: 'tool', toolCallId: 't1', content: 'sun' },
      { role: 'tool', toolCallId: 't2', content: 'Error: no such\n\nplace' },
      { role: 'user', content: 'So?' },
    ],
  ],
  [
    'a result without content',
    [{ role: 'user', content: [result({})] }],
    [{ role: 'tool', toolCallId: 't1', content: '' }],
  ],
  [
    'a system message in between',
    [user, { role: 'system', content: 'Now be brief.' }],
    [
      { role: 'user', content: 'hi' },
      { role: 'system', content: 'Now be brief.' },
    ],
  ],
])('%s', (_, messages, expected) => {
  expect(chat({ messages }).messages).toEqual(expected)
})

test.each([
  [undefined, 'auto'],
  [{ type: 'auto', disable_parallel_tool_use: true }, 'auto'],
  [{ type: 'any' }, 'required'],
  [{ type: 'tool', name: 'weather' }, { name: 'weather' }],
  [{ type: 'none' }, 'none'],
])('tool choice %j', (tool_choice, toolChoice) => {
  const asked = chat({ tools: [{ ...weather, cache_control: { type: 'ephemeral' } }], tool_choice })
  expect(asked.toolChoice).toEqual(toolChoice)
  expect(asked.tools).toEqual([
    { name: 'weather', description: 'of a place', parameters: { type: 'object' } },
  ])
})

test('a schema for the answer', () => {
  const schema = { type: 'object' }
  expect(
    chat({ output_config: { effort: 'low', format: { type: 'json_schema', schema } } }).responseFormat,
  ).toEqual({
    type: 'json_schema',
    schema,
  })
})

test('what is only a wish changes nothing', () => {
  const wishes = {
    thinking: { type: 'enabled', budget_tokens: 1024 },
    metadata: { user_id: 'u' },
    service_tier: 'auto',
    context_management: { edits: [] },
    mcp_servers: [],
  }
  expect(chat(wishes)).toEqual(chat({}))
})

describe('refused', () => {
  const content = (...blocks: object[]) => ({ messages: [{ role: 'user', content: blocks }] })
  test.each([
    [{ messages: [] }, 'messages'],
    [{ max_tokens: undefined }, 'max_tokens'],
    [{ max_tokens: 0 }, 'max_tokens'],
    [content({ type: 'image', source: {} }), 'messages.0.content.0.source.type'],
    [content({ type: 'image', source: { type: 'file', file_id: 'f' } }), 'messages.0.content.0.source.type'],
    [
      content({ type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' } }),
      'messages.0.content.0.source.data',
    ],
    [{ messages: [{ role: 'assistant', content: [image] }, user] }, 'messages.0.content.0.type'],
    [content(text('a'), { type: 'document', source: {} }), 'messages.0.content.1.type'],
    [content(result({ content: [text('a'), { type: 'document' }] })), 'messages.0.content.0.content.1.type'],
    [content({ type: 'text' }), 'messages.0.content.0.text'],
    [content({ type: 'tool_result' }), 'messages.0.content.0.tool_use_id'],
    [content({ type: 'tool_use', id: 'a', name: 'b' }), 'messages.0.content.0.type'],
    [content(text('a'), {}), 'messages.0.content.1.type'],
    [{ messages: [{ role: 'user', content: 5 }] }, 'messages.0.content'],
    [{ messages: [{ role: 'tool', content: 'x' }] }, 'messages.0.role'],
    [{ messages: [user, { role: 'assistant', content: '{' }] }, 'messages.1.role'],
    [{ messages: [{ role: 'assistant', content: [result({})] }, user] }, 'messages.0.content.0.type'],
    [{ system: [{ type: 'image' }] }, 'system.0.type'],
    [{ tools: [{ type: 'web_search_20250305', name: 'web_search' }] }, 'tools.0.type'],
    [{ tools: [{ name: 'weather' }] }, 'tools.0.input_schema'],
    [{ tools: [weather, weather] }, 'tools.1.name'],
    [{ tools: [{ ...weather, name: 'a b' }] }, 'tools.0.name'],
    [{ tool_choice: { type: 'any' } }, 'tool_choice'],
    [{ tools: [weather], tool_choice: { type: 'tool', name: 'x' } }, 'tool_choice.name'],
    [{ tools: [weather], tool_choice: 'auto' }, 'tool_choice'],
    [{ stop_sequences: [''] }, 'stop_sequences.0'],
    [{ stop_sequences: Array.from({ length: 17 }, () => 'x') }, 'stop_sequences'],
    [{ temperature: 3 }, 'temperature'],
    [{ mcp_servers: [{ url: 'x' }] }, 'mcp_servers'],
    [{ output_config: { format: { type: 'json_object' } } }, 'output_config.format.type'],
    [{ model: '' }, 'model'],
  ])('%j naming %s', (fields, param) => {
    expect(() => chat(fields)).toThrow(expect.objectContaining({ code: 'INVALID_REQUEST', param }))
  })
})

test('a count takes what an answer would not: no max_tokens, a last message of the assistant', () => {
  const body = parse(CountBody, { model: 'm', messages: [user, { role: 'assistant', content: 'yes' }] })
  expect(toPrompt(body).messages).toHaveLength(2)
})
