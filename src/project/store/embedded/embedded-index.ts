import type { DatabaseSyncInstance } from '@photostructure/sqlite'
import type { FileRecord, FileStamp } from '../../records.ts'
import type {
  IndexStore,
  PendingText,
  StoreAnswer,
  StoreCounts,
  StoreQuery,
  VectorSpace,
} from '../contract.ts'
import { VectorMatrix } from './matrix.ts'
import { IndexReader } from './reads.ts'
import { openDatabase } from './schema.ts'
import { IndexWriter, type Steps, toFloats } from './writes.ts'

/** Longest stretch of a write between two looks at what else waits. */
const SLICE_MS = 4

/** The index itself, in the thread that calls it: reads at once, writes in order and in slices between the reads. */
export class EmbeddedIndex implements IndexStore {
  readonly #writerDatabase: DatabaseSyncInstance
  readonly #readerDatabase: DatabaseSyncInstance
  readonly #matrix: VectorMatrix
  readonly #reader: IndexReader
  readonly #writer: IndexWriter
  #writes: Promise<void> = Promise.resolve()
  #dataVersion: unknown

  /** @param warn told in one sentence when a broken index was set aside */
  static open(folder: string, space: VectorSpace, warn: (text: string) => void): EmbeddedIndex {
    const { writer, reader } = openDatabase(folder, space, warn)
    return new EmbeddedIndex(writer, reader, space)
  }

  private constructor(writer: DatabaseSyncInstance, reader: DatabaseSyncInstance, space: VectorSpace) {
    this.#writerDatabase = writer
    this.#readerDatabase = reader
    this.#matrix = new VectorMatrix(space.dimensions)
    this.#reader = new IndexReader(reader, this.#matrix)
    this.#writer = new IndexWriter(writer, this.#matrix, space.dimensions)
    this.#followOthers()
  }

  async files(): Promise<readonly FileStamp[]> {
    return this.#reader.files()
  }

  putFiles(files: readonly FileRecord[]): Promise<void> {
    return this.#write(() => this.#writer.putFiles(files))
  }

  touchFiles(files: readonly FileStamp[]): Promise<void> {
    return this.#write(() => this.#writer.touchFiles(files))
  }

  removeFiles(paths: readonly string[]): Promise<void> {
    return this.#write(() => this.#writer.removeFiles(paths))
  }

  async pending(limit: number): Promise<readonly PendingText[]> {
    return this.#reader.pending(limit)
  }

  putVectors(hashes: readonly string[], vectors: Float32Array): Promise<void> {
    return this.#write(() => this.#writer.putVectors(hashes, vectors))
  }

  async counts(): Promise<StoreCounts> {
    return this.#reader.counts()
  }

  async chunksOf(path: string): Promise<number> {
    return this.#reader.chunksOf(path)
  }

  async prepare(text: string): Promise<void> {
    this.#followOthers()
    this.#reader.prepare(text)
  }

  async search(query: StoreQuery): Promise<StoreAnswer> {
    this.#followOthers()
    return this.#reader.search(query)
  }

  /** Candidates before ranking, for the benchmark that tunes it. */
  gather(text: string, vector?: Float32Array): ReturnType<IndexReader['gather']> {
    return this.#reader.gather(text, vector)
  }

  /** Finishes the writes that were asked for, then closes. */
  async close(): Promise<void> {
    await this.#writes
    this.#readerDatabase.close()
    this.#writerDatabase.close()
  }

  #write(steps: () => Steps): Promise<void> {
    const done = this.#writes.then(() => this.#inSlices(steps()))
    this.#writes = done.catch(() => {}) // the caller gets the failure; the next write goes on
    return done
  }

  async #inSlices(steps: Steps): Promise<void> {
    let until = performance.now() + SLICE_MS
    while (!steps.next().done) {
      if (performance.now() < until) continue
      await new Promise((resolve) => setImmediate(resolve))
      until = performance.now() + SLICE_MS
    }
    this.#reader.forget()
  }

  /** Loads the vectors again when another process has written to this index (the number ignores our own writer). */
  #followOthers(): void {
    const version = this.#writerDatabase.prepare('PRAGMA data_version').get()?.['data_version']
    if (version === this.#dataVersion) return
    this.#matrix.clear()
    this.#reader.forget()
    const rows = this.#readerDatabase.prepare('SELECT id, vector FROM vectors WHERE orphaned_at_ms IS NULL')
    for (const row of rows.iterate())
      this.#matrix.put(Number(row['id']), toFloats(row['vector'] as Uint8Array))
    this.#dataVersion = version
  }
}
