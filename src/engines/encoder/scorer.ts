import type { EngineDescriptor, ScoreInput, ScoreOutput } from '../../domain/index.ts'
import type { LoadedScorer } from '../contract.ts'
import type { EncoderTokenizer } from '../text/index.ts'
import { activate, type Head } from './activation.ts'
import { OwnedSession } from './owned-session.ts'
import type { BatchOutput, EncoderSession } from './session.ts'
import { tokenizeScored } from './tokenize.ts'
import { turn } from './turn.ts'

/** A reranker or classifier on any engine's session: tokenizes texts or pairs, lets the session run, activates. */
export class Scorer implements LoadedScorer {
  readonly kind = 'scorer'
  readonly width: number
  readonly maxTokens: number
  readonly #session: OwnedSession
  readonly #tokenizer: EncoderTokenizer
  readonly #head: Head

  constructor(
    engine: EngineDescriptor,
    session: EncoderSession,
    tokenizer: EncoderTokenizer,
    head: Head,
    maxTokens: number,
  ) {
    this.width = head.width
    this.maxTokens = maxTokens
    this.#session = new OwnedSession(engine, session)
    this.#tokenizer = tokenizer
    this.#head = head
  }

  get atOnce(): number | undefined {
    return this.#session.inFlight
  }

  async score(
    inputs: readonly ScoreInput[],
    signal: AbortSignal,
    maxTextTokens?: number,
  ): Promise<ScoreOutput> {
    await turn(signal)
    const { width } = this
    const encoded = await tokenizeScored(this.#tokenizer, inputs, maxTextTokens, signal)
    const scores = new Float32Array(inputs.length * width)
    const take = (batch: readonly number[], output: BatchOutput): void => {
      this.#check(output, batch.length)
      for (const [row, index] of batch.entries()) {
        const logits = output.data.slice(row * width, (row + 1) * width)
        activate(logits, this.#head.activation)
        scores.set(logits, index * width)
      }
    }
    await this.#session.run(encoded, take, signal)
    const tokens = encoded.map((input) => input.ids.length)
    const truncated = encoded.flatMap((input, index) => (input.truncated ? [index] : []))
    return { scores, width, tokens, truncated }
  }

  setThreads(threads: number): Promise<void> {
    return this.#session.setThreads(threads)
  }

  dispose(): Promise<void> {
    return this.#session.dispose()
  }

  /** Logits are [rows, width]; where the width is 1 some models leave it out. */
  #check({ shape }: BatchOutput, rows: number): void {
    if (shape.length === 0 || shape.length > 2 || shape[0]! < rows)
      throw new Error(`its output is [${shape.join(', ')}], not [batch, scores]`)
    const width = shape[1] ?? 1
    if (width !== this.width)
      throw new Error(`the model gives ${width} scores for each input, but ${this.#head.wants}`)
  }
}
