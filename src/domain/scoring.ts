/** A text alone, or a text that is held against a query. */
export type ScoreInput = string | { readonly query: string; readonly text: string }

/** What a worker is asked: the logits of a reranker or classifier, activated as its manifest says. */
export interface ScoreRequest {
  readonly model: string
  readonly inputs: readonly ScoreInput[]
  /** Most tokens of the text of a pair; absent: as many as the model has room for. */
  readonly maxTextTokens?: number
}

export interface RerankRequest {
  readonly model: string
  readonly query: string
  readonly documents: readonly string[]
  /** Tokens of a document that are read; absent: as many as the model has room for. */
  readonly maxTokensPerDocument?: number
}

export interface ClassifyRequest {
  readonly model: string
  readonly inputs: readonly string[]
}

export interface ScoreOutput {
  /** Row-major [inputs, width]: one relevance, or one score of each label. */
  readonly scores: Float32Array
  readonly width: number
  /** Tokens read of each input, special tokens counted. */
  readonly tokens: readonly number[]
  /** Indexes of inputs that were cut. */
  readonly truncated: readonly number[]
}
