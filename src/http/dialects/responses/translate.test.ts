import { describe, expect, test } from 'vitest'
import { PNG_URL, png } from '../../../../test/support/pictures.ts'
import { parse } from '../../validate.ts'
import { ResponsesBody } from './schema.ts'
import { readPrompt, toChatRequest } from './translate.ts'

const weather = { type: 'function', name: 'weather', parameters: { type: 'object' }, strict: false }
const message = (role: string, content: unknown) => ({ type: 'message', role, content })
const image = (more: object = { image_url: PNG_URL }) => ({ type: 'input_image', ...more })
const text = (words: string, type = 'input_text') => ({ type, text: words })

const chat = (fields: object) => {
  const body = parse(ResponsesBody, { model: 'm', input: 'hi', ...fields })
  return toChatRequest(body, readPrompt(body).prompt, 'id')
}

test('a bare request has no limits of its own', () => {
  expect(chat({})).toEqual({
    model: 'id',
    messages: [{ role: 'user', content: 'hi' }],
    sampling: { stop: [] },
    responseFormat: { type: 'text' },
    tools: [],
    toolChoice: 'none',
  })
})

test('what is only a wish, or about what is stored, changes nothing', () => {
  const wishes = {
    store: true,
    include: ['reasoning.encrypted_content'],
    prompt_cache_key: 'k',
    reasoning: { effort: 'high', summary: 'auto' },
    metadata: { a: 'b' },
    parallel_tool_calls: false,
    service_tier: 'auto',
    previous_response_id: null,
    text: { verbosity: 'low' },
  }
  expect(chat(wishes)).toEqual(chat({}))
})

test('sampling', () => {
  expect(chat({ max_output_tokens: 5, temperature: 0, top_p: 0.5 }).sampling).toEqual({
    stop: [],
    maxTokens: 5,
    temperature: 0,
    topP: 0.5,
  })
})

test.each([
  [
    'images in a message and in what a tool shows',
    [
      message('user', [text('a'), image({ image_url: PNG_URL, detail: 'high' }), text('b')]),
      { type: 'function_call_output', call_id: 'c', output: [image()] },
    ],
    [
      { role: 'user', content: 'a\n\nb', images: [{ at: 1, source: png, detail: 'high' }] },
      { role: 'tool', toolCallId: 'c', content: '', images: [{ at: 0, source: png }] },
    ],
  ],
  ['no type is a message', [{ role: 'user', content: 'a' }], [{ role: 'user', content: 'a' }]],
  [
    'instructions come first, developers speak for the system',
    [message('developer', [text('b')]), message('user', [text('c'), text('d')]), message('user', 'e')],
    [
      { role: 'system', content: 'I\n\nb' },
      { role: 'user', content: 'c\n\nd\n\ne' },
    ],
    'I',
  ],
  [
    'what the model said, thought and called is one turn',
    [
      message('user', 'a'),
      { type: 'reasoning', summary: [], encrypted_content: 'x' },
      message('assistant', [text('Looking.', 'output_text'), { type: 'refusal', refusal: 'No.' }]),
      { type: 'function_call', call_id: 'c1', name: 'weather', arguments: '{"a":1}' },
      { type: 'custom_tool_call', call_id: 'c2', name: 'patch', input: '*** "x"' },
      { type: 'function_call', call_id: 'c3', name: 'read', namespace: 'mcp__files', arguments: '{}' },
      { type: 'function_call_output', call_id: 'c1', output: 'sun' },
      { type: 'custom_tool_call_output', call_id: 'c2', output: [text('done')] },
    ],
    [
      { role: 'user', content: 'a' },
      {
        role: 'assistant',
        content: 'Looking.\n\nNo.',
        toolCalls: [
          { id: 'c1', name: 'weather', arguments: '{"a":1}' },
          { id: 'c2', name: 'patch', arguments: '{"input":"*** \\"x\\""}' },
          { id: 'c3', name: 'mcp__files__read', arguments: '{}' },
        ],
      },
      { role: 'tool', toolCallId: 'c1', content: 'sun' },
      { role: 'tool', toolCallId: 'c2', content: 'done' },
    ],
  ],
])('%s', (_, input, expected, instructions?: string) => {
  expect(chat({ input, instructions }).messages).toEqual(expected)
})

test('tools of every kind become functions, those of the servers are left out', () => {
  const asked = chat({
    tools: [
      weather,
      { type: 'web_search', external_web_access: false },
      { type: 'local_shell' },
      { type: 'custom', name: 'patch', description: 'of files', format: { type: 'grammar' } },
      { type: 'namespace', name: 'mcp__files__', description: 'd', tools: [{ ...weather, name: 'read' }] },
    ],
  })
  expect(asked.toolChoice).toBe('auto')
  expect(asked.tools).toEqual([
    { name: 'weather', parameters: { type: 'object' } },
    {
      name: 'patch',
      description: 'of files',
      parameters: {
        type: 'object',
        properties: { input: { type: 'string' } },
        required: ['input'],
        additionalProperties: false,
      },
    },
    { name: 'mcp__files__read', parameters: { type: 'object' } },
  ])
})

test.each([
  [{ tools: [weather], tool_choice: 'required' }, 'required'],
  [{ tools: [weather], tool_choice: { type: 'function', name: 'weather' } }, { name: 'weather' }],
  [{ tools: [{ type: 'web_search' }], tool_choice: 'auto' }, 'none'],
  [{ tools: [weather], tool_choice: 'none' }, 'none'],
])('tool choice %j', (fields, toolChoice) => {
  expect(chat(fields).toolChoice).toEqual(toolChoice)
})

test.each([
  [{ type: 'json_object' }, { type: 'json_object' }],
  [
    { type: 'json_schema', name: 'n', schema: { type: 'object' }, strict: true },
    { type: 'json_schema', schema: { type: 'object' } },
  ],
  [{ type: 'text' }, { type: 'text' }],
])('format %j', (format, responseFormat) => {
  expect(chat({ text: { format } }).responseFormat).toEqual(responseFormat)
})

describe('refused', () => {
  test.each([
    [{ input: undefined }, 'input'],
    [{ input: [] }, 'input'],
    [{ input: '' }, 'input'],
    [{ input: [message('user', [image({ image_url: 'x' })])] }, 'input.0.content.0.image_url'],
    [{ input: [message('user', [image({ file_id: 'f' })])] }, 'input.0.content.0.file_id'],
    [{ input: [message('user', [image({})])] }, 'input.0.content.0.image_url'],
    [{ input: [message('system', [image()])] }, 'input.0.content'],
    [{ input: [message('user', [text('a'), { type: 'input_text' }])] }, 'input.0.content.1.text'],
    [{ input: [message('tool', 'x')] }, 'input.0.role'],
    [{ input: [{ type: 'item_reference', id: 'x' }] }, 'input.0.type'],
    [{ input: [{ type: 'function_call', name: 'f', arguments: '{}' }] }, 'input.0.call_id'],
    [
      { input: [{ type: 'function_call_output', call_id: 'c', output: [{ type: 'input_file' }] }] },
      'input.0.output.0.type',
    ],
    [{ previous_response_id: 'resp_1' }, 'previous_response_id'],
    [{ conversation: 'conv_1' }, 'conversation'],
    [{ prompt: { id: 'p' } }, 'prompt'],
    [{ background: true }, 'background'],
    [{ top_logprobs: 2 }, 'top_logprobs'],
    [{ tools: [{ type: 'file_search' }] }, 'tools.0.type'],
    [{ tools: [weather, weather] }, 'tools.1.name'],
    [{ tools: [{ ...weather, name: 'a b' }] }, 'tools.0.name'],
    [{ tools: [{ type: 'namespace', name: 'n', tools: [{ type: 'mcp' }] }] }, 'tools.0.tools.0.type'],
    [{ tool_choice: 'required' }, 'tool_choice'],
    [{ tools: [weather], tool_choice: { type: 'function', name: 'x' } }, 'tool_choice.name'],
    [{ tools: [weather], tool_choice: { type: 'web_search' } }, 'tool_choice'],
    [{ text: { format: { type: 'xml' } } }, 'text.format.type'],
    [{ max_output_tokens: 0 }, 'max_output_tokens'],
    [{ model: 5 }, 'model'],
  ])('%j naming %s', (fields, param) => {
    expect(() => chat(fields)).toThrow(expect.objectContaining({ code: 'INVALID_REQUEST', param }))
  })
})
