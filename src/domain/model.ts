import type { Task } from './task.ts'

export const MODEL_FORMATS = ['onnx', 'openvino-ir', 'gguf', 'remote'] as const
export type ModelFormat = (typeof MODEL_FORMATS)[number]

export interface ModelFile {
  /** Relative to the model's folder, with forward slashes. */
  readonly path: string
  readonly sizeBytes: number
  readonly sha256: string
}

/** How a text is prepared before the tokenizer sees it. */
export interface TextPreparation {
  /** `parseJwtExpiry` becomes `parse Jwt Expiry`. */
  readonly splitCamelCase: boolean
  /** Words of more characters are dropped; absent: no limit. */
  readonly maxWordLength?: number
  /** Put before queries and passages. */
  readonly queryPrefix: string
  readonly passagePrefix: string
}

export type Pooling = 'mean' | 'cls' | 'last'

/** What an encoder's vectors are. */
export interface Embedding {
  readonly pooling: Pooling
  readonly normalize: boolean
  readonly dimensions: number
  /** Shorter leading parts that also serve once made unit length again. */
  readonly shorterDimensions: readonly number[]
  readonly text: TextPreparation
}

/** How a decoder wants to be used. */
export interface ChatTraits {
  /** It answers from given passages only and refuses badly: retrieval must refuse for it. */
  readonly groundedOnly: boolean
  /** Most tokens of passages it was trained on. */
  readonly maxPassageTokens?: number
  readonly maxPassages?: number
  /** It is led astray by weak passages: those below this share of the best one's score are kept from it, 0..1. */
  readonly minScoreShare?: number
  /** Whether it reads pictures; `untold`: its server does not tell, and refuses them by itself. Absent: text only. */
  readonly images?: 'yes' | 'untold'
  /** Its server fetches pictures from addresses, and the user lets chats leave this machine. */
  readonly imageUrls?: boolean
  /** Defaults where a request sets none. */
  readonly temperature?: number
  readonly maxTokens?: number
}

/** A catalogue entry, read from a manifest. */
export interface Model {
  readonly id: string
  /** What it is, in one sentence for a person. */
  readonly title: string
  readonly revision: string
  readonly license: string
  readonly tasks: readonly Task[]
  readonly parameters: number
  readonly contextTokens: number
  readonly files: Readonly<Partial<Record<ModelFormat, readonly ModelFile[]>>>
  readonly embedding?: Embedding
  readonly chat?: ChatTraits
  readonly rerank?: { readonly activation: 'sigmoid' | 'none' }
  readonly classify?: { readonly labels: readonly string[]; readonly multiLabel: boolean }
  /** Absolute folder of the files. */
  readonly folder: string
  /** Hash of everything that changes the model's vectors or text; equal fingerprints may share an index. */
  readonly fingerprint: string
}
