import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  asTandemError,
  type Embedding,
  type EmbedInput,
  type EmbedOutput,
  TandemError,
} from '../../domain/index.ts'
import type { LoadedEncoder } from '../contract.ts'
import type { Encoded, EncoderTokenizer } from '../text/index.ts'
import { planBatches } from './batches.ts'
import { onnxruntime } from './descriptor.ts'
import { poolRows } from './pool.ts'
import type { EncoderSession } from './session.ts'

/** Tokenizing goes on for so long before other messages of the process get their turn. */
const TURN_MS = 10

export class LoadedOnnxEncoder implements LoadedEncoder {
  readonly kind = 'encoder'
  readonly dimensions: number
  readonly maxTokens: number
  readonly #session: EncoderSession
  readonly #tokenizer: EncoderTokenizer
  readonly #embedding: Embedding
  #disposed = false

  constructor(session: EncoderSession, tokenizer: EncoderTokenizer, embedding: Embedding, maxTokens: number) {
    this.dimensions = embedding.dimensions
    this.maxTokens = maxTokens
    this.#session = session
    this.#tokenizer = tokenizer
    this.#embedding = embedding
  }

  /** One inference, so that the first request does not pay for allocations. @throws Error on wrong dimensions */
  async warmUp(): Promise<void> {
    const { ids } = this.#tokenizer.encode('warm up', 'passage')
    const { dimensions } = await this.#session.run([ids])
    if (dimensions !== this.dimensions)
      throw new Error(`the model has ${dimensions} dimensions, the manifest says ${this.dimensions}`)
  }

  async embed(
    inputs: readonly EmbedInput[],
    purpose: 'query' | 'passage',
    signal: AbortSignal,
  ): Promise<EmbedOutput> {
    const encoded = await this.#encode(inputs, purpose, signal)
    const tokens = encoded.map((input) => input.ids.length)
    const vectors = new Float32Array(inputs.length * this.dimensions)
    const { pooling, normalize } = this.#embedding
    for (const batch of planBatches(tokens)) {
      await turn(signal) // the native call blocks: messages of the process are read in between
      const states = await this.#run(batch.map((index) => encoded[index]!.ids))
      const lengths = batch.map((index) => tokens[index]!)
      poolRows(states.data, states.width, this.dimensions, lengths, pooling, normalize, vectors, batch)
    }
    const truncated = encoded.flatMap((input, index) => (input.truncated ? [index] : []))
    return { vectors, dimensions: this.dimensions, tokens, truncated }
  }

  async dispose(): Promise<void> {
    if (this.#disposed) return
    this.#disposed = true
    await this.#session.dispose()
  }

  async #encode(
    inputs: readonly EmbedInput[],
    purpose: 'query' | 'passage',
    signal: AbortSignal,
  ): Promise<Encoded[]> {
    const encoded: Encoded[] = []
    let turnEnds = performance.now() + TURN_MS
    for (const [index, input] of inputs.entries()) {
      if (performance.now() > turnEnds) {
        await turn(signal)
        turnEnds = performance.now() + TURN_MS
      }
      encoded.push(
        typeof input === 'string' ? this.#tokenizer.encode(input, purpose) : this.#wrap(input, index),
      )
    }
    return encoded
  }

  #wrap(ids: readonly number[], index: number): Encoded {
    const limit = this.#tokenizer.vocabularySize
    const wrong = ids.find((id) => !Number.isInteger(id) || id < 0 || id >= limit)
    if (wrong === undefined) return this.#tokenizer.wrap(ids)
    const what = `input: ${wrong} is not a token id of this model; allowed: 0 to ${limit - 1}`
    throw new TandemError('INVALID_REQUEST', { what }, { param: `input.${index}` })
  }

  async #run(rows: readonly (readonly number[])[]): ReturnType<EncoderSession['run']> {
    try {
      if (this.#disposed) throw new Error('the model was unloaded')
      return await this.#session.run(rows)
    } catch (error) {
      throw asTandemError(error, 'ENGINE_FAILED', { engine: onnxruntime.title })
    }
  }
}

async function turn(signal: AbortSignal): Promise<void> {
  await nextTurn()
  if (signal.aborted) throw new TandemError('CANCELLED')
}
