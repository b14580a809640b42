import type { Model, ScoreInput, ScoreOutput } from '../../domain/index.ts'
import type { LoadedScorer } from '../contract.ts'
import { activate, type Head } from '../encoder/index.ts'
import { SPECIAL_TOKENS } from './embedder.ts'
import type { Encoding } from './encoding.ts'
import { cosine, textVector } from './features.ts'
import { piecesOf } from './pieces.ts'

const DIMENSIONS = 512
/** Logit of texts with nothing in common, and what full agreement adds to it. */
const NOTHING = -4
const AGREEMENT = 12

/** A reranker or classifier that is none: it compares words. */
export class SimulatedScorer implements LoadedScorer {
  readonly kind = 'scorer'
  readonly width: number

  constructor(
    readonly encoding: Encoding,
    readonly model: Model,
    readonly head: Head,
    readonly maxTokens: number,
  ) {
    this.width = head.width
  }

  async score(
    inputs: readonly ScoreInput[],
    signal: AbortSignal,
    maxTextTokens = Number.POSITIVE_INFINITY,
  ): Promise<ScoreOutput> {
    const cut = inputs.map((input) => this.#cut(input, maxTextTokens))
    const tokens = cut.map((each) => each.tokens)
    await this.encoding.read(tokens, signal)
    const { width } = this
    const scores = new Float32Array(inputs.length * width)
    for (const [at, { query, text }] of cut.entries()) {
      const row = this.#logits(query, text)
      activate(row, this.head.activation)
      scores.set(row, at * width)
    }
    return { scores, width, tokens, truncated: cut.flatMap(({ truncated }, at) => (truncated ? [at] : [])) }
  }

  dispose(): Promise<void> {
    return this.encoding.dispose()
  }

  /** The text is cut, and the query only where it takes more than half the room. */
  #cut(input: ScoreInput, maxTextTokens: number) {
    const pair = typeof input === 'string' ? undefined : input
    const query = piecesOf(pair?.query ?? '')
    const text = piecesOf(pair?.text ?? (input as string))
    const room = this.maxTokens - SPECIAL_TOKENS - (pair ? 1 : 0)
    const wanted = Math.min(text.length, maxTextTokens)
    const ofQuery = Math.min(query.length, Math.max(Math.ceil(room / 2), room - wanted))
    const ofText = Math.min(wanted, room - ofQuery)
    return {
      query: pair && query.slice(0, ofQuery).join(''),
      text: text.slice(0, ofText).join(''),
      tokens: this.maxTokens - room + ofQuery + ofText,
      truncated: ofQuery < query.length || ofText < text.length,
    }
  }

  #logits(query: string | undefined, text: string): Float32Array {
    const vector = textVector(text, DIMENSIONS)
    const asked = query === undefined ? (this.model.classify?.labels ?? []) : [query]
    return Float32Array.from(
      asked,
      (each) => NOTHING + AGREEMENT * cosine(textVector(each, DIMENSIONS), vector),
    )
  }
}
