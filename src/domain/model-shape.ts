/** What a model's files say about its size, as far as memory and speed depend on it. Plain data, read by `models/`. */
export type ModelShape = DecoderShape | EncoderShape

export interface DecoderShape {
  readonly kind: 'decoder'
  /** As the file says: `qwen2`, `gpt-oss`, `deepseek2`. */
  readonly architecture: string
  readonly parameters: number
  /** Window that it was trained for. */
  readonly contextTokens: number
  readonly hidden: number
  readonly feedForward: number
  readonly vocabulary: number
  readonly heads: number
  /** Bytes of each layer's tensors, its experts apart. */
  readonly layerBytes: readonly number[]
  /** Bytes of each layer's experts; zeros for a dense model. */
  readonly expertBytes: readonly number[]
  /** Experts, how many of them a token uses, and their width; only of a mixture of experts. */
  readonly experts?: { readonly count: number; readonly used: number; readonly feedForward: number }
  /** Token embeddings; they stay in the system's memory. */
  readonly inputBytes: number
  /** Output head and what belongs to no layer. */
  readonly outputBytes: number
  /** Of the token embeddings, where they are the output head too: a device with memory of its own gets a copy. Else 0. */
  readonly tiedBytes: number
  /** For each layer the numbers that one token adds to the cache: keys and values; 0 for a layer without attention. */
  readonly kvPerToken: readonly { readonly keys: number; readonly values: number }[]
  /** For each layer the tokens that it looks back at most; absent: all. */
  readonly windows?: readonly (number | undefined)[]
  /** For each layer the bytes that it keeps for one chat whatever its length: recurrent layers; absent: none. */
  readonly stateBytes?: readonly number[]
}

export interface EncoderShape {
  readonly kind: 'encoder'
  readonly parameters: number
  /** Of the file that the engine reads. */
  readonly weightBytes: number
  readonly layers: number
  readonly hidden: number
  readonly feedForward: number
  readonly heads: number
  /** Bits of most weights: 32, 16, 8, 4. */
  readonly weightBits: number
}
