import type { ChatWrapper, Llama, LlamaContext, LlamaModel, Token } from 'node-llama-cpp'
import {
  asTandemError,
  type ChatDelta,
  type ChatRequest,
  type ChatResult,
  type ChatTraits,
  type CompletionRequest,
  type Sampling,
  TandemError,
} from '../../domain/index.ts'
import type { ChatPromptSpec, LoadedDecoder } from '../contract.ts'
import type { SlotPool } from '../decoder/index.ts'
import { type Answer, prepareAnswer } from './answer.ts'
import { type Decoded, type DecodeSettings, type Decoding, decode } from './decode.ts'
import { firstSentence } from './device.ts'
import { type Prompt, renderPrompt } from './prompt.ts'
import { chancesOf } from './sampling.ts'
import { type Slot, slotsOf } from './slots.ts'
import type { Decode } from './tool-call.ts'

/** What a decoder owns; it disposes all of it. */
export interface Loaded {
  readonly llama: Llama
  readonly model: LlamaModel
  readonly context: LlamaContext
  readonly wrapper: ChatWrapper
  readonly traits: ChatTraits | undefined
  readonly contextTokens: number
  /** Tokens read at once; between two reads a cancel is seen. */
  readonly block: number
}

/** A GGUF model that answers chats, several at once. */
export class LlamaDecoder implements LoadedDecoder {
  readonly kind = 'decoder'
  readonly contextTokens: number
  readonly slots: number
  readonly #pool: SlotPool<Slot, Token>
  readonly #settings: DecodeSettings

  constructor(readonly loaded: Loaded) {
    this.contextTokens = loaded.contextTokens
    this.slots = loaded.context.totalSequences
    this.#pool = slotsOf(loaded.context)
    this.#settings = { model: loaded.model, window: loaded.contextTokens, block: loaded.block }
  }

  chat(
    request: ChatRequest,
    onDelta: (delta: ChatDelta) => void,
    signal: AbortSignal,
    onProgress = () => {},
  ): Promise<ChatResult> {
    return asEngineErrors(async () => {
      const { traits } = this.loaded
      const prepared = await prepareAnswer(
        { ...this.loaded, groundedOnly: traits?.groundedOnly ?? false },
        request,
      )
      const run = (decode: Decode) => prepared.run(decode, onDelta)
      return this.#run(prepared.prompt, request.sampling, { signal, onProgress }, run)
    })
  }

  complete(
    request: CompletionRequest,
    onDelta: (delta: ChatDelta) => void,
    signal: AbortSignal,
    onProgress = () => {},
  ): Promise<ChatResult> {
    return asEngineErrors(async () => {
      const prompt = { tokens: this.#rawTokens(request.prompt), stopTokens: new Set<never>() }
      return this.#run(prompt, request.sampling, { signal, onProgress }, async (decode) => {
        const { text, end } = await decode({
          prompt: prompt.tokens,
          stops: request.sampling.stop,
          onText: (piece) => onDelta({ type: 'text', text: piece }),
        })
        return { text, toolCalls: [], finishReason: end }
      })
    })
  }

  async countTokens(texts: readonly string[]): Promise<number[]> {
    return texts.map((text) => this.loaded.model.tokenize(text, false).length)
  }

  countPrompt({ messages, tools }: ChatPromptSpec): Promise<number> {
    return asEngineErrors(async () => {
      const { model, wrapper } = this.loaded
      return renderPrompt(model, wrapper, messages, tools).tokens.length
    })
  }

  async dispose(): Promise<void> {
    await this.loaded.context.dispose()
    await this.loaded.model.dispose()
    await this.loaded.llama.dispose()
  }

  /** Takes a slot for all decodings of one answer and adds up what they cost. */
  async #run(
    prompt: Prompt,
    sampling: Sampling,
    { signal, onProgress }: Required<Pick<Decoding, 'signal' | 'onProgress'>>,
    answer: (decode: Decode) => Promise<Answer>,
  ): Promise<ChatResult> {
    const startedAt = performance.now()
    const promptTokens = prompt.tokens.length
    if (promptTokens >= this.contextTokens)
      throw new TandemError('CONTEXT_LENGTH_EXCEEDED', { limit: this.contextTokens, tokens: promptTokens })
    const chances = chancesOf(sampling, this.loaded.traits, this.contextTokens)
    const slot = await this.#pool.take(prompt.tokens, signal)
    try {
      let left = sampling.maxTokens ?? this.loaded.traits?.maxTokens ?? Number.POSITIVE_INFINITY
      let completionTokens = 0
      let first: Decoded | undefined
      const result = await answer(async (work) => {
        // only what was decoded before can have filled the window here
        const full = first !== undefined && work.prompt.length >= this.contextTokens
        const decoded = await decode(this.#settings, slot, {
          stops: [],
          stopTokens: prompt.stopTokens,
          ...work,
          ...(full ? { prompt: prompt.tokens } : {}),
          chances,
          signal,
          onProgress,
          maxTokens: full ? 0 : left,
        })
        first ??= decoded
        left -= decoded.tokens.length
        completionTokens += decoded.tokens.length
        return decoded
      })
      const endedAt = performance.now()
      const firstAt = first?.firstTokenAt || endedAt
      return {
        ...result,
        usage: { promptTokens, completionTokens, cachedTokens: first?.cachedTokens ?? 0 },
        timings: { firstTokenMs: firstAt - startedAt, decodeMs: endedAt - firstAt },
      }
    } finally {
      this.#pool.give(slot)
    }
  }

  /** Special tokens are read as such: editors send fill-in-the-middle prompts this way. */
  #rawTokens(text: string) {
    const { model } = this.loaded
    const tokens = model.tokenize(text, true)
    const { bos, eos, shouldPrependBosToken } = model.tokens
    const start = bos ?? eos
    if (
      start !== null &&
      start !== undefined &&
      (tokens.length === 0 || (shouldPrependBosToken && tokens[0] !== bos))
    )
      return [start, ...tokens]
    if (tokens.length === 0)
      throw new TandemError('INVALID_REQUEST', { what: 'the prompt is empty' }, { param: 'prompt' })
    return tokens
  }
}

async function asEngineErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (thrown) {
    throw asTandemError(thrown, 'ENGINE_FAILED', { engine: 'llama.cpp', why: firstSentence(thrown) })
  }
}
