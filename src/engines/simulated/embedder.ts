import { type EmbedInput, type EmbedOutput, TandemError } from '../../domain/index.ts'
import type { LoadedEncoder } from '../contract.ts'
import type { Encoding } from './encoding.ts'
import { idsVector, textVector } from './features.ts'
import { piecesOf } from './pieces.ts'

/** Begin and end of an input. */
export const SPECIAL_TOKENS = 2
/** No vocabulary is larger. */
const MAX_ID = 1_000_000

/** An embedding model that is none: its vectors tell texts apart by their words. */
export class SimulatedEmbedder implements LoadedEncoder {
  readonly kind = 'encoder'

  constructor(
    readonly encoding: Encoding,
    readonly dimensions: number,
    readonly maxTokens: number,
  ) {}

  async embed(
    inputs: readonly EmbedInput[],
    _purpose: 'query' | 'passage',
    signal: AbortSignal,
  ): Promise<EmbedOutput> {
    const room = this.maxTokens - SPECIAL_TOKENS
    const whole = inputs.map((input, at) =>
      typeof input === 'string' ? piecesOf(input) : checked(input, at),
    )
    const cut = whole.map((pieces) => pieces.slice(0, room))
    const tokens = cut.map((pieces) => pieces.length + SPECIAL_TOKENS)
    await this.encoding.read(tokens, signal)
    const { dimensions } = this
    const vectors = new Float32Array(inputs.length * dimensions)
    for (const [at, pieces] of cut.entries()) {
      const vector = isIds(pieces) ? idsVector(pieces, dimensions) : textVector(pieces.join(''), dimensions)
      vectors.set(this.encoding.faults.wrongVectors ? vector.reverse() : vector, at * dimensions)
    }
    const truncated = whole.flatMap((pieces, at) => (pieces.length > room ? [at] : []))
    return { vectors, dimensions, tokens, truncated }
  }

  dispose(): Promise<void> {
    return this.encoding.dispose()
  }
}

function isIds(pieces: readonly (string | number)[]): pieces is readonly number[] {
  return typeof pieces[0] === 'number'
}

function checked(ids: readonly number[], at: number): readonly number[] {
  const wrong = ids.find((id) => !Number.isInteger(id) || id < 0 || id >= MAX_ID)
  if (wrong === undefined) return ids
  const what = `input ${at}: ${wrong} is no token id; allowed: 0 to ${MAX_ID - 1}`
  throw new TandemError('INVALID_REQUEST', { what }, { param: `input.${at}` })
}
