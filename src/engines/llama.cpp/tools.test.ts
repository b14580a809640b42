import { join } from 'node:path'
import { ChatMLChatWrapper, LlamaText, SpecialTokensText } from 'node-llama-cpp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PACKAGE_ROOT } from '../../config/index.ts'
import type { ToolCall } from '../../domain/index.ts'
import { chatOf, collect, resumeAfter, user } from '../decoder.suite.ts'
import { LlamaDecoder } from './decoder.ts'
import { openLlama } from './device.ts'

/**
 * The shipped model never calls a tool by itself. Here its template gets a form of calls that begins with words that
 * it does write, so that the whole way runs with a real model: text, trigger, name, arguments, more calls, end.
 */
class CallingWrapper extends ChatMLChatWrapper {
  override readonly settings = {
    supportsSystemMessages: true,
    functions: {
      call: {
        optionalPrefixSpace: true,
        prefix: LlamaText(new SpecialTokensText('rejects a'), ' {"name": "'),
        paramsPrefix: LlamaText('", "arguments": '),
        suffix: LlamaText('}'),
        emptyCallParamsPlaceholder: {},
      },
      result: { prefix: LlamaText('\nresult: '), suffix: LlamaText('\n') },
    },
  }

  override generateAvailableFunctionsSystemText() {
    return LlamaText([])
  }
}

const messages = [
  {
    role: 'system',
    content: `You answer questions about the project demo from the passages below. Cite the passages that you use as [1], [2]. If they do not answer the question, say so.

[1] src/queue/admission.ts:10-18
\`\`\`ts
/** Rejects a request with 429 when the queue of its device is full. */
export function admitRequest(queue: Queue, request: Request): Admission {
  if (queue.length >= queue.maxWaiting) return { status: 429 }
  return { status: 202 }
}
\`\`\``,
  },
  user('What does admitRequest do?'),
] as const

const tools = [
  {
    name: 'reject',
    parameters: { type: 'object', properties: { status: { enum: [429, 500] } }, required: ['status'] },
  },
  {
    name: 'rejectAll',
    parameters: { type: 'object', properties: { why: { type: 'string', maxLength: 8 } } },
  },
]

describe('tools by the template', () => {
  let decoder: LlamaDecoder

  beforeAll(async () => {
    const llama = await openLlama('cpu', 1, () => {})
    const modelPath = join(PACKAGE_ROOT, 'models', 'tandem-tiny-chat', 'tandem-tiny-chat-Q8_0.gguf')
    const model = await llama.loadModel({ modelPath, gpuLayers: 0 })
    const context = await model.createContext({ contextSize: 2048, sequences: 1, batchSize: 97, threads: 1 })
    const traits = { groundedOnly: true, temperature: 0, maxTokens: 220 }
    decoder = new LlamaDecoder({
      llama,
      model,
      context,
      wrapper: new CallingWrapper(),
      traits,
      contextTokens: 2048,
      block: 96,
      exactReplay: 100,
    })
  })
  afterAll(async () => {
    await decoder?.dispose()
  })

  test('text, then a call that the model began itself', async () => {
    const sampling = { temperature: 0, maxTokens: 60, stop: [] }
    const plain = await collect(decoder, chatOf(messages, { sampling }))
    expect(plain.result.text).toContain('rejects a')

    const { result, text, deltas } = await collect(decoder, chatOf(messages, { tools, sampling }))
    expect(result.finishReason).toBe('tool_calls')
    expect(text).toBe(plain.result.text.slice(0, plain.result.text.indexOf('rejects a')))
    expect(result.text).toBe(text)
    expect(deltas.flatMap((delta) => (delta.type === 'toolCall' ? [delta.call] : []))).toEqual(
      result.toolCalls,
    )
    for (const call of result.toolCalls) {
      expect(['reject', 'rejectAll']).toContain(call.name)
      const given = JSON.parse(call.arguments)
      if (call.name === 'reject') expect([429, 500]).toContain(given.status)
    }
    expect(new Set(result.toolCalls.map((call) => call.id)).size).toBe(result.toolCalls.length)
  })

  test('[failure-domains] text and calls go on after every delta: nothing is missing, no call comes twice', async () => {
    const request = chatOf(messages, { tools, sampling: { temperature: 0, maxTokens: 60, stop: [] } })
    const { result: whole, deltas } = await collect(decoder, request)
    const plain = (calls: readonly ToolCall[]) => calls.map(({ id: _, ...call }) => call)
    for (let cut = 1; cut <= deltas.length; cut++) {
      const resume = resumeAfter(deltas.slice(0, cut))
      const { result, deltas: more } = await collect(decoder, { ...request, resume })
      expect(resume.text + result.text).toBe(whole.text)
      expect(plain([...resume.toolCalls, ...result.toolCalls])).toEqual(plain(whole.toolCalls))
      expect(result.finishReason).toBe(whole.finishReason)
      const indexes = more.flatMap((delta) => (delta.type === 'toolCall' ? [delta.index] : []))
      expect(indexes).toEqual(result.toolCalls.map((_, i) => resume.toolCalls.length + i))
    }
    expect(deltas.filter(({ type }) => type === 'text').length).toBeGreaterThan(1)
    expect(whole.toolCalls.length).toBeGreaterThan(0)
  })

  test('a schema that no grammar can keep does not stop a chat in which the model is free', async () => {
    const odd = [
      { name: 'reject', parameters: { type: 'object', properties: { a: { type: 'string', pattern: 'x' } } } },
    ]
    const sampling = { temperature: 0, maxTokens: 40, stop: [] }
    const { result } = await collect(decoder, chatOf(messages, { tools: odd, sampling }))
    expect(result.toolCalls.length + result.text.length).toBeGreaterThan(0)
    for (const call of result.toolCalls) expect(JSON.parse(call.arguments)).toBeTypeOf('object')
    const forced = collect(decoder, chatOf(messages, { tools: odd, toolChoice: 'required' }))
    await expect(forced).rejects.toMatchObject({ message: expect.stringContaining('properties.a.pattern') })
  })

  test('a forced call uses the form of the template', async () => {
    const { result } = await collect(decoder, chatOf(messages, { tools, toolChoice: { name: 'reject' } }))
    expect(result.toolCalls).toEqual([
      {
        id: expect.stringMatching(/^call_/),
        name: 'reject',
        arguments: expect.stringMatching(/^\{"status": ?(429|500)\}$/),
      },
    ])
  })

  test('calls and results of earlier turns are read in that form', async () => {
    const call = { id: 'call_1', name: 'reject', arguments: '{"status": 429}' }
    const { tokens: before } = await decoder.countPrompt({ messages, tools })
    const history = [
      ...messages,
      { role: 'assistant', content: '', toolCalls: [call] } as const,
      { role: 'tool', content: 'rejected', toolCallId: 'call_1' } as const,
    ]
    expect((await decoder.countPrompt({ messages: history, tools })).tokens).toBeGreaterThan(before + 15)
    const { result } = await collect(decoder, chatOf(history, { tools, toolChoice: 'none' }))
    expect(result.text).not.toBe('')
  })
})
