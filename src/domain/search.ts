/** Why a hit came: the score of each arm, before and after fusion. */
export interface ArmScores {
  /** Cosine of the query and the chunk, -1..1. */
  readonly vector?: number
  /** BM25 over split identifiers, as a share of the best hit's, 0..1. */
  readonly lexical?: number
  /** Share of the query found verbatim by the trigram arm, 0..1. */
  readonly trigram?: number
  /** What was added or multiplied after fusion, named. */
  readonly adjustments: readonly { readonly name: string; readonly value: number }[]
}

/** One result; lines are counted from 1, inclusive. */
export interface SearchHit {
  /** Relative to the project, with forward slashes. */
  readonly path: string
  readonly startLine: number
  readonly endLine: number
  readonly score: number
  readonly symbol?: string
  readonly language: string
  readonly text: string
  /** Only when asked for. */
  readonly arms?: ArmScores
}

export interface SearchQuery {
  readonly query: string
  /** Absent: the only project, else an error. */
  readonly project?: string
  readonly limit?: number
  readonly explain?: boolean
}

/** A passage that an answer may cite. */
export interface Citation {
  readonly path: string
  readonly startLine: number
  readonly endLine: number
  readonly score: number
}
