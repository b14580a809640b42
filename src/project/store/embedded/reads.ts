/** Searches and look-ups; each is short and sees the last commit. */
import type { DatabaseSyncInstance, StatementSyncInstance } from '@photostructure/sqlite'
import type { ArmScores, SearchHit } from '../../../domain/index.ts'
import type { FileStamp } from '../../records.ts'
import { type Candidate, type RankQuery, rank, readQuery } from '../../retrieval/ranking.ts'
import { textTerms } from '../../retrieval/terms.ts'
import type { PendingText, StoreAnswer, StoreCounts, StoreQuery } from '../contract.ts'
import type { VectorMatrix } from './matrix.ts'
import { toFloats } from './writes.ts'

/** Candidates that each arm hands on. */
const ARM_LIMIT = 100
/** Trigram matches that are looked at; more say nothing about which is meant. */
const TRIGRAM_LIMIT = 400
/** A term in more than this share of the chunks is left out where a rarer one exists: it costs most and tells least. */
const COMMON_SHARE = 0.3
/** Weights of the columns name, body, path, scope. */
const COLUMN_WEIGHTS = '5, 1, 1, 2'
/** Questions whose words are looked up while their vectors are being made. */
const MAX_PREPARED = 8
/** Hits whose terms count as evidence for an answer. */
const EVIDENCE_HITS = 5

type Row = Record<string, unknown>

/** What the arms find that need no vector. */
interface Words {
  readonly query: RankQuery
  readonly bm25: ReadonlyMap<number, number>
  readonly trigram: ReadonlyMap<number, number>
  /** Chunks that hold each of the query's terms. */
  readonly termCounts: readonly number[]
  readonly chunkCount: number
}

interface Gathered extends Pick<Words, 'query' | 'termCounts' | 'chunkCount'> {
  readonly candidates: readonly Candidate[]
}

export class IndexReader {
  readonly #database: DatabaseSyncInstance
  readonly #matrix: VectorMatrix
  readonly #statements = new Map<string, StatementSyncInstance>()

  readonly #prepared = new Map<string, Words>()
  #chunkCount: number | undefined

  constructor(database: DatabaseSyncInstance, matrix: VectorMatrix) {
    this.#database = database
    this.#matrix = matrix
  }

  /** To be called when something was written. */
  forget(): void {
    this.#prepared.clear()
    this.#chunkCount = undefined
  }

  /** Looks up the words of a question; the search that follows finds them done. */
  prepare(text: string): void {
    if (this.#prepared.has(text)) return
    for (const oldest of this.#prepared.keys()) {
      if (this.#prepared.size < MAX_PREPARED) break
      this.#prepared.delete(oldest)
    }
    this.#prepared.set(text, this.#words(text))
  }

  files(): FileStamp[] {
    return this.#all('SELECT path, size_bytes, mtime_ms, hash FROM files ORDER BY path').map((row) => ({
      path: String(row['path']),
      sizeBytes: Number(row['size_bytes']),
      mtimeMs: Number(row['mtime_ms']),
      hash: String(row['hash']),
    }))
  }

  pending(limit: number): PendingText[] {
    return this.#all(
      // The inner query reads the index alone, so that no text is sorted; a later write has a higher id.
      'SELECT hash, text, embed_head, embed_text FROM chunks WHERE id IN ' +
        '(SELECT max(id) FROM chunks WHERE embedded = 0 GROUP BY hash ORDER BY max(id) DESC LIMIT ?) ORDER BY id DESC',
      limit,
    ).map((row) => ({
      hash: String(row['hash']),
      embedText: String(row['embed_text'] ?? `${row['embed_head']}${row['text']}`),
    }))
  }

  counts(): StoreCounts {
    const row = this.#all(
      'SELECT (SELECT count(*) FROM files) AS files, (SELECT count(*) FROM chunks) AS chunks, (SELECT count(*) FROM chunks WHERE embedded = 0) AS pending',
    )[0]!
    return { files: Number(row['files']), chunks: Number(row['chunks']), pending: Number(row['pending']) }
  }

  chunksOf(path: string): number {
    const sql = 'SELECT count(*) AS n FROM chunks WHERE file_id = (SELECT id FROM files WHERE path = ?)'
    return Number(this.#all(sql, path)[0]?.['n'])
  }

  search(query: StoreQuery): StoreAnswer {
    const gathered = this.gather(query.text, query.vector)
    const ranked = rank(gathered.candidates, gathered.query)
    const byId = new Map(gathered.candidates.map((candidate) => [candidate.id, candidate]))
    const wanted = ranked.slice(0, Math.max(query.limit, EVIDENCE_HITS))
    const rows = this.#rows(wanted.map((entry) => entry.id))
    const hits: SearchHit[] = []
    for (const entry of wanted) {
      const row = rows.get(entry.id)
      const candidate = byId.get(entry.id)
      if (!row || !candidate) continue
      const arms: ArmScores = {
        ...(candidate.cosine === undefined ? {} : { vector: candidate.cosine }),
        lexical: entry.lexical,
        trigram: candidate.trigram,
        adjustments: entry.adjustments,
      }
      hits.push({
        path: candidate.path,
        startLine: candidate.startLine,
        endLine: Number(row['end_line']),
        score: entry.score,
        ...(candidate.symbol === undefined ? {} : { symbol: candidate.symbol }),
        language: String(row['language']),
        text: String(row['text']),
        ...(query.explain ? { arms } : {}),
      })
    }
    return { hits: hits.slice(0, query.limit), best: evidence(gathered, hits) }
  }

  /** What the arms find, before any ranking. */
  gather(text: string, vector?: Float32Array): Gathered {
    const { query, bm25, trigram, termCounts, chunkCount } = this.#prepared.get(text) ?? this.#words(text)
    const cosines =
      vector && this.#matrix.size > 0
        ? this.#nearest(vector, [...bm25.keys(), ...trigram.keys()])
        : new Map<number, number>()
    const ids = new Set([...cosines.keys(), ...bm25.keys(), ...trigram.keys()])
    const rows = this.#described([...ids])
    return {
      query,
      termCounts,
      chunkCount,
      candidates: rows.map((row) => {
        const id = Number(row['id'])
        const cosine = cosines.get(id)
        return {
          id,
          path: String(row['path']),
          role: row['role'] as Candidate['role'],
          startLine: Number(row['start_line']),
          ...(row['symbol'] === null ? {} : { symbol: String(row['symbol']) }),
          defines: row['defines'] === '' ? [] : String(row['defines']).split('\n'),
          ...(cosine === undefined ? {} : { cosine }),
          bm25: bm25.get(id) ?? 0,
          trigram: trigram.get(id) ?? 0,
        }
      }),
    }
  }

  #words(text: string): Words {
    const query = readQuery(text)
    this.#chunkCount ??= this.counts().chunks
    const chunkCount = this.#chunkCount
    const termCounts = query.terms.map((term) =>
      Number(this.#all('SELECT doc FROM term_counts WHERE term = ?', term)[0]?.['doc'] ?? 0),
    )
    const bm25 = new Map<number, number>()
    for (const row of this.#lexical(query.terms, termCounts, chunkCount))
      bm25.set(Number(row['rowid']), -Number(row['score']))
    return { query, bm25, trigram: this.#trigram(query.needles), termCounts, chunkCount }
  }

  #lexical(terms: readonly string[], termCounts: readonly number[], chunkCount: number): Row[] {
    const known = terms.filter((_, at) => termCounts[at]! > 0)
    const rare = terms.filter((_, at) => termCounts[at]! > 0 && termCounts[at]! <= COMMON_SHARE * chunkCount)
    const used = rare.length > 0 ? rare : known
    if (used.length === 0) return []
    return this.#all(
      `SELECT rowid, bm25(terms, ${COLUMN_WEIGHTS}) AS score FROM terms WHERE terms MATCH ? ORDER BY score LIMIT ${ARM_LIMIT}`,
      used.map((term) => `"${term}"`).join(' OR '),
    )
  }

  /** Share of the needles' characters that each chunk holds. The trigrams only narrow: the text decides. */
  #trigram(needles: readonly string[]): Map<number, number> {
    const shares = new Map<number, number>()
    const total = needles.reduce((sum, needle) => sum + needle.length, 0)
    for (const needle of needles) {
      const grams = new Set<string>()
      const letters = [...needle]
      for (let at = 0; at + 3 <= letters.length; at += 1) grams.add(letters.slice(at, at + 3).join(''))
      const match = [...grams].map((gram) => `"${gram.replaceAll('"', '""')}"`).join(' AND ')
      if (match === '') continue
      const rows = this.#all(
        `SELECT c.id FROM (SELECT rowid FROM trigrams WHERE trigrams MATCH ? LIMIT ${TRIGRAM_LIMIT}) t JOIN chunks c ON c.id = t.rowid WHERE instr(lower(c.text), ?) > 0`,
        match,
        needle,
      )
      for (const row of rows) {
        const id = Number(row['id'])
        shares.set(id, (shares.get(id) ?? 0) + needle.length / total)
      }
    }
    return new Map([...shares].sort((a, b) => b[1] - a[1]).slice(0, ARM_LIMIT))
  }

  /** Cosines of the nearest chunks, exact, and of those that other arms found, from the rounded vectors. */
  #nearest(vector: Float32Array, others: readonly number[]): Map<number, number> {
    const { nearest, cosineOf } = this.#matrix.scan(vector, ARM_LIMIT)
    const found = new Map<number, number>()
    const other = this.#all(
      'SELECT c.id, v.id AS vector_id FROM chunks c JOIN vectors v ON v.hash = c.hash WHERE c.id IN (SELECT value FROM json_each(?))',
      JSON.stringify(others),
    )
    for (const row of other) {
      const cosine = cosineOf(Number(row['vector_id']))
      if (cosine !== undefined) found.set(Number(row['id']), cosine)
    }
    const exact = this.#all(
      'SELECT c.id, v.vector FROM vectors v JOIN chunks c ON c.hash = v.hash WHERE v.id IN (SELECT value FROM json_each(?))',
      JSON.stringify([...nearest]),
    )
    for (const row of exact) {
      const stored = toFloats(row['vector'] as Uint8Array)
      let sum = 0
      for (let k = 0; k < stored.length; k += 1) sum += stored[k]! * vector[k]!
      found.set(Number(row['id']), sum)
    }
    return found
  }

  #described(ids: readonly number[]): Row[] {
    return this.#all(
      'SELECT c.id, f.path, f.role, c.start_line, c.symbol, c.defines FROM chunks c JOIN files f ON f.id = c.file_id WHERE c.id IN (SELECT value FROM json_each(?))',
      JSON.stringify(ids),
    )
  }

  #rows(ids: readonly number[]): Map<number, Row> {
    const rows = this.#all(
      'SELECT c.id, c.end_line, c.text, f.language FROM chunks c JOIN files f ON f.id = c.file_id WHERE c.id IN (SELECT value FROM json_each(?))',
      JSON.stringify(ids),
    )
    return new Map(rows.map((row) => [Number(row['id']), row]))
  }

  #all(text: string, ...values: readonly unknown[]): Row[] {
    let statement = this.#statements.get(text)
    if (!statement) {
      statement = this.#database.prepare(text)
      this.#statements.set(text, statement)
    }
    return statement.all(...values)
  }
}

/** How much of the question the first hits hold; terms weigh by how rare they are. */
function evidence(gathered: Gathered, hits: readonly SearchHit[]): StoreAnswer['best'] {
  const { query, termCounts, chunkCount, candidates } = gathered
  const weights = termCounts.map((count) => Math.log(1 + (chunkCount - count + 0.5) / (count + 0.5)))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  let lexical = 0
  let matchedTerms = 0
  for (const hit of hits.slice(0, EVIDENCE_HITS)) {
    const held = new Set(textTerms(`${hit.path} ${hit.symbol ?? ''} ${hit.text}`))
    let weight = 0
    let matched = 0
    for (const [at, term] of query.terms.entries()) {
      if (!held.has(term)) continue
      weight += weights[at]!
      matched += 1
    }
    lexical = Math.max(lexical, total > 0 ? weight / total : 0)
    matchedTerms = Math.max(matchedTerms, matched)
  }
  const cosine = candidates.reduce((most, candidate) => Math.max(most, candidate.cosine ?? 0), 0)
  return { cosine, lexical, matchedTerms, queryTerms: query.terms.length }
}
