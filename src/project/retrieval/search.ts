import { type SearchHit, type ServedBy, TandemError } from '../../domain/index.ts'
import type { Serving } from '../../scheduling/contract.ts'
import type { Asker, PassageQuery, Passages } from '../contract.ts'
import type { IndexStore, StoreAnswer } from '../store/contract.ts'
import { selectPassages } from './passages.ts'
import { isAnswerable, refusalText } from './refusal.ts'
import { renderSystemMessage } from './system-message.ts'

const DEFAULT_LIMIT = 10
const MAX_LIMIT = 100
/** Hits looked at for each passage wanted: some merge, some do not fit. */
const HITS_PER_PASSAGE = 3

export interface SearchOptions extends Asker {
  /** 1 to 100, default 10. */
  readonly limit?: number
  readonly explain?: boolean
}

export interface FoundHits {
  readonly hits: readonly SearchHit[]
  readonly best: StoreAnswer['best']
  readonly servedBy: ServedBy
}

/**
 * Embeds the question and asks the index.
 * @param model id of the embedding model whose vectors the index holds
 * @throws TandemError INVALID_REQUEST (empty query, limit out of range) and whatever `Serving.embed` throws
 */
export async function searchProject(
  store: IndexStore,
  serving: Pick<Serving, 'embed'>,
  model: string,
  query: string,
  options: SearchOptions = {},
): Promise<FoundHits> {
  const limit = options.limit ?? DEFAULT_LIMIT
  checkQuery(query, limit)
  const [{ result, servedBy }] = await Promise.all([
    serving.embed(
      { model, inputs: [query], purpose: 'query' },
      {
        priority: options.priority ?? 'interactive',
        ...(options.signal ? { signal: options.signal } : {}),
        ...(options.client === undefined ? {} : { client: options.client }),
      },
    ),
    store.prepare(query),
  ])
  const { hits, best } = await store.search({
    text: query,
    vector: result.vectors,
    limit,
    explain: options.explain ?? false,
  })
  return { hits, best, servedBy }
}

function checkQuery(query: string, limit: number): void {
  if (query.trim() === '')
    throw new TandemError('INVALID_REQUEST', { what: 'query must not be empty' }, { param: 'query' })
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT)
    throw new TandemError('INVALID_REQUEST', { what: `limit must be 1 to ${MAX_LIMIT}` }, { param: 'limit' })
}

/** The client has embedded its question; the words of it still count. */
async function searchByVector(
  store: IndexStore,
  query: string,
  vector: Float32Array,
  limit: number,
): Promise<StoreAnswer> {
  checkQuery(query, limit)
  return store.search({ text: query, vector, limit, explain: false })
}

/** What to put before a chat about a project, or why there is nothing to put. Same errors as `searchProject`. */
export async function findPassages(
  store: IndexStore,
  serving: Pick<Serving, 'embed'>,
  model: string,
  project: string,
  request: PassageQuery,
): Promise<Passages> {
  const { query, vector } = request
  const limit = Math.min(MAX_LIMIT, Math.max(DEFAULT_LIMIT, HITS_PER_PASSAGE * request.maxPassages))
  const { hits, best } = vector
    ? await searchByVector(store, query, vector, limit)
    : await searchProject(store, serving, model, query, {
        limit,
        ...(request.signal ? { signal: request.signal } : {}),
        ...(request.priority ? { priority: request.priority } : {}),
        ...(request.client === undefined ? {} : { client: request.client }),
      })
  const least = (request.minScoreShare ?? 0) * (hits[0]?.score ?? 0)
  const near = hits.filter((hit) => hit.score >= least)
  const passages = isAnswerable(best) ? await selectPassages(near, request) : []
  return {
    project,
    passages,
    systemMessage: renderSystemMessage(project, passages),
    ...(passages.length === 0 ? { refusal: refusalText(project) } : {}),
  }
}
