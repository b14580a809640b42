import type { ChatWrapper, Llama, LlamaContext, LlamaModel, Token } from 'node-llama-cpp'
import {
  type AnswerTrait,
  asTandemError,
  type ChatDelta,
  type ChatRequest,
  type ChatResult,
  type ChatTraits,
  type CompletionRequest,
  type PromptCount,
  TandemError,
  type TokenizeRequest,
} from '../../domain/index.ts'
import type { ChatPromptSpec, LoadedDecoder } from '../contract.ts'
import { knownTokens, type SlotPool } from '../decoder/index.ts'
import { endOf, type PreparedAnswer, prepareAnswer, replayOf } from './answer.ts'
import { type Decoded, type DecodeSettings, decode } from './decode.ts'
import { firstSentence } from './device.ts'
import { infillPrompt } from './infill.ts'
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
  /** Tokens that are read again one by one where an answer must be reproducible. */
  readonly exactReplay: number
}

/** A request with its prompt. */
interface Run extends Pick<ChatRequest, 'sampling' | 'resume'> {
  readonly prompt: Prompt
  readonly onDelta: (delta: ChatDelta) => void
  readonly signal: AbortSignal
  readonly onProgress: () => void
}

/** A GGUF model that answers chats, several at once. */
export class LlamaDecoder implements LoadedDecoder {
  readonly kind = 'decoder'
  readonly resumes: readonly AnswerTrait[] = ['chat', 'text', 'tools', 'json', 'infill']
  readonly images = false
  readonly contextTokens: number
  readonly slots: number
  readonly #pool: SlotPool<Slot, Token>
  readonly #settings: DecodeSettings

  constructor(readonly loaded: Loaded) {
    this.contextTokens = loaded.contextTokens
    this.slots = loaded.context.totalSequences
    this.#pool = slotsOf(loaded.context)
    const { model, contextTokens, block, exactReplay } = loaded
    this.#settings = { model, window: contextTokens, block, exactReplay }
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
      return this.#run({ ...request, prompt: prepared.prompt, onDelta, signal, onProgress }, prepared.run)
    })
  }

  complete(
    request: CompletionRequest,
    onDelta: (delta: ChatDelta) => void,
    signal: AbortSignal,
    onProgress = () => {},
  ): Promise<ChatResult> {
    return asEngineErrors(async () => {
      const prompt = request.infill
        ? infillPrompt(this.loaded.model, request, this.contextTokens)
        : { tokens: this.#rawTokens(request.prompt), stopTokens: new Set<never>() }
      return this.#run({ ...request, prompt, onDelta, signal, onProgress }, async (decode, emit) => {
        const decoded = await decode({
          prompt: prompt.tokens,
          stops: request.sampling.stop,
          onText: (piece, tokens) => emit({ type: 'text', text: piece, tokens }),
          ...replayOf(this.loaded.model, request.resume),
        })
        return { text: decoded.text, toolCalls: [], ...endOf(decoded) }
      })
    })
  }

  async countTokens(texts: readonly string[]): Promise<number[]> {
    return texts.map((text) => this.loaded.model.tokenize(text, false).length)
  }

  countPrompt({ messages, tools }: ChatPromptSpec): Promise<PromptCount> {
    return asEngineErrors(async () => {
      const { model, wrapper } = this.loaded
      return { tokens: renderPrompt(model, wrapper, messages, tools).tokens.length, estimated: false }
    })
  }

  async tokenize({ text, add, parse }: TokenizeRequest): Promise<number[]> {
    const { model } = this.loaded
    const tokens = model.tokenize(text, parse)
    const { bos, shouldPrependBosToken } = model.tokens
    const begins = add && shouldPrependBosToken && bos !== null && tokens[0] !== bos
    return begins ? [bos, ...tokens] : tokens
  }

  async detokenize(tokens: readonly number[]): Promise<string> {
    const { model } = this.loaded
    knownTokens(tokens, model.fileInfo.metadata.tokenizer.ggml.tokens.length)
    return model.detokenize(tokens as Token[], true)
  }

  async setThreads(threads: number): Promise<void> {
    this.loaded.llama.maxThreads = threads
  }

  async dispose(): Promise<void> {
    await this.loaded.context.dispose()
    await this.loaded.model.dispose()
    await this.loaded.llama.dispose()
  }

  /** Takes a slot for all decodings of one answer and adds up what they cost. */
  async #run(
    { prompt, sampling, resume, onDelta, signal, onProgress }: Run,
    answer: PreparedAnswer['run'],
  ): Promise<ChatResult> {
    const startedAt = performance.now()
    const promptTokens = prompt.tokens.length
    if (promptTokens >= this.contextTokens)
      throw new TandemError('CONTEXT_LENGTH_EXCEEDED', { limit: this.contextTokens, tokens: promptTokens })
    const chances = chancesOf(sampling, this.loaded.traits, this.contextTokens)
    const begun = replayOf(this.loaded.model, resume).replay?.tokens ?? []
    const slot = await this.#pool.take([...prompt.tokens, ...begun], signal)
    try {
      const most = sampling.maxTokens ?? this.loaded.traits?.maxTokens ?? Number.POSITIVE_INFINITY
      let left = most - begun.length - (resume?.callTokens ?? 0)
      let completionTokens = 0
      let told = 0
      let first: Decoded | undefined
      const decodeMore: Decode = async (work) => {
        // only what was decoded before can have filled the window here
        const full = work.prompt.length >= this.contextTokens
        const replayed = work.replay?.tokens.length ?? 0
        const decoded = await decode(this.#settings, slot, {
          stops: [],
          stopTokens: prompt.stopTokens,
          ...work,
          ...(full ? { prompt: prompt.tokens } : {}),
          chances,
          signal,
          onProgress,
          maxTokens: full ? 0 : left + replayed,
        })
        first ??= decoded
        left -= decoded.tokens.length - replayed
        completionTokens += decoded.tokens.length - replayed
        return decoded
      }
      const result = await answer(decodeMore, (delta) => {
        if (delta.type === 'text') {
          told += delta.tokens?.length ?? 0
          onDelta(delta)
        } else {
          onDelta({ ...delta, spentTokens: completionTokens - told })
          told = completionTokens
        }
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
