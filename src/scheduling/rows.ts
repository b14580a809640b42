import type { EmbedInput, EmbedOutput, ScoreInput, ScoreOutput } from '../domain/index.ts'
import type { CallOptions, Worker } from '../workers/index.ts'

export type RowInput = EmbedInput | ScoreInput

/** What every encoder answers: one row of numbers for each input, be it a vector, a relevance or scores of labels. */
export interface Rows {
  /** Row-major [inputs, width]. */
  readonly values: Float32Array
  readonly width: number
  readonly tokens: readonly number[]
  readonly truncated: readonly number[]
}

/** Asks a worker for the rows of inputs that may come from several requests of one kind. */
export type RowsCall = (worker: Worker, inputs: readonly RowInput[], options: CallOptions) => Promise<Rows>

/** A request whose inputs may be spread over batches and workers. */
export interface RowsRequest {
  readonly inputs: readonly RowInput[]
  readonly call: RowsCall
}

/** All requests of a lane have inputs of one type: that of its task. */
export function embedCall(purpose: 'query' | 'passage'): RowsCall {
  return async (worker, inputs, options) => {
    const request = { model: worker.placement.model, inputs: inputs as readonly EmbedInput[], purpose }
    const { vectors, dimensions, tokens, truncated } = await worker.embed(request, options)
    return { values: vectors, width: dimensions, tokens, truncated }
  }
}

export function scoreCall(maxTextTokens?: number): RowsCall {
  return async (worker, inputs, options) => {
    const { model } = worker.placement
    const limit = maxTextTokens === undefined ? {} : { maxTextTokens }
    const request = { model, inputs: inputs as readonly ScoreInput[], ...limit }
    const { scores, width, tokens, truncated } = await worker.score(request, options)
    return { values: scores, width, tokens, truncated }
  }
}

export function toEmbedOutput({ values, width, tokens, truncated }: Rows): EmbedOutput {
  return { vectors: values, dimensions: width, tokens, truncated }
}

export function toScoreOutput({ values, width, tokens, truncated }: Rows): ScoreOutput {
  return { scores: values, width, tokens, truncated }
}
