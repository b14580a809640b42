import type { SearchHit } from '../../domain/index.ts'
import type { FileRecord, FileStamp } from '../records.ts'

/** What the vectors of an index are; an index holds vectors of one fingerprint only. */
export interface VectorSpace {
  readonly fingerprint: string
  readonly dimensions: number
}

export interface PendingText {
  readonly hash: string
  readonly embedText: string
}

export interface StoreCounts {
  readonly files: number
  readonly chunks: number
  /** Chunks whose vector is missing. */
  readonly pending: number
}

export interface StoreQuery {
  readonly text: string
  /** Unit length; absent: the lexical arms alone. */
  readonly vector?: Float32Array
  readonly limit: number
  readonly explain: boolean
}

export interface StoreAnswer {
  readonly hits: readonly SearchHit[]
  /** Best evidence over all hits, for the decision to refuse: see `retrieval/`. */
  readonly best: {
    /** Of the nearest chunk; 0 without a query vector. */
    readonly cosine: number
    /** Share of the question's terms that one of the first hits holds, weighted by how rare they are, 0..1. */
    readonly lexical: number
    /** Most terms of the question that one of the first hits holds, of so many. */
    readonly matchedTerms: number
    readonly queryTerms: number
  }
}

/** One project's index. Every method is safe to call while another runs; writes are in order. */
export interface IndexStore {
  /** Every file, for comparing with the tree. */
  files(): Promise<readonly FileStamp[]>
  /** Replaces a file and its chunks in one transaction; vectors of known hashes are kept and reused. */
  putFiles(files: readonly FileRecord[]): Promise<void>
  /** Same content, new time stamp. */
  touchFiles(files: readonly FileStamp[]): Promise<void>
  removeFiles(paths: readonly string[]): Promise<void>
  /** Chunks that lack a vector, distinct by hash, the last written first, at most `limit`. */
  pending(limit: number): Promise<readonly PendingText[]>
  /** @param vectors row-major [hashes, dimensions], unit length */
  putVectors(hashes: readonly string[], vectors: Float32Array): Promise<void>
  counts(): Promise<StoreCounts>
  chunksOf(path: string): Promise<number>
  /** Looks up the words of a question while its vector is being made elsewhere; the search finds them done. */
  prepare(text: string): Promise<void>
  search(query: StoreQuery): Promise<StoreAnswer>
  close(): Promise<void>
}

/**
 * @param folder of the index; made when missing
 * @throws TandemError ENGINE_FAILED when the index cannot be opened
 * An index with another fingerprint keeps its files and chunks and loses its vectors: all are pending again.
 */
export type OpenStore = (folder: string, space: VectorSpace) => Promise<IndexStore>
