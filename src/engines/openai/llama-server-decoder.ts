import {
  type AnswerTrait,
  type ChatDelta,
  type ChatRequest,
  type ChatResult,
  type ChatResume,
  type CompletionRequest,
  type Infill,
  type JsonSchema,
  type PromptCount,
  type Sampling,
  TandemError,
  type TokenizeRequest,
  traitsOf,
} from '../../domain/index.ts'
import type { ChatPromptSpec } from '../contract.ts'
import { knownTokens, StopScanner } from '../decoder/index.ts'
import { samplingBody, toMessages, toTool } from './chat-request.ts'
import { type DecoderOptions, imageTokens, ServerDecoder, withoutImages } from './decoder.ts'
import { ownTemplate, type Render, type TemplateSource } from './own-template.ts'
import { Content, Prompt, RawChunk, Tokens, Vocabulary } from './wire.ts'

const REPLACEMENT = '\uFFFD'
/** An unfinished UTF-8 character has at most three bytes, each a token at most. */
const MAX_BROKEN = 3
/** An aborted signal that nobody aborts. */
const never = new AbortController().signal
/** For the head of a rendering that only makes chats faster. */
const PROBE_MS = 5_000

interface Run {
  /** Text, or ids. */
  readonly prompt: string
  readonly infill?: Infill | undefined
  readonly sampling: Sampling
  readonly schema?: JsonSchema | undefined
  readonly resume?: ChatResume | undefined
  readonly onDelta: (delta: ChatDelta) => void
  readonly signal: AbortSignal
  readonly onProgress: () => void
}

/**
 * Chats of llama-server by its native route, which tells the ids of what it writes and takes ids to go on from: an answer may
 * begin or end elsewhere. Tools, and templates that think aloud, go through its OpenAI route, whose parsers know them.
 */
export class LlamaServerDecoder extends ServerDecoder {
  /** What its server's parsers read cannot begin in the middle, nor can a grammar. */
  override readonly resumes: readonly AnswerTrait[]
  readonly #options: DecoderOptions
  readonly #thinks: boolean
  #render: Render | undefined
  /** How many tokens its model has. */
  #vocabulary: number | undefined

  private constructor(options: DecoderOptions, { template }: TemplateSource) {
    super(options)
    this.#options = options
    this.#thinks = /think|reason|channel/i.test(template)
    this.resumes = this.#thinks ? ['text'] : ['chat', 'text']
  }

  /** @param source template of its chats; @throws TandemError ENGINE_FAILED */
  static async open(options: DecoderOptions, source: TemplateSource): Promise<LlamaServerDecoder> {
    const decoder = new LlamaServerDecoder(options, source)
    decoder.#render = await ownTemplate(source, (messages) =>
      decoder.#renderedThere({ messages, tools: [] }, never, PROBE_MS),
    )
    return decoder
  }

  override async chat(
    request: ChatRequest,
    onDelta: (delta: ChatDelta) => void,
    signal: AbortSignal,
    onProgress: () => void = () => {},
  ): Promise<ChatResult> {
    const { sampling, resume, responseFormat } = request
    const traits = traitsOf(request)
    if (traits.includes('tools') || traits.includes('images') || this.#thinks)
      return super.chat(request, onDelta, signal, onProgress)
    const schema =
      responseFormat.type === 'json_schema'
        ? responseFormat.schema
        : responseFormat.type === 'json_object'
          ? { type: 'object' }
          : undefined
    const prompt = await this.#rendered({ messages: request.messages, tools: [] }, signal)
    return this.#run({ prompt, sampling, schema, resume, onDelta, signal, onProgress })
  }

  override complete(
    { prompt, sampling, resume, infill }: CompletionRequest,
    onDelta: (delta: ChatDelta) => void,
    signal: AbortSignal,
    onProgress: () => void = () => {},
  ): Promise<ChatResult> {
    return this.#run({ prompt, infill, sampling, resume, onDelta, signal, onProgress })
  }

  tokenize({ text, add, parse }: TokenizeRequest): Promise<number[]> {
    return this.#tokens({ content: text, add_special: add, parse_special: parse }, never)
  }

  /** An id that it has no text for is checked here: the server answers 500, as if something were wrong with it, or wraps it. */
  async detokenize(tokens: readonly number[]): Promise<string> {
    this.#vocabulary ??= await this.#vocabularyThere()
    if (this.#vocabulary !== undefined) knownTokens(tokens, this.#vocabulary)
    return this.#textOf(tokens, never)
  }

  override async countTokens(texts: readonly string[]): Promise<number[]> {
    const counts: number[] = []
    for (const text of texts) counts.push((await this.#ids(text, false, never)).length)
    return counts
  }

  override async countPrompt({ messages, tools }: ChatPromptSpec): Promise<PromptCount> {
    const text = await this.#rendered({ messages: withoutImages(messages), tools }, never)
    const ofImages = imageTokens(messages)
    return { tokens: (await this.#ids(text, true, never)).length + ofImages, estimated: ofImages > 0 }
  }

  async #run({
    prompt,
    infill,
    sampling,
    schema,
    resume,
    onDelta,
    signal,
    onProgress,
  }: Run): Promise<ChatResult> {
    const startedMs = performance.now()
    const { client, model } = this.#options
    const { max_tokens: most, stop: _, ...chances } = samplingBody(sampling, 'llama-server', model.chat)
    const begun = resume ? await this.#replayed(resume, signal) : undefined
    const done = begun?.ids.length ?? 0
    const left = typeof most === 'number' ? most - done : -1
    const stops = new StopScanner(sampling.stop)
    let [text, written, firstMs] = ['', 0, undefined as number | undefined]
    let [promptTokens, cachedTokens, counted] = [0, 0, 0]
    let finish: ChatResult['finishReason'] | undefined
    const show = (fresh: string, tokens: readonly number[] | undefined) => {
      firstMs ??= performance.now()
      text += fresh
      if (fresh !== '' || (tokens && tokens.length > 0))
        onDelta({ type: 'text', text: fresh, ...(tokens ? { tokens } : {}) })
    }
    const pending = begun ? stops.push(begun.pending) : ''
    if (pending !== '') show(pending, [])
    if (stops.hit !== undefined || left === 0 || (typeof most === 'number' && left < 0))
      finish = stops.hit === undefined ? 'length' : 'stop'
    const prompted = begun ? [...(await this.#ids(prompt, true, signal)), ...begun.ids] : prompt
    if (finish !== undefined) promptTokens = prompted.length - (begun?.ids.length ?? 0)
    else {
      const body = {
        ...this.#named,
        ...(infill ? infillBody(prompt, infill) : { prompt: prompted }),
        n_predict: left,
        stream: true,
        return_tokens: true,
        cache_prompt: true,
        ...chances,
        ...(sampling.seed === undefined
          ? {}
          : { seed: (Math.abs(Math.trunc(sampling.seed)) + done) % 2 ** 32 }),
        ...(schema ? { json_schema: schema } : {}),
      }
      const take = (chunk: ReturnType<typeof RawChunk.parse>) => {
        if (finish !== undefined) return false
        onProgress()
        counted = chunk.tokens_predicted
        promptTokens = chunk.tokens_evaluated - (begun?.ids.length ?? 0)
        cachedTokens = Math.min(promptTokens, chunk.timings?.cache_n ?? cachedTokens)
        written += chunk.tokens.length
        const isGap = !chunk.stop && written !== counted // bytes of a character were held back, and their ids with them
        if (isGap) written = counted
        const fresh = stops.push(chunk.content)
        if (stops.hit !== undefined) finish = 'stop'
        else if (chunk.stop) finish = chunk.stop_type === 'limit' ? 'length' : 'stop'
        show(
          finish === undefined || stops.hit !== undefined ? fresh : fresh + stops.flush(),
          isGap ? undefined : chunk.tokens,
        )
        return stops.hit !== undefined // decoding goes on until the server hears of it
      }
      try {
        await client.stream(infill ? '/infill' : '/completion', RawChunk, body, signal, take)
      } catch (thrown) {
        const broke = firstMs !== undefined && thrown instanceof TandemError && thrown.cause instanceof Error
        throw broke && !signal.aborted ? client.lostWriter() : thrown
      }
    }
    if (finish === undefined) throw client.lostWriter()
    const nowMs = performance.now()
    return {
      text,
      toolCalls: [],
      finishReason: finish,
      usage: { promptTokens, completionTokens: counted, cachedTokens },
      timings: { firstTokenMs: (firstMs ?? nowMs) - startedMs, decodeMs: nowMs - (firstMs ?? nowMs) },
    }
  }

  /** Ids to read after the prompt, and the text of theirs that was not shown yet. @throws TandemError CANNOT_CONTINUE */
  async #replayed({ tokens, text }: ChatResume, signal: AbortSignal) {
    if (tokens.length === 0) return { ids: await this.#ids(text, false, signal), pending: '' }
    let ids = tokens
    let whole = await this.#textOf(ids, signal)
    // half a character was not shown: it is written again
    for (let broken = 0; whole.endsWith(REPLACEMENT) && broken < MAX_BROKEN; broken++) {
      ids = ids.slice(0, -1)
      whole = await this.#textOf(ids, signal)
    }
    if (!whole.startsWith(text))
      throw new TandemError('CANNOT_CONTINUE', { engine: 'openai', why: 'the same ids give another text' })
    return { ids, pending: whole.slice(text.length) }
  }

  async #rendered(prompt: ChatPromptSpec, signal: AbortSignal): Promise<string> {
    const own = prompt.tools.length > 0 ? undefined : this.#render?.(prompt.messages)
    return own ?? this.#renderedThere(prompt, signal)
  }

  async #renderedThere(
    { messages, tools }: ChatPromptSpec,
    signal: AbortSignal,
    headMs?: number,
  ): Promise<string> {
    const body = {
      ...this.#named,
      messages: toMessages(messages),
      ...(tools.length > 0 ? { tools: tools.map(toTool) } : {}),
    }
    const bounds = { signal, ...(headMs === undefined ? {} : { headMs }) }
    return (await this.#options.client.json('/apply-template', Prompt, { body, ...bounds })).prompt
  }

  /** @param asPrompt special tokens are read as such, and one that begins a text is added */
  async #ids(content: string, asPrompt: boolean, signal: AbortSignal): Promise<number[]> {
    return this.#tokens({ content, add_special: asPrompt, parse_special: asPrompt }, signal)
  }

  async #tokens(body: object, signal: AbortSignal): Promise<number[]> {
    const named = { ...this.#named, ...body }
    return (await this.#options.client.json('/tokenize', Tokens, { body: named, signal })).tokens
  }

  async #textOf(tokens: readonly number[], signal: AbortSignal): Promise<string> {
    if (tokens.length === 0) return ''
    const body = { ...this.#named, tokens }
    return (await this.#options.client.json('/detokenize', Content, { body, signal })).content
  }

  async #vocabularyThere(): Promise<number | undefined> {
    const { data } = await this.#options.client.json('/v1/models', Vocabulary, { signal: never })
    const { byName, settings } = this.#options
    return (byName ? data.find(({ id }) => id === settings.as) : data[0])?.meta?.n_vocab
  }

  /** A router sends a request to the process of the model that its body names. */
  get #named(): { readonly model?: string } {
    return this.#options.byName ? { model: this.#options.settings.as } : {}
  }
}

/** llama.cpp tools/server/README.md: "POST /infill". */
function infillBody(prefix: string, { suffix, extra }: Infill): Record<string, unknown> {
  const input_extra = extra.map(({ name, text }) => ({ filename: name, text }))
  return { input_prefix: prefix, input_suffix: suffix, input_extra }
}
