/** A text, or token ids of the model's own tokenizer (without special tokens). */
export type EmbedInput = string | readonly number[]

export interface EmbedRequest {
  readonly model: string
  readonly inputs: readonly EmbedInput[]
  /** Which prefix of the model's text preparation to use. */
  readonly purpose: 'query' | 'passage'
}

export interface EmbedOutput {
  /** Row-major [inputs, dimensions]. */
  readonly vectors: Float32Array
  readonly dimensions: number
  /** Tokens read of each input, special tokens counted. */
  readonly tokens: readonly number[]
  /** Indexes of inputs that were cut to the model's limit. */
  readonly truncated: readonly number[]
}
