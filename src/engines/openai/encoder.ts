import { type EmbedInput, type EmbedOutput, type Model, TandemError } from '../../domain/index.ts'
import type { LoadedEncoder } from '../contract.ts'
import { tokenize } from '../encoder/index.ts'
import type { EncoderTokenizer } from '../text/index.ts'
import type { ServerClient } from './client.ts'
import { Embeddings } from './wire.ts'

/** Inputs of one request: a cancelled call ends at the next one. */
const BATCH = 32
/** UTF-16 units of a token, where no tokenizer is at hand (an estimate). */
const UNITS_PER_TOKEN = 4

export interface EncoderOptions {
  readonly client: ServerClient
  readonly as: string
  readonly api: string
  readonly model: Model
  readonly maxTokens: number
  /**
   * The model's own, where the catalogue has it and the server takes ids: then it is read exactly as Tandem's engines read it, and
   * a server's mistakes in splitting words do not count.
   */
  readonly tokenizer?: EncoderTokenizer | undefined
}

/** What one input becomes for the server. */
interface Prepared {
  readonly input: string | readonly number[]
  /** Known only where Tandem made the ids itself. */
  readonly tokens?: number
  readonly truncated: boolean
}

/** Embeddings of another server, made unit length where the model says so. */
export class ServerEncoder implements LoadedEncoder {
  readonly kind = 'encoder'
  readonly maxTokens: number
  readonly #options: EncoderOptions
  #dimensions: number

  /** @param dimensions as an embedding of this server had them */
  constructor(options: EncoderOptions, dimensions: number) {
    this.#options = options
    this.maxTokens = options.maxTokens
    this.#dimensions = dimensions
  }

  get dimensions(): number {
    return this.#dimensions
  }

  async embed(
    inputs: readonly EmbedInput[],
    purpose: 'query' | 'passage',
    signal: AbortSignal,
  ): Promise<EmbedOutput> {
    if (signal.aborted) throw new TandemError('CANCELLED')
    const prepared = await this.#prepare(inputs, purpose, signal)
    const vectors = new Float32Array(inputs.length * this.dimensions)
    const tokens: number[] = []
    for (let from = 0; from < prepared.length; from += BATCH) {
      const batch = prepared.slice(from, from + BATCH)
      const { rows, promptTokens } = await embedRows(
        this.#options,
        batch.map(({ input }) => input),
        signal,
      )
      for (const [at, row] of rows.entries()) this.#take(row, vectors, from + at)
      tokens.push(...tokensOf(batch, promptTokens))
    }
    const truncated = prepared.flatMap((each, index) => (each.truncated ? [index] : []))
    return { vectors, dimensions: this.dimensions, tokens, truncated }
  }

  dispose(): Promise<void> {
    this.#options.client.dispose()
    return Promise.resolve()
  }

  async #prepare(
    inputs: readonly EmbedInput[],
    purpose: 'query' | 'passage',
    signal: AbortSignal,
  ): Promise<Prepared[]> {
    const { tokenizer, model } = this.#options
    if (tokenizer) {
      const rows = await tokenize(tokenizer, inputs, purpose, signal)
      return rows.map(({ ids, truncated }) => ({ input: [...ids], tokens: ids.length, truncated }))
    }
    const text = model.embedding?.text
    const prefix = (purpose === 'query' ? text?.queryPrefix : text?.passagePrefix) ?? ''
    const most = this.maxTokens * UNITS_PER_TOKEN
    return inputs.map((input, index) => {
      if (typeof input === 'string') {
        const whole = prefix + input
        // an empty text is refused by some, and has the vector of white space
        return { input: whole.slice(0, most) || ' ', truncated: whole.length > most }
      }
      const wrong = input.find((id) => !Number.isInteger(id) || id < 0)
      if (wrong === undefined && input.length <= this.maxTokens) return { input, truncated: false }
      const what =
        wrong === undefined
          ? `input: ${input.length} token ids; this model takes ${this.maxTokens}`
          : `input: ${wrong} is not a token id of this model`
      throw new TandemError('INVALID_REQUEST', { what }, { param: `input.${index}` })
    })
  }

  #take(row: readonly number[], vectors: Float32Array, index: number): void {
    if (row.length !== this.dimensions) {
      const { client } = this.#options
      throw client.failed(`a vector of ${row.length} dimensions after one of ${this.dimensions}`)
    }
    const { model } = this.#options
    const length = (model.embedding?.normalize ?? true) ? Math.hypot(...row) : 1
    for (const [d, value] of row.entries())
      vectors[index * this.dimensions + d] = length > 0 ? value / length : value
  }
}

/** Vectors of inputs, in their order. @throws TandemError as of the client */
export async function embedRows(
  { client, as, api }: Pick<EncoderOptions, 'client' | 'as' | 'api'>,
  input: readonly (string | readonly number[])[],
  signal: AbortSignal,
): Promise<{ rows: readonly (readonly number[])[]; promptTokens: number }> {
  const body = { model: as, input, encoding_format: 'float' }
  const { data, usage } = await client.json(`${api}/embeddings`, Embeddings, { body, signal })
  const rows = [...data].sort((a, b) => a.index - b.index).map(({ embedding }) => embedding)
  if (rows.length !== input.length) throw client.failed(`${rows.length} vectors for ${input.length} inputs`)
  return { rows, promptTokens: usage?.prompt_tokens ?? 0 }
}

/** A server counts a request as a whole: where Tandem did not make the ids, its count is shared out by length (an estimate). */
function tokensOf(batch: readonly Prepared[], promptTokens: number): number[] {
  const length = batch.reduce((sum, { input }) => sum + input.length, 0)
  return batch.map(
    ({ tokens, input }) =>
      tokens ?? Math.max(1, Math.round((promptTokens * input.length) / Math.max(1, length))),
  )
}
