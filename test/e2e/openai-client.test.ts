/** The official client of OpenAI against the real server with the shipped models. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../support/server.ts'

const CHAT = 'tandem-tiny-chat'
const EMBED = 'tandem-embed-small'
const hello = [{ role: 'user' as const, content: 'Hello' }]

const QUEUE = `/** Takes the oldest waiting request out of the queue, or undefined when nothing waits. */
export function takeOldest(waiting: string[]): string | undefined {
  return waiting.shift()
}
`
const CLOCK = `/** Milliseconds since the program started. */
export function uptimeMs(): number {
  return performance.now()
}
`

interface TandemPart {
  tandem?: { citations?: { path: string; startLine: number; endLine: number; score: number }[] }
}

let folder: string
let server: TestServer
let client: OpenAI
let project: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tandem-project-'))
  await mkdir(join(folder, 'src'))
  await writeFile(join(folder, 'src', 'queue.ts'), QUEUE)
  await writeFile(join(folder, 'src', 'clock.ts'), CLOCK)
  server = await startTestServer({ config: { chat: { slots: 1 } }, projects: [folder] })
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'any', maxRetries: 0 })
  project = await indexedProject()
})
afterAll(async () => {
  await server?.stop()
  await rm(folder, { recursive: true, force: true })
})

async function status() {
  const response = await fetch(`${server.url}/tandem/v1/status`)
  return (await response.json()) as {
    workers: { task: string; running: number; queued: number }[]
    projects: { name: string; state: string; error?: string }[]
  }
}

async function indexedProject(): Promise<string> {
  for (;;) {
    const [first] = (await status()).projects
    if (first?.state === 'ready') return first.name
    if (first?.state === 'failed') throw new Error(first.error)
    await sleep(50)
  }
}

describe('chat', () => {
  test('[no-silent-fallback] a whole answer has text, usage and who served it', async () => {
    const { data, response } = await client.chat.completions
      .create({ model: CHAT, messages: hello, seed: 1 })
      .withResponse()
    expect(data.object).toBe('chat.completion')
    expect(data.choices[0]!.message).toMatchObject({
      role: 'assistant',
      content: expect.stringMatching(/\w/),
    })
    expect(data.choices[0]!.finish_reason).toBe('stop')
    expect(data.usage!.prompt_tokens).toBeGreaterThan(0)
    expect(data.usage!.total_tokens).toBe(data.usage!.prompt_tokens + data.usage!.completion_tokens)
    expect(response.headers.get('x-tandem-device')).toBe('cpu')
    expect(response.headers.get('x-tandem-engine')).toBe('llama.cpp')
  })

  test('a stream brings the same text in pieces, then usage', async () => {
    const whole = await client.chat.completions.create({ model: CHAT, messages: hello, temperature: 0 })
    const stream = await client.chat.completions.create({
      model: CHAT,
      messages: hello,
      temperature: 0,
      stream: true,
      stream_options: { include_usage: true },
    })
    const chunks = []
    for await (const chunk of stream) chunks.push(chunk)
    const pieces = chunks.flatMap(({ choices }) => choices[0]?.delta.content ?? [])
    expect(chunks[0]!.choices[0]!.delta.role).toBe('assistant')
    expect(pieces.length).toBeGreaterThan(3)
    expect(pieces.join('')).toBe(whole.choices[0]!.message.content)
    expect(chunks.at(-2)!.choices[0]!.finish_reason).toBe('stop')
    expect(chunks.at(-1)).toMatchObject({
      choices: [],
      usage: { completion_tokens: whole.usage!.completion_tokens, prompt_tokens: whole.usage!.prompt_tokens },
    })
  })

  test('max_tokens and stop end an answer', async () => {
    const short = await client.chat.completions.create({
      model: CHAT,
      messages: hello,
      max_completion_tokens: 3,
    })
    expect(short.choices[0]!.finish_reason).toBe('length')
    expect(short.usage!.completion_tokens).toBe(3)
    const whole = await client.chat.completions.create({ model: CHAT, messages: hello, temperature: 0 })
    const text = whole.choices[0]!.message.content!
    const stop = text.split(' ')[3]!
    const stopped = await client.chat.completions.create({
      model: CHAT,
      messages: hello,
      temperature: 0,
      stop,
    })
    expect(stopped.choices[0]!.message.content).toBe(text.slice(0, text.indexOf(stop)))
    expect(stopped.choices[0]!.finish_reason).toBe('stop')
  })

  const tools: OpenAI.ChatCompletionFunctionTool[] = [
    {
      type: 'function',
      function: {
        name: 'get_weather',
        parameters: {
          type: 'object',
          properties: { unit: { enum: ['celsius', 'fahrenheit'] } },
          required: ['unit'],
        },
      },
    },
  ]

  test('a tool call, whole and streamed', async () => {
    const request = { model: CHAT, messages: hello, tools, tool_choice: 'required' as const, temperature: 0 }
    const whole = await client.chat.completions.create(request)
    expect(whole.choices[0]!.finish_reason).toBe('tool_calls')
    const [call] = whole.choices[0]!.message.tool_calls!
    if (call?.type !== 'function') throw new Error('no function call')
    expect(call.function.name).toBe('get_weather')
    expect(['celsius', 'fahrenheit']).toContain(JSON.parse(call.function.arguments).unit)

    const streamed = await client.chat.completions.stream(request).finalChatCompletion()
    const [again] = streamed.choices[0]!.message.tool_calls!
    if (again?.type !== 'function') throw new Error('no function call')
    expect(again.function).toMatchObject({ name: 'get_weather', arguments: call.function.arguments })

    const after = await client.chat.completions.create({
      model: CHAT,
      messages: [...hello, whole.choices[0]!.message, { role: 'tool', tool_call_id: call.id, content: '20' }],
      tools,
      tool_choice: 'none',
    })
    expect(after.choices[0]!.message.tool_calls).toBeUndefined()
  })

  test('a JSON schema shapes the answer', async () => {
    const schema = {
      type: 'object',
      properties: { colour: { enum: ['red', 'green'] }, sure: { type: 'boolean' } },
      required: ['colour', 'sure'],
    }
    const answer = await client.chat.completions.create({
      model: CHAT,
      messages: hello,
      response_format: { type: 'json_schema', json_schema: { name: 'x', schema, strict: true } },
    })
    expect(JSON.parse(answer.choices[0]!.message.content!)).toEqual({
      colour: expect.stringMatching(/^(red|green)$/),
      sure: expect.any(Boolean),
    })
  })

  test('an abort in mid-stream frees the only slot', async () => {
    const stream = await client.chat.completions.create({
      model: CHAT,
      messages: hello,
      stream: true,
      max_tokens: 1500,
      response_format: {
        type: 'json_schema',
        json_schema: {
          name: 'x',
          schema: { type: 'string', minLength: 1000 },
        },
      },
    })
    let pieces = 0
    for await (const chunk of stream) {
      if (chunk.choices[0]?.delta.content) pieces += 1
      if (pieces === 5) {
        expect((await status()).workers.find(({ task }) => task === 'chat')!.running).toBe(1)
        stream.controller.abort()
      }
    }
    expect(pieces).toBeGreaterThanOrEqual(5)
    while ((await status()).workers.some(({ task, running }) => task === 'chat' && running > 0))
      await sleep(5)
    const next = await client.chat.completions.create({ model: CHAT, messages: hello, max_tokens: 3 })
    expect(next.choices[0]!.finish_reason).toBe('length')
  })

  test('a project by the field and by the name of the model: the answer cites it', async () => {
    const messages = [{ role: 'user' as const, content: 'Which function takes the oldest waiting request?' }]
    const byName = await client.chat.completions.create({ model: `${CHAT}@${project}`, messages })
    const body = {
      model: CHAT,
      messages,
      tandem: { project },
    } as OpenAI.ChatCompletionCreateParamsNonStreaming
    const byField = await client.chat.completions.create(body)
    for (const answer of [byName, byField] as (OpenAI.ChatCompletion & TandemPart)[]) {
      expect(answer.choices[0]!.message.content).toContain('takeOldest')
      expect(answer.tandem!.citations![0]).toMatchObject({
        path: 'src/queue.ts',
        startLine: 1,
        score: expect.any(Number),
      })
    }
    const stream = await client.chat.completions.create({
      model: `${CHAT}@${project}`,
      messages,
      stream: true,
    })
    let last: (OpenAI.ChatCompletionChunk & TandemPart) | undefined
    for await (const chunk of stream) last = chunk
    expect(last!.tandem!.citations![0]!.path).toBe('src/queue.ts')
  })

  test('a question that nothing in the project answers is refused without asking the model', async () => {
    const { data, response } = await client.chat.completions
      .create({
        model: `${CHAT}@${project}`,
        messages: [{ role: 'user', content: 'Who won the 1954 football world cup?' }],
      })
      .withResponse()
    expect(response.headers.get('x-tandem-refusal')).toBe('true')
    expect((data as OpenAI.ChatCompletion & TandemPart).tandem!.citations).toEqual([])
    expect(data.usage!.completion_tokens).toBe(0)
  })
})

test('completions continue a text, whole and streamed', async () => {
  const request = { model: CHAT, prompt: 'export function ', max_tokens: 8, temperature: 0 }
  const whole = await client.completions.create(request)
  expect(whole.choices[0]).toMatchObject({ finish_reason: 'length', text: expect.stringMatching(/\w/) })
  let text = ''
  for await (const chunk of await client.completions.create({ ...request, stream: true }))
    text += chunk.choices[0]?.text ?? ''
  expect(text).toBe(whole.choices[0]!.text)
})

describe('embeddings', () => {
  const input = ['sort names by length', 'function sortNames(names) {}', '']

  test('float and base64 are equal, unit length, and of the asked dimensions', async () => {
    const float = await client.embeddings.create({ model: EMBED, input, encoding_format: 'float' })
    const base64 = await client.embeddings.create({ model: EMBED, input }) // the client decodes it
    expect(base64.data.map(({ embedding }) => [...embedding])).toEqual(
      float.data.map(({ embedding }) => embedding),
    )
    const short = await client.embeddings.create({ model: EMBED, input, dimensions: 128 })
    for (const { data, dimensions } of [
      { ...float, dimensions: 384 },
      { ...short, dimensions: 128 },
    ])
      for (const { embedding } of data) {
        expect(embedding).toHaveLength(dimensions)
        expect(Math.hypot(...embedding)).toBeCloseTo(1, 3)
      }
  })

  test('token ids give vectors, a text too long is cut and said to be', async () => {
    const ids = await client.embeddings.create({ model: EMBED, input: [[5, 6, 7], [8]] })
    expect(ids.data).toHaveLength(2)
    const long = await client.embeddings.create({ model: EMBED, input: ['a', 'word '.repeat(5000)] })
    expect(long).toMatchObject({ usage: { truncated: true }, tandem: { truncated_inputs: [1] } })
  })
})

test('models are listed with the projects, and found by name', async () => {
  const ids = []
  for await (const model of client.models.list()) ids.push(model.id)
  expect(ids).toEqual(expect.arrayContaining([CHAT, EMBED, `${CHAT}@${project}`]))
  expect((await client.models.retrieve(`${CHAT}@${project}`)).id).toBe(`${CHAT}@${project}`)
})

describe('errors have the types of the client', () => {
  test.each([
    [
      'an unknown model',
      () => client.chat.completions.create({ model: 'nope', messages: hello }),
      OpenAI.NotFoundError,
      'model_not_found',
    ],
    [
      'no messages',
      () => client.chat.completions.create({ model: CHAT, messages: [] }),
      OpenAI.BadRequestError,
      'invalid_request',
    ],
    [
      'a prompt over the window',
      () =>
        client.chat.completions.create({
          model: CHAT,
          messages: [{ role: 'user', content: 'word '.repeat(9000) }],
        }),
      OpenAI.BadRequestError,
      'context_length_exceeded',
    ],
    [
      'an unknown model in a stream',
      () => client.chat.completions.create({ model: 'nope', messages: hello, stream: true }),
      OpenAI.NotFoundError,
      'model_not_found',
    ],
    [
      'empty input',
      () => client.embeddings.create({ model: EMBED, input: [] }),
      OpenAI.BadRequestError,
      'invalid_request',
    ],
    [
      'an unknown model to retrieve',
      () => client.models.retrieve('nope'),
      OpenAI.NotFoundError,
      'model_not_found',
    ],
  ])('%s', async (_, call, type, code) => {
    const error = await (call() as Promise<unknown>).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    expect(error).toBeInstanceOf(type)
    expect((error as InstanceType<typeof OpenAI.APIError>).code).toBe(code)
  })

  test('a foreign Origin is a permission error', async () => {
    const foreign = new OpenAI({
      baseURL: `${server.url}/v1`,
      apiKey: 'any',
      maxRetries: 0,
      defaultHeaders: { origin: 'http://evil.example' },
    })
    await expect(foreign.models.retrieve(CHAT)).rejects.toBeInstanceOf(OpenAI.PermissionDeniedError)
  })
})
