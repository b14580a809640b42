import { type ScoreInput, type ScoreOutput, TandemError } from '../../domain/index.ts'
import type { LoadedScorer } from '../contract.ts'
import type { ServerClient } from './client.ts'
import { Ranking } from './wire.ts'

/** UTF-16 units of a token (an estimate): a server cuts at its own limit, this only keeps a request in bounds. */
const UNITS_PER_TOKEN = 4

export interface ScorerOptions {
  readonly client: ServerClient
  readonly as: string
  readonly api: string
  readonly maxTokens: number
}

/** Rankings of another server: pairs of one query go in one request. */
export class ServerScorer implements LoadedScorer {
  readonly kind = 'scorer'
  readonly width = 1
  readonly maxTokens: number
  readonly #options: ScorerOptions

  constructor(options: ScorerOptions) {
    this.#options = options
    this.maxTokens = options.maxTokens
  }

  async score(
    inputs: readonly ScoreInput[],
    signal: AbortSignal,
    maxTextTokens = this.maxTokens,
  ): Promise<ScoreOutput> {
    const scores = new Float32Array(inputs.length)
    const tokens = new Array<number>(inputs.length).fill(1)
    const truncated: number[] = []
    const most = maxTextTokens * UNITS_PER_TOKEN
    for (const [query, group] of byQuery(inputs)) {
      const documents = group.map(({ text }) => text.slice(0, most))
      truncated.push(...group.filter(({ text }) => text.length > most).map(({ index }) => index))
      const { client, as, api } = this.#options
      const body = { model: as, query, documents }
      const { results, usage } = await client.json(`${api}/rerank`, Ranking, { body, signal })
      if (results.length !== group.length || results.some(({ index }) => index >= group.length))
        throw client.failed(`${results.length} scores for ${group.length} documents`)
      const each = Math.max(1, Math.round((usage?.prompt_tokens ?? 0) / group.length))
      for (const { index, relevance_score } of results) {
        scores[group[index]!.index] = relevance_score
        tokens[group[index]!.index] = each
      }
    }
    return { scores, width: 1, tokens, truncated: truncated.sort((a, b) => a - b) }
  }

  dispose(): Promise<void> {
    this.#options.client.dispose()
    return Promise.resolve()
  }
}

function byQuery(inputs: readonly ScoreInput[]): Map<string, { text: string; index: number }[]> {
  const groups = new Map<string, { text: string; index: number }[]>()
  for (const [index, input] of inputs.entries()) {
    if (typeof input === 'string')
      throw new TandemError('INVALID_REQUEST', { what: 'a server ranks pairs of a query and a text' })
    groups.set(input.query, [...(groups.get(input.query) ?? []), { text: input.text, index }])
  }
  return groups
}
