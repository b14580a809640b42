import type { Embedding, EmbedInput, EmbedOutput, EngineDescriptor, LayerTime } from '../../domain/index.ts'
import type { LoadedEncoder } from '../contract.ts'
import type { EncoderTokenizer } from '../text/index.ts'
import { OwnedSession } from './owned-session.ts'
import { placeRows, poolRows } from './pool.ts'
import type { BatchOutput, EncoderSession } from './session.ts'
import { tokenize } from './tokenize.ts'
import { turn } from './turn.ts'

/** An embedding model on any engine's session: tokenizes, lets the session run, pools. */
export class Embedder implements LoadedEncoder {
  readonly kind = 'encoder'
  readonly dimensions: number
  readonly maxTokens: number
  readonly #session: OwnedSession
  readonly #tokenizer: EncoderTokenizer
  readonly #embedding: Embedding

  constructor(
    engine: EngineDescriptor,
    session: EncoderSession,
    tokenizer: EncoderTokenizer,
    embedding: Embedding,
    maxTokens: number,
  ) {
    this.dimensions = embedding.dimensions
    this.maxTokens = maxTokens
    this.#session = new OwnedSession(engine, session)
    this.#tokenizer = tokenizer
    this.#embedding = embedding
  }

  get atOnce(): number | undefined {
    return this.#session.inFlight
  }

  async embed(
    inputs: readonly EmbedInput[],
    purpose: 'query' | 'passage',
    signal: AbortSignal,
  ): Promise<EmbedOutput> {
    await turn(signal)
    const encoded = await tokenize(this.#tokenizer, inputs, purpose, signal)
    const tokens = encoded.map((input) => input.ids.length)
    const vectors = new Float32Array(inputs.length * this.dimensions)
    const take = (batch: readonly number[], output: BatchOutput): void => {
      this.#check(output)
      if (output.isPooled) {
        placeRows(output.data, this.dimensions, vectors, batch)
        return
      }
      const { pooling, normalize } = this.#embedding
      const lengths = batch.map((index) => tokens[index]!)
      poolRows(output.data, output.shape[1]!, this.dimensions, lengths, pooling, normalize, vectors, batch)
    }
    await this.#session.run(encoded, take, signal)
    const truncated = encoded.flatMap((input, index) => (input.truncated ? [index] : []))
    return { vectors, dimensions: this.dimensions, tokens, truncated }
  }

  profile(text: string): Promise<LayerTime[]> {
    return this.#session.profile(this.#tokenizer.encode(text, 'passage'))
  }

  setThreads(threads: number): Promise<void> {
    return this.#session.setThreads(threads)
  }

  dispose(): Promise<void> {
    return this.#session.dispose()
  }

  #check({ shape, isPooled }: BatchOutput): void {
    if (shape.length !== (isPooled ? 2 : 3))
      throw new Error(`its output is [${shape.join(', ')}], not [batch, length, dimensions]`)
    const dimensions = shape.at(-1)
    if (dimensions !== this.dimensions)
      throw new Error(`the model has ${dimensions} dimensions, the manifest says ${this.dimensions}`)
  }
}
