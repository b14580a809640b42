/** Claude Code's and Codex's clients and wire forms against the real server with the shipped models. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { claudeCodeRequest, codexRequest } from '../support/agent-requests.ts'
import { CHAT, indexed, post, statusOf, until } from '../support/api.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const QUEUE = `/** Takes the oldest waiting request out of the queue, or undefined when nothing waits. */
export function takeOldest(waiting: string[]): string | undefined {
  return waiting.shift()
}
`
const aliases = { 'claude-*': CHAT, 'gpt-5-codex': CHAT, dead: 'gone' }
const messages = [{ role: 'user' as const, content: 'Hello' }]
const question = [
  { role: 'user' as const, content: 'Which function takes the oldest request out of the queue?' },
]
const unit = {
  type: 'object' as const,
  properties: { unit: { enum: ['celsius', 'fahrenheit'] } },
  required: ['unit'],
}
/** A grammar that keeps the model writing, whatever it would say. */
const endless = { type: 'array', items: { type: 'string', minLength: 1000 }, minItems: 10 }

interface TandemPart {
  tandem?: { citations?: { path: string }[] }
}

let folder: string
let server: TestServer
let anthropic: Anthropic
let openai: OpenAI
let project: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tandem-project-'))
  await mkdir(join(folder, 'src'))
  await writeFile(join(folder, 'src', 'queue.ts'), QUEUE)
  server = await startTestServer({ config: { chat: { slots: 1 }, models: { aliases } }, projects: [folder] })
  anthropic = new Anthropic({ baseURL: server.url, apiKey: 'any', maxRetries: 0 })
  openai = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'any', maxRetries: 0 })
  project = (await indexed(server)).name
})
afterAll(async () => {
  await server?.stop()
  await rm(folder, { recursive: true, force: true })
})

const running = async () => (await statusOf(server)).workers.find(({ task }) => task === 'chat')!.running

test('an alias that leads nowhere is told at the start', () => {
  expect(server.log()).toContain('models.aliases: dead stands for gone, which is not served')
})

describe('Anthropic Messages', () => {
  const request = { model: 'claude-sonnet', max_tokens: 40, messages, temperature: 0 }

  test('[no-silent-fallback] a whole message has text, usage and who served it', async () => {
    const { data, response } = await anthropic.messages.create(request).withResponse()
    expect(data).toMatchObject({
      type: 'message',
      role: 'assistant',
      model: 'claude-sonnet',
      content: [{ type: 'text', text: expect.stringMatching(/\w/) }],
      stop_reason: 'end_turn',
    })
    expect(data.usage.output_tokens).toBeGreaterThan(0)
    expect(response.headers.get('x-tandem-device')).toBe('cpu')
    expect(response.headers.get('x-tandem-engine')).toBe('llama.cpp')
  })

  test('a stream brings the same text in pieces, and the usage', async () => {
    const whole = await anthropic.messages.create(request)
    const stream = anthropic.messages.stream(request)
    const pieces: string[] = []
    stream.on('text', (piece) => pieces.push(piece))
    const streamed = await stream.finalMessage()
    expect(pieces.length).toBeGreaterThan(3)
    expect(streamed.content).toEqual(whole.content)
    expect(streamed.stop_reason).toBe('end_turn')
    const read = ({ usage }: Anthropic.Message) => [
      usage.input_tokens + (usage.cache_read_input_tokens ?? 0),
      usage.output_tokens,
    ]
    expect(read(streamed)).toEqual(read(whole))
  })

  test('max_tokens and stop_sequences end a message, which says by which', async () => {
    const short = await anthropic.messages.create({ ...request, max_tokens: 3 })
    expect(short).toMatchObject({ stop_reason: 'max_tokens', usage: { output_tokens: 3 } })
    const whole = await anthropic.messages.create(request)
    const [block] = whole.content
    if (block?.type !== 'text') throw new Error('no text')
    const stop = block.text.split(' ')[3]!
    const stopped = await anthropic.messages.create({ ...request, stop_sequences: ['\u0000never', stop] })
    expect(stopped).toMatchObject({
      stop_reason: 'stop_sequence',
      stop_sequence: stop,
      content: [{ text: block.text.slice(0, block.text.indexOf(stop)) }],
    })
  })

  test('a tool is called, whole and streamed, and its result is read', async () => {
    const tools = [{ name: 'get_weather', input_schema: unit }]
    const asked = { ...request, max_tokens: 200, tools, tool_choice: { type: 'any' as const } }
    const whole = await anthropic.messages.create(asked)
    expect(whole.stop_reason).toBe('tool_use')
    const [use] = whole.content
    if (use?.type !== 'tool_use') throw new Error('no call')
    expect(use).toMatchObject({
      name: 'get_weather',
      input: { unit: expect.stringMatching(/celsius|fahrenheit/) },
    })
    const streamed = await anthropic.messages.stream(asked).finalMessage()
    expect(streamed.content).toMatchObject([{ type: 'tool_use', name: 'get_weather', input: use.input }])
    const after = await anthropic.messages.create({
      ...request,
      tools,
      tool_choice: { type: 'none' },
      messages: [
        ...messages,
        { role: 'assistant', content: whole.content },
        {
          role: 'user',
          content: [{ type: 'tool_result', tool_use_id: use.id, content: '20', is_error: true }],
        },
      ],
    })
    expect(after.content.every(({ type }) => type === 'text')).toBe(true)
  })

  test('a schema shapes the answer', async () => {
    const { content } = await anthropic.messages.create({
      ...request,
      output_config: { format: { type: 'json_schema', schema: unit } },
    })
    const [block] = content
    if (block?.type !== 'text') throw new Error('no text')
    expect(JSON.parse(block.text)).toMatchObject({ unit: expect.stringMatching(/celsius|fahrenheit/) })
  })

  test('the count of a prompt is what the prompt takes', async () => {
    const asked = { model: CHAT, messages, system: 'Be brief.' }
    const { input_tokens } = await anthropic.messages.countTokens(asked)
    const { usage } = await anthropic.messages.create({ ...asked, max_tokens: 1 })
    expect(usage.input_tokens + usage.cache_read_input_tokens!).toBe(input_tokens)
  })

  test('retrieval by the name of the model, whole and streamed', async () => {
    const asked = { ...request, model: `claude-x@${project}`, max_tokens: 200, messages: question }
    const whole: Anthropic.Message & TandemPart = await anthropic.messages.create(asked)
    expect(whole.tandem!.citations![0]!.path).toBe('src/queue.ts')
    const last: TandemPart[] = []
    for await (const event of await anthropic.messages.create({ ...asked, stream: true }))
      if (event.type === 'message_delta') last.push(event as TandemPart)
    expect(last[0]!.tandem!.citations![0]!.path).toBe('src/queue.ts')
  })

  test('[bounded] a stream that the client leaves frees the only slot', async () => {
    const stream = await anthropic.messages.create({
      ...request,
      max_tokens: 1500,
      stream: true,
      output_config: { format: { type: 'json_schema', schema: endless } },
    })
    for await (const event of stream) if (event.type === 'content_block_delta') break
    await until(async () => (await running()) === 0, 'the slot is free')
    expect((await anthropic.messages.create({ ...request, max_tokens: 2 })).usage.output_tokens).toBe(2)
  })

  test.each([
    ['an unknown model', { model: 'nope' }, Anthropic.NotFoundError, /did you mean|models\.aliases/],
    ['an alias that leads nowhere', { model: 'dead' }, Anthropic.NotFoundError, /maps it to ."gone/],
    ['no messages', { messages: [] }, Anthropic.BadRequestError, /at least one message/],
    [
      'a prompt over the window',
      { messages: [{ role: 'user' as const, content: 'word '.repeat(9000) }] },
      Anthropic.BadRequestError,
      /window is \d+ tokens/,
    ],
  ])('%s has the error of the client, whole and streamed', async (_, fields, type, why) => {
    for (const stream of [false, true]) {
      const thrown = await anthropic.messages.create({ ...request, ...fields, stream }).then(
        () => undefined,
        (error: unknown) => error,
      )
      expect(thrown).toBeInstanceOf(type)
      expect((thrown as Error).message).toMatch(why)
    }
  })

  test('models are listed', async () => {
    const ids = []
    for await (const model of anthropic.models.list()) ids.push(model.id)
    expect(ids).toEqual(expect.arrayContaining([CHAT, 'gpt-5-codex', `${CHAT}@${project}`]))
  })

  test("Claude Code's requests are answered", async () => {
    for (const stream of [false, true]) {
      const path = '/v1/messages?beta=true'
      const response = await post(server, path, claudeCodeRequest('claude-opus', stream), {
        'anthropic-version': '2023-06-01',
        'anthropic-beta': 'claude-code-20250219,interleaved-thinking-2025-05-14',
        authorization: 'Bearer any',
      })
      const answer = await response.text()
      expect({ status: response.status, answer }).toMatchObject({ status: 200 })
      expect(answer).toContain(stream ? 'event: message_stop' : '"stop_reason":"')
    }
  })

  test('what changes in the billing block leaves the prompt in the cache', async () => {
    const asked = { ...claudeCodeRequest('claude-opus', false), max_tokens: 1, tools: [] }
    await post(server, '/v1/messages', asked)
    asked.system[0] = { type: 'text', text: 'x-anthropic-billing-header: cc_version=2.1.0.abc; cch=fffff;' }
    const again = (await (await post(server, '/v1/messages', asked)).json()) as Anthropic.Message
    expect(again.usage.input_tokens).toBeLessThan(again.usage.cache_read_input_tokens!)
  })
})

describe('OpenAI Responses', () => {
  const request = { model: 'gpt-5-codex', input: 'Hello', temperature: 0 }
  const tools = [
    { type: 'function' as const, name: 'get_weather', parameters: unit, strict: false },
    { type: 'custom' as const, name: 'note' },
  ]

  test('[no-silent-fallback] a whole answer has text, usage and who served it', async () => {
    const { data, response } = await openai.responses.create(request).withResponse()
    expect(data).toMatchObject({
      object: 'response',
      model: 'gpt-5-codex',
      status: 'completed',
      output_text: expect.stringMatching(/\w/),
    })
    expect(data.usage!.total_tokens).toBe(data.usage!.input_tokens + data.usage!.output_tokens)
    expect(response.headers.get('x-tandem-device')).toBe('cpu')
    expect(response.headers.get('x-tandem-engine')).toBe('llama.cpp')
  })

  test('a stream brings the same text in pieces', async () => {
    const whole = await openai.responses.create(request)
    const stream = openai.responses.stream(request)
    const pieces: string[] = []
    stream.on('response.output_text.delta', ({ delta }) => pieces.push(delta))
    const streamed = await stream.finalResponse()
    expect(pieces.length).toBeGreaterThan(3)
    expect(pieces.join('')).toBe(whole.output_text)
    expect(streamed).toMatchObject({
      status: 'completed',
      output: [{ content: [{ text: whole.output_text }] }],
    })
    expect(streamed.usage!.output_tokens).toBe(whole.usage!.output_tokens)
  })

  test('max_output_tokens leaves an answer incomplete', async () => {
    expect(await openai.responses.create({ ...request, max_output_tokens: 3 })).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
      usage: { output_tokens: 3 },
    })
  })

  test('a function is called, whole and streamed, and its output is read', async () => {
    const asked = { ...request, tools, tool_choice: { type: 'function' as const, name: 'get_weather' } }
    const whole = await openai.responses.create(asked)
    const [call] = whole.output
    if (call?.type !== 'function_call') throw new Error('no call')
    expect(['celsius', 'fahrenheit']).toContain(JSON.parse(call.arguments).unit)
    const streamed = await openai.responses.stream(asked).finalResponse()
    expect(streamed.output).toMatchObject([{ name: 'get_weather', arguments: call.arguments }])
    const after = await openai.responses.create({
      ...request,
      tools,
      tool_choice: 'none',
      input: [
        { role: 'user', content: 'Hello' },
        call,
        { type: 'function_call_output', call_id: call.call_id, output: '20' },
      ],
    })
    expect(after.output.map(({ type }) => type)).toEqual(['message'])
  })

  test('a custom tool is called with a text', async () => {
    const asked = { ...request, tools, tool_choice: { type: 'custom' as const, name: 'note' } }
    const { output } = await openai.responses.create(asked)
    expect(output).toMatchObject([{ type: 'custom_tool_call', name: 'note', input: expect.any(String) }])
  })

  test('a schema shapes the answer', async () => {
    const { output_text } = await openai.responses.create({
      ...request,
      text: { format: { type: 'json_schema', name: 'x', schema: unit, strict: true } },
    })
    expect(JSON.parse(output_text)).toMatchObject({ unit: expect.stringMatching(/celsius|fahrenheit/) })
  })

  test('retrieval by the name of the model, whole and streamed', async () => {
    const asked = { ...request, model: `${CHAT}@${project}`, input: question }
    const whole: OpenAI.Responses.Response & TandemPart = await openai.responses.create(asked)
    expect(whole.tandem!.citations![0]!.path).toBe('src/queue.ts')
    const streamed = await openai.responses.stream(asked).finalResponse()
    expect((streamed as TandemPart & typeof streamed).tandem!.citations![0]!.path).toBe('src/queue.ts')
  })

  test('[bounded] a stream that the client leaves frees the only slot', async () => {
    const stream = await openai.responses.create({
      ...request,
      stream: true,
      text: { format: { type: 'json_schema', name: 'x', schema: endless } },
    })
    for await (const event of stream) if (event.type === 'response.output_text.delta') break
    await until(async () => (await running()) === 0, 'the slot is free')
  })

  test.each([
    ['an unknown model', { model: 'nope' }, OpenAI.NotFoundError, 'model_not_found'],
    ['an answer of before', { previous_response_id: 'resp_1' }, OpenAI.BadRequestError, 'invalid_request'],
    [
      'a prompt over the window',
      { input: 'word '.repeat(9000) },
      OpenAI.BadRequestError,
      'context_length_exceeded',
    ],
  ])('%s has the error of the client', async (_, fields, type, code) => {
    const thrown = await openai.responses.create({ ...request, ...fields }).then(
      () => undefined,
      (error: unknown) => error,
    )
    expect(thrown).toBeInstanceOf(type)
    expect((thrown as InstanceType<typeof OpenAI.APIError>).code).toBe(code)
  })

  test("Codex's requests are answered", async () => {
    const response = await post(server, '/v1/responses', codexRequest('gpt-5-codex'), {
      accept: 'text/event-stream',
      originator: 'codex_cli_rs',
    })
    const answer = await response.text()
    expect({ status: response.status, answer }).toMatchObject({ status: 200 })
    expect(answer).toMatch(/event: response\.(completed|incomplete)\n/)
  })
})
