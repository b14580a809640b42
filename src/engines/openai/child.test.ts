import { once } from 'node:events'
import { createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { FAKE_SERVERS, startFakeModelServer } from '../../../test/fakes/model-servers.ts'
import {
  CHAT_GGUF,
  describeLlamaServer,
  startLlamaServer,
  type TestLlamaServer,
} from '../../../test/support/llama-server.ts'
import { tinyChatModel } from '../../../test/support/tiny-chat.ts'
import { PACKAGE_ROOT } from '../../config/index.ts'
import type { AdoptedServer, ChatRequest } from '../../domain/index.ts'
import type { LoadContext, LoadedDecoder, LoadedEncoder, LoadedScorer } from '../contract.ts'
import { chatOf, collect, fulfils, resumeAfter, user } from '../decoder.suite.ts'
import { engine } from './child.ts'
import { serverSettings } from './settings.ts'

const chatModel = tinyChatModel({ files: { remote: [] }, folder: '/nowhere' })

function load(
  server: Partial<AdoptedServer> & { url: string },
  task: 'chat' | 'embed' | 'rerank' = 'chat',
  context: LoadContext = {},
) {
  const whole = { name: 'peer', kind: 'llama-server', local: true, ...server } as const
  const settings = serverSettings(whole, CHAT_GGUF)
  return engine.load({ model: chatModel, task, device: 'peer', threads: 1, slots: 2, settings }, context)
}

const messages = [user('What does the queue do when it is full? Answer with as many words as you can.')]
const asked = (more: Partial<ChatRequest> = {}) => chatOf(messages, more)
const greedy = { temperature: 0, maxTokens: 24, stop: [] }

describeLlamaServer('an adopted llama-server', () => {
  let peer: TestLlamaServer
  let decoder: LoadedDecoder
  beforeAll(async () => {
    peer = await startLlamaServer()
    decoder = (await load(peer)) as LoadedDecoder
  })
  afterAll(async () => {
    await decoder?.dispose()
    await peer?.stop()
  })

  test('answers with the slots and the window that it has', async () => {
    expect(decoder).toMatchObject({ slots: 2, contextTokens: 2048, resumes: ['chat', 'text'] })
    const { result, text, deltas } = await collect(decoder, asked())
    expect(text).toBe(result.text)
    expect(deltas.length).toBeGreaterThan(5)
    expect(result.usage.promptTokens).toBe((await decoder.countPrompt({ messages, tools: [] })).tokens)
    expect(resumeAfter(deltas).tokens.length).toBeLessThanOrEqual(result.usage.completionTokens)
    expect(await decoder.countTokens(['', 'a queue'])).toEqual([0, expect.any(Number)])
  })

  test('a plain chat is one request: its template is rendered here as the server renders it', async () => {
    const paths: string[] = []
    const between = createServer((incoming, reply) => {
      paths.push(incoming.url ?? '')
      const { method, headers } = incoming
      const onward = httpRequest(peer.url + incoming.url, { method, headers, agent: false }, (answer) => {
        reply.writeHead(answer.statusCode ?? 500, answer.headers)
        answer.pipe(reply)
      })
      incoming.pipe(onward)
    }).listen(0, '127.0.0.1')
    await once(between, 'listening')
    const { port } = between.address() as AddressInfo
    const behind = (await load({ url: `http://127.0.0.1:${port}` })) as LoadedDecoder
    paths.length = 0
    const { text } = await collect(behind, asked())
    expect(paths.filter((path) => path !== '/health')).toEqual(['/completion'])
    expect(text).toBe((await collect(decoder, asked())).text)
    await behind.dispose()
    between.close()
  })

  test('ends at maxTokens and before a stop string, and counts what it wrote', async () => {
    const { result: whole } = await collect(decoder, asked())
    const short = await collect(decoder, asked({ sampling: { ...greedy, maxTokens: 5 } }))
    expect(short.result).toMatchObject({ finishReason: 'length', usage: { completionTokens: 5 } })
    expect(whole.text.startsWith(short.text)).toBe(true)
    const stop = whole.text.slice(6, 15)
    const stopped = await collect(decoder, asked({ sampling: { ...greedy, stop: ['\u0000never', stop] } }))
    expect(stopped.text).toBe(whole.text.slice(0, whole.text.indexOf(stop)))
    expect(stopped.result).toMatchObject({ text: stopped.text, finishReason: 'stop' })
  })

  test('goes on at every token of an answer that began elsewhere, with its stop string too', async () => {
    const { result: plain } = await collect(decoder, asked())
    for (const stop of [[], [plain.text.slice(20, 31)]]) {
      const request = asked({ sampling: { ...greedy, stop } })
      const { result: whole, deltas } = await collect(decoder, request)
      for (let cut = 1; cut <= deltas.length; cut++) {
        const resume = resumeAfter(deltas.slice(0, cut))
        const { result, text } = await collect(decoder, { ...request, resume })
        const at = `cut after ${cut}: ${JSON.stringify(resume.text)}`
        expect(resume.text + text, at).toBe(whole.text)
        expect(result.finishReason, at).toBe(whole.finishReason)
        expect(result.usage.promptTokens, at).toBe(whole.usage.promptTokens)
        expect(resume.tokens.length + result.usage.completionTokens, at).toBe(whole.usage.completionTokens)
      }
    }
  })

  test('goes on from a text alone, and refuses ids that give another text', async () => {
    const { result: whole, deltas } = await collect(decoder, asked())
    const { text, tokens } = resumeAfter(deltas.slice(0, 6))
    const resume = { text, tokens: [], toolCalls: [], callTokens: 0 }
    expect(text + (await collect(decoder, asked({ resume }))).text).toBe(whole.text)
    const wrong = { ...resume, text: `${text}!`, tokens }
    await expect(collect(decoder, asked({ resume: wrong }))).rejects.toMatchObject({
      code: 'CANNOT_CONTINUE',
    })
  })

  test('keeps a JSON schema', async () => {
    const schema = {
      type: 'object',
      properties: { kind: { enum: ['bug', 'feature'] }, size: { type: 'integer' } },
      required: ['kind', 'size'],
      additionalProperties: false,
    }
    const request = asked({
      responseFormat: { type: 'json_schema', schema },
      sampling: { ...greedy, maxTokens: 60 },
    })
    const { text } = await collect(decoder, request)
    expect(fulfils(schema, JSON.parse(text))).toBe(true)
  })

  test('shows characters of several tokens whole', async () => {
    const schema = { const: '漢😀é👩‍👧' }
    const request = asked({
      responseFormat: { type: 'json_schema', schema },
      sampling: { ...greedy, maxTokens: 60 },
    })
    const { text, deltas } = await collect(decoder, request)
    expect(JSON.parse(text)).toBe(schema.const)
    expect(deltas.every((delta) => delta.type === 'text' && !delta.text.includes('\uFFFD'))).toBe(true)
  })

  test('raw text goes on; a prompt over the window is refused with both numbers', async () => {
    const prompt = 'function add(a, b) {'
    const { text, usage } = await decoder.complete(
      { model: 'm', prompt, sampling: greedy },
      () => {},
      new AbortController().signal,
    )
    expect(usage.completionTokens).toBeGreaterThan(0)
    expect(text).not.toBe('')
    const long = chatOf([user('full queue '.repeat(3000))])
    await expect(collect(decoder, long)).rejects.toMatchObject({
      code: 'CONTEXT_LENGTH_EXCEEDED',
      details: { limit: 2048, tokens: expect.any(Number) },
    })
  })

  test.each([[[1_000_000_000]], [[1, 10_240]], [[2 ** 40]], [[-1]]])(
    'ids %j, of which the model lacks one, are a wrong request and no failure of the server',
    async (ids) => {
      expect(await decoder.detokenize!([8191])).toBe(' references')
      await expect(decoder.detokenize!(ids)).rejects.toMatchObject({
        code: 'INVALID_REQUEST',
        details: { what: expect.stringMatching(/is no token of this model; allowed: 0 to 10239$/) },
      })
    },
  )

  test('an abort in mid-stream ends it, and the next chat is answered', async () => {
    const controller = new AbortController()
    const running = decoder.chat(
      asked({ sampling: { ...greedy, maxTokens: 200 } }),
      () => controller.abort(),
      controller.signal,
    )
    await expect(running).rejects.toMatchObject({ code: 'CANCELLED' })
    expect((await collect(decoder, asked())).text).not.toBe('')
  })

  test('many streams at once are each their own, on connections that the server closes', async () => {
    const { text: alone } = await collect(decoder, asked())
    const all = await Promise.all(Array.from({ length: 12 }, () => collect(decoder, asked())))
    expect(all.map(({ text }) => text)).toEqual(all.map(() => alone))
  })
})

describeLlamaServer('an adopted llama-server with --embeddings', () => {
  let peer: TestLlamaServer
  let encoder: LoadedEncoder
  beforeAll(async () => {
    peer = await startLlamaServer(['--embeddings', '--pooling', 'mean', '-ub', '512', '-c', '1024'])
    encoder = (await load(peer, 'embed')) as LoadedEncoder
  })
  afterAll(async () => {
    await encoder?.dispose()
    await peer?.stop()
  })

  test('embeds with unit vectors of its own width, in order, more than one request takes', async () => {
    const texts = Array.from({ length: 40 }, (_, at) => `passage number ${at} of a queue`)
    const { signal } = new AbortController()
    const output = await encoder.embed(texts, 'passage', signal)
    expect(output.dimensions).toBe(512)
    const last = await encoder.embed([texts[39]!], 'passage', signal)
    const row = output.vectors.subarray(39 * 512)
    expect(row.reduce((sum, x, d) => sum + x * last.vectors[d]!, 0)).toBeGreaterThan(0.999)
    expect(row.reduce((sum, x) => sum + x * x, 0)).toBeCloseTo(1, 4)
    expect(output.tokens).toHaveLength(40)
  })
})

/** `<`, `tool`, `_`, `call`, `>` of the shipped tokenizer: the small model would rather talk than call. */
const CALL_TOKENS = [63, 1203, 98, 635, 65]

describeLlamaServer('an adopted llama-server whose template has tools', () => {
  let peer: TestLlamaServer
  let decoder: LoadedDecoder
  beforeAll(async () => {
    const template = join(PACKAGE_ROOT, 'test', 'data', 'tools-template.jinja')
    const towardsCalls = CALL_TOKENS.flatMap((id) => ['--logit-bias', `${id}+15`])
    peer = await startLlamaServer(['--jinja', '--chat-template-file', template, ...towardsCalls])
    decoder = (await load(peer)) as LoadedDecoder
  })
  afterAll(async () => {
    await decoder?.dispose()
    await peer?.stop()
  })

  const city = { type: 'string', enum: ['Rome', 'Paris'] }
  const weather = {
    name: 'weather',
    description: 'the weather of a city',
    parameters: { type: 'object', properties: { city }, required: ['city'] },
  }
  const tooled = (more: Partial<ChatRequest> = {}) =>
    chatOf([user('Weather in Rome?')], {
      tools: [weather],
      toolChoice: 'required',
      sampling: { temperature: 0, maxTokens: 100, stop: [] },
      ...more,
    })

  test('its calls are whole, each passed on once, and one that did not fit is none', async () => {
    const { result, deltas } = await collect(decoder, tooled())
    expect(result.finishReason).toBe('tool_calls')
    expect(result.toolCalls.length).toBeGreaterThan(1)
    for (const { name, arguments: text } of result.toolCalls) {
      expect(name).toBe('weather')
      expect(JSON.parse(text)).toEqual({ city: expect.stringMatching(/^(Rome|Paris)$/) })
    }
    expect(new Set(result.toolCalls.map(({ id }) => id)).size).toBe(result.toolCalls.length)
    expect(resumeAfter(deltas).toolCalls).toEqual(result.toolCalls)
    const indexes = deltas.flatMap((delta) => (delta.type === 'toolCall' ? [delta.index] : []))
    expect(indexes).toEqual(result.toolCalls.map((_, at) => at))
    expect(result.usage.completionTokens).toBe(100)
  })

  test('an answer of a tool is read, and counts as part of the prompt', async () => {
    const { result } = await collect(decoder, tooled())
    const [call] = result.toolCalls
    const messages = [
      user('Weather in Rome?'),
      { role: 'assistant', content: '', toolCalls: [call!] },
      { role: 'tool', content: 'sunny, 31 degrees', toolCallId: call!.id },
    ] as const
    const later = await collect(decoder, tooled({ messages }))
    expect(later.result.usage.promptTokens).toBeGreaterThan(result.usage.promptTokens + 15)
    const counted = await decoder.countPrompt({ messages, tools: [weather] })
    expect(counted).toEqual({ tokens: later.result.usage.promptTokens, estimated: false })
  })

  test('a tool that is not there is refused before the server is asked; none is called where none may be', async () => {
    await expect(collect(decoder, tooled({ toolChoice: { name: 'other' } }))).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
    })
    const { result } = await collect(decoder, tooled({ toolChoice: 'none' }))
    expect(result.toolCalls).toEqual([])
    expect(result.text).not.toBe('')
  })
})

describeLlamaServer('an adopted llama-server with --rerank', () => {
  test('scores of a model that knows nothing, but each is of its own document', async () => {
    const peer = await startLlamaServer(['--rerank', '--pooling', 'rank', '-ub', '512', '-c', '1024'])
    const scorer = (await load(peer, 'rerank')) as LoadedScorer
    const { signal } = new AbortController()
    const texts = ['the queue is full', 'a cat', 'what becomes of a request that waits']
    const pairs = texts.map((text) => ({ query: 'a full queue', text }))
    const { scores, width, truncated, tokens } = await scorer.score(pairs, signal)
    expect({ width, truncated }).toEqual({ width: 1, truncated: [] })
    expect(tokens.every((count) => count > 1)).toBe(true)
    expect(new Set(scores).size).toBe(3)
    const turned = await scorer.score([...pairs].reverse(), signal)
    for (const [at, score] of [...turned.scores].reverse().entries())
      expect(score).toBeCloseTo(scores[at]!, 3)
    const long = { query: 'a', text: 'full queue '.repeat(2000) }
    expect((await scorer.score([pairs[0]!, long], signal, 20)).truncated).toEqual([1])
    await scorer.dispose()
    await peer.stop()
  })
})

describe('a model that nobody wants any more', () => {
  /** How often it was asked, by now. */
  async function counting(status: number) {
    let asked = 0
    const server = createServer((_, response) => {
      asked += 1
      response.writeHead(status).end('{"data":[]}')
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    return { url: `http://127.0.0.1:${port}`, asked: () => asked, close: () => server.close() }
  }

  test('is waited for no longer where its server is not up yet', async () => {
    const server = await counting(503)
    const ended = new AbortController()
    const lines: string[] = []
    const loading = load({ ...server, kind: 'openai' }, 'chat', {
      signal: ended.signal,
      onOutput: (line) => lines.push(line),
    })
    await expect.poll(server.asked).toBeGreaterThan(1)
    expect(lines).toEqual([expect.stringMatching(/^waiting for peer .*: it still loads its model$/)])
    ended.abort()
    await expect(loading).rejects.toThrow(/abort/i)
    server.close()
  })

  test('is not looked after any more, and what is asked of it ends', async () => {
    const server = await counting(200)
    const ended = new AbortController()
    const decoder = (await load({ ...server, kind: 'openai' }, 'chat', {
      signal: ended.signal,
      onLost: expect.unreachable,
    })) as LoadedDecoder
    ended.abort()
    const count = server.asked()
    await expect(collect(decoder, asked())).rejects.toThrow(/let go of/)
    await sleep(1_500) // past the next look
    expect(server.asked()).toBe(count)
    server.close()
  })
})

describe('an OpenAI server', () => {
  test('of unknown software is not asked to fill in: it may ignore what follows', async () => {
    const fake = await startFakeModelServer(FAKE_SERVERS.openai)
    const decoder = (await load({ url: fake.url, kind: 'openai' })) as LoadedDecoder
    const request = { model: 'm', prompt: 'a', infill: { suffix: 'b', extra: [] }, sampling: greedy }
    const { signal } = new AbortController()
    await expect(decoder.complete(request, () => {}, signal)).rejects.toMatchObject({ code: 'MODEL_CANNOT' })
    await decoder.dispose()
    await fake.stop()
  })

  test('whose key is missing is refused by name; the key is sent, and never part of an error', async () => {
    const seen: (string | undefined)[] = []
    const server = createServer((request, response) => {
      seen.push(request.headers.authorization)
      response.writeHead(request.url === '/v1/models' ? 200 : 401, { 'content-type': 'application/json' })
      response.end(
        '{"error":{"message":"no such key","type":"invalid_request_error","code":"invalid_api_key"}}',
      )
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const remote = {
      url: `http://127.0.0.1:${port}`,
      kind: 'openai',
      apiKeyEnv: 'TANDEM_TEST_PEER_KEY',
    } as const
    try {
      await expect(load(remote)).rejects.toThrow(/TANDEM_TEST_PEER_KEY, which is not set/)
      process.env['TANDEM_TEST_PEER_KEY'] = 'secret-of-the-test'
      const decoder = (await load(remote)) as LoadedDecoder
      const error = await collect(decoder, asked()).catch((thrown: Error) => thrown)
      expect(error).toMatchObject({ code: 'ENGINE_FAILED', message: expect.stringContaining('no such key') })
      expect(JSON.stringify(error)).not.toContain('secret-of-the-test')
      expect(seen).toContain('Bearer secret-of-the-test')
      await decoder.dispose()
    } finally {
      delete process.env['TANDEM_TEST_PEER_KEY']
      server.close()
    }
  })
})
