import { randomUUID } from 'node:crypto'
import {
  type AnswerTrait,
  type ChatDelta,
  type ChatMessage,
  type ChatRequest,
  type ChatResult,
  type CompletionRequest,
  imagesOf,
  type Model,
  type PromptCount,
  type ServerKind,
  TandemError,
  type ToolCall,
  type Usage,
} from '../../domain/index.ts'
import type { ChatPromptSpec, LoadedDecoder } from '../contract.ts'
import { namedTool } from '../decoder/index.ts'
import { chatBody, samplingBody, toMessages } from './chat-request.ts'
import type { ServerClient } from './client.ts'
import type { ServerSettings } from './settings.ts'
import { ChatChunk, CompletionChunk, type WireUsage } from './wire.ts'

/** UTF-8 bytes of a token, where a server does not count: few enough that a prompt is rather thought too long (an estimate). */
const BYTES_PER_TOKEN = 3
/** Of a message's template (an estimate). */
const TEMPLATE_TOKENS = 8
/** Of a picture, which models cut and scale each in its way: 576 of LLaVA, 256 of Gemma, up to 1,280 of Qwen-VL (an estimate). */
const IMAGE_TOKENS = 768

/** Their `/completions` take OpenAI's `suffix` (Ollama's docs/api/openai-compatibility); of any other one it may just be ignored. */
const FILL_IN: readonly ServerKind[] = ['ollama', 'tandem']

export interface DecoderOptions {
  readonly client: ServerClient
  readonly settings: ServerSettings
  readonly model: Model
  readonly contextTokens: number
  readonly slots: number
  /** Absent: `slots` are all. */
  readonly maxSlots?: number
  /** Whether it reads pictures; absent: as its model is known. */
  readonly images?: boolean | undefined
  /** `/v1`, or where else the API begins. */
  readonly api: string
  /** The server has several models: llama-server's native routes must name the one that is meant, too. */
  readonly byName?: boolean
}

/** Chats of any server that speaks OpenAI's API. It knows no token ids, so an answer that was begun elsewhere is refused. */
export class ServerDecoder implements LoadedDecoder {
  readonly kind = 'decoder'
  readonly resumes: readonly AnswerTrait[] = []
  readonly images: boolean
  readonly contextTokens: number
  readonly slots: number
  readonly maxSlots?: number
  readonly #options: DecoderOptions

  constructor(options: DecoderOptions) {
    this.#options = options
    this.contextTokens = options.contextTokens
    this.slots = options.slots
    if (options.maxSlots !== undefined) this.maxSlots = options.maxSlots
    this.images = options.images ?? options.model.chat?.images !== undefined
  }

  async chat(
    request: ChatRequest,
    onDelta: (delta: ChatDelta) => void,
    signal: AbortSignal,
    onProgress: () => void = () => {},
  ): Promise<ChatResult> {
    // servers disagree on what becomes of an unknown one; so does none of them
    if (typeof request.toolChoice === 'object') namedTool(request.tools, request.toolChoice.name)
    const { client, settings, model, api } = this.#options
    const body = chatBody(request, settings.as, settings.server.kind, model.chat)
    const answer = new Answer(onDelta)
    await client.stream(`${api}/chat/completions`, ChatChunk, body, signal, ({ choices, usage }) => {
      onProgress()
      const [choice] = choices
      answer.text(choice?.delta?.content)
      for (const part of choice?.delta?.tool_calls ?? []) answer.callPart(part)
      answer.ends(choice?.finish_reason, usage)
      return false
    })
    return answer.result(client)
  }

  async complete(
    { model: id, prompt, sampling, infill }: CompletionRequest,
    onDelta: (delta: ChatDelta) => void,
    signal: AbortSignal,
    onProgress: () => void = () => {},
  ): Promise<ChatResult> {
    const { client, settings, model, api } = this.#options
    if (infill && (infill.extra.length > 0 || !FILL_IN.includes(settings.server.kind)))
      throw new TandemError('MODEL_CANNOT', {
        model: id,
        what: infill.extra.length > 0 ? 'fill in code with other texts beside it' : 'fill in code',
        engine: client.name,
        why: 'its server has no such request',
      })
    const body = {
      model: settings.as,
      prompt,
      ...(infill ? { suffix: infill.suffix } : {}),
      stream: true,
      stream_options: { include_usage: true },
      ...samplingBody(sampling, settings.server.kind, model.chat),
    }
    const answer = new Answer(onDelta)
    await client.stream(`${api}/completions`, CompletionChunk, body, signal, ({ choices, usage }) => {
      onProgress()
      answer.text(choices[0]?.text)
      answer.ends(choices[0]?.finish_reason, usage)
      return false
    })
    return answer.result(client)
  }

  /** Estimates: OpenAI's API does not count. */
  countTokens(texts: readonly string[]): Promise<number[]> {
    return Promise.resolve(texts.map(estimatedTokens))
  }

  countPrompt({ messages, tools }: ChatPromptSpec): Promise<PromptCount> {
    const spoken = toMessages(withoutImages(messages)).map(
      (message) => TEMPLATE_TOKENS + estimatedTokens(JSON.stringify(message)),
    )
    const offered = tools.map((tool) => estimatedTokens(JSON.stringify(tool)))
    const written = [...spoken, ...offered].reduce((sum, tokens) => sum + tokens, 0)
    return Promise.resolve({ tokens: written + imageTokens(messages), estimated: true })
  }

  dispose(): Promise<void> {
    this.#options.client.dispose()
    return Promise.resolve()
  }
}

/** What is counted as text; `imageTokens` are counted beside it. */
export function withoutImages(messages: readonly ChatMessage[]): ChatMessage[] {
  return messages.map((message) => {
    if (imagesOf(message).length === 0) return message
    const { images: _, ...text } = message as Extract<ChatMessage, { role: 'user' | 'tool' }>
    return text
  })
}

/** Of all pictures (an estimate). */
export function imageTokens(messages: readonly ChatMessage[]): number {
  return IMAGE_TOKENS * messages.reduce((sum, message) => sum + imagesOf(message).length, 0)
}

function estimatedTokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / BYTES_PER_TOKEN)
}

interface CallPart {
  readonly index: number
  readonly id?: string | null | undefined
  readonly function?:
    | { readonly name?: string | null | undefined; readonly arguments?: string | null | undefined }
    | null
    | undefined
}

/** Puts an answer together from its chunks; a tool call is passed on when it is whole. */
class Answer {
  readonly #onDelta: (delta: ChatDelta) => void
  readonly #startedMs = performance.now()
  readonly #calls: { id: string; name: string; arguments: string }[] = []
  #firstMs: number | undefined
  #text = ''
  #sentCalls = 0
  #deltas = 0
  #finish: string | undefined
  #usage: WireUsage

  constructor(onDelta: (delta: ChatDelta) => void) {
    this.#onDelta = onDelta
  }

  text(text: string | null | undefined): void {
    if (!text) return
    this.#began()
    this.#text += text
    this.#onDelta({ type: 'text', text })
  }

  callPart({ index, id, function: part }: CallPart): void {
    this.#began()
    if (index > this.#sentCalls) this.#sendCalls(index) // the next one begins: those before it are whole
    const call = this.#call(index)
    call.id ||= id ?? ''
    call.name += part?.name ?? ''
    call.arguments += part?.arguments ?? ''
  }

  ends(reason: string | null | undefined, usage: WireUsage): void {
    this.#finish ??= reason ?? undefined
    this.#usage ??= usage
  }

  /** @throws TandemError ENGINE_FAILED when the stream ended without an end of the answer */
  result(client: ServerClient): ChatResult {
    if (this.#finish === undefined) throw client.brokeOff()
    const isWhole = this.#finish !== 'length' // a call that did not fit is no call
    if (isWhole) this.#sendCalls(this.#calls.length)
    const toolCalls = this.#calls.slice(0, this.#sentCalls)
    const nowMs = performance.now()
    const firstMs = this.#firstMs ?? nowMs
    return {
      text: this.#text,
      toolCalls,
      finishReason: toolCalls.length > 0 ? 'tool_calls' : isWhole ? 'stop' : 'length',
      usage: this.#counted(),
      timings: { firstTokenMs: firstMs - this.#startedMs, decodeMs: nowMs - firstMs },
    }
  }

  /** Where a server does not count, each delta was a token. */
  #counted(): Usage {
    const { prompt_tokens = 0, completion_tokens = this.#deltas, prompt_tokens_details } = this.#usage ?? {}
    return {
      promptTokens: prompt_tokens,
      completionTokens: completion_tokens,
      cachedTokens: Math.min(prompt_tokens, prompt_tokens_details?.cached_tokens ?? 0),
    }
  }

  #began(): void {
    this.#firstMs ??= performance.now()
    this.#deltas += 1
  }

  #call(index: number) {
    this.#calls[index] ??= { id: '', name: '', arguments: '' }
    return this.#calls[index]
  }

  #sendCalls(before: number): void {
    for (; this.#sentCalls < before; this.#sentCalls++) {
      const made = this.#call(this.#sentCalls)
      made.id ||= `call_${randomUUID()}`
      made.arguments ||= '{}'
      const call: ToolCall = { ...made }
      this.#onDelta({ type: 'toolCall', index: this.#sentCalls, call })
    }
  }
}
