/** The writes of the index, each a generator: it yields between small steps so that searches run in between. */
import type { DatabaseSyncInstance, StatementSyncInstance } from '@photostructure/sqlite'
import { TandemError } from '../../../domain/index.ts'
import type { ChunkRecord, FileRecord, FileStamp } from '../../records.ts'
import { textTerms } from '../../retrieval/terms.ts'
import type { VectorMatrix } from './matrix.ts'

export type Steps = Generator<void, void>

const ORPHAN_DAYS = 14
/** Vectors kept without a chunk, at least; beyond as many as there are chunks the oldest go. */
const ORPHANS_KEPT = 2000
const PRUNE_EVERY = 64 // writes
const PRUNE_STEP = 500 // rows

export class IndexWriter {
  readonly #database: DatabaseSyncInstance
  readonly #matrix: VectorMatrix
  readonly #dimensions: number
  readonly #statements = new Map<string, StatementSyncInstance>()
  #writesSincePrune = PRUNE_EVERY

  constructor(database: DatabaseSyncInstance, matrix: VectorMatrix, dimensions: number) {
    this.#database = database
    this.#matrix = matrix
    this.#dimensions = dimensions
  }

  /** One transaction: all files or none. */
  *putFiles(files: readonly FileRecord[]): Steps {
    yield* this.#transaction(function* (this: IndexWriter, touched) {
      for (const file of files) {
        this.#deleteFile(file.path, touched)
        const { lastInsertRowid } = this.#sql(
          'INSERT INTO files (path, size_bytes, mtime_ms, hash, language, role) VALUES (?, ?, ?, ?, ?, ?)',
        ).run(file.path, file.sizeBytes, file.mtimeMs, file.hash, file.language, file.role)
        for (const chunk of file.chunks) {
          this.#insertChunk(Number(lastInsertRowid), chunk, file.path)
          touched.add(chunk.hash)
          yield
        }
        yield
      }
    })
  }

  *touchFiles(files: readonly FileStamp[]): Steps {
    yield* this.#transaction(function* (this: IndexWriter) {
      for (const file of files) {
        this.#sql('UPDATE files SET size_bytes = ?, mtime_ms = ?, hash = ? WHERE path = ?').run(
          file.sizeBytes,
          file.mtimeMs,
          file.hash,
          file.path,
        )
        yield
      }
    })
  }

  *removeFiles(paths: readonly string[]): Steps {
    yield* this.#transaction(function* (this: IndexWriter, touched) {
      for (const path of paths) {
        this.#deleteFile(path, touched)
        yield
      }
    })
  }

  /** @throws TandemError INVALID_REQUEST when shapes or numbers are wrong; nothing is written then */
  *putVectors(hashes: readonly string[], vectors: Float32Array): Steps {
    const width = this.#dimensions
    if (vectors.length !== hashes.length * width)
      throw new TandemError('INVALID_REQUEST', {
        what: `${hashes.length} vectors of ${width} numbers were announced, ${vectors.length} numbers came`,
      })
    if (!vectors.every(Number.isFinite))
      throw new TandemError('INVALID_REQUEST', { what: 'a vector holds a number that is not finite' })
    yield* this.#transaction(function* (this: IndexWriter, touched) {
      for (const [row, hash] of hashes.entries()) {
        const vector = vectors.subarray(row * width, (row + 1) * width)
        this.#sql(
          'INSERT INTO vectors (hash, vector, orphaned_at_ms) VALUES (?, ?, 0) ON CONFLICT (hash) DO UPDATE SET vector = excluded.vector, orphaned_at_ms = 0',
        ).run(hash, new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength))
        this.#sql('UPDATE chunks SET embedded = 1 WHERE hash = ?').run(hash)
        touched.add(hash)
        yield
      }
    })
  }

  /**
   * Runs steps between BEGIN and COMMIT, settles which vectors are in use, and tells the matrix after the commit.
   * @param touched hashes whose chunks or vectors changed
   */
  *#transaction(work: (this: IndexWriter, touched: Set<string>) => Steps): Steps {
    const touched = new Set<string>()
    const added = new Set<number>()
    const dropped = new Set<number>()
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      yield* work.call(this, touched)
      for (const hash of touched) {
        this.#settle(hash, added, dropped)
        yield
      }
      this.#database.exec('COMMIT')
    } catch (thrown) {
      this.#database.exec('ROLLBACK')
      throw thrown
    }
    for (const id of dropped) this.#matrix.remove(id)
    for (const id of added) {
      const row = this.#sql('SELECT vector FROM vectors WHERE id = ?').get(id)
      if (row) this.#matrix.put(id, toFloats(row['vector'] as Uint8Array))
    }
    yield* this.#pruneNowAndThen()
  }

  /** A vector without a chunk becomes an orphan, an orphan with a chunk comes back. */
  #settle(hash: string, added: Set<number>, dropped: Set<number>): void {
    const vector = this.#sql('SELECT id, orphaned_at_ms FROM vectors WHERE hash = ?').get(hash)
    if (!vector) return
    const id = Number(vector['id'])
    const since = vector['orphaned_at_ms'] // null: in use; 0: written in this transaction
    const used = this.#sql('SELECT 1 FROM chunks WHERE hash = ? LIMIT 1').get(hash) !== undefined
    if (used && since !== null) {
      this.#sql('UPDATE vectors SET orphaned_at_ms = NULL WHERE id = ?').run(id)
      added.add(id)
    } else if (!used && !since) {
      this.#sql('UPDATE vectors SET orphaned_at_ms = ? WHERE id = ?').run(Date.now(), id)
      dropped.add(id)
    }
  }

  #deleteFile(path: string, touched: Set<string>): void {
    const file = this.#sql('SELECT id FROM files WHERE path = ?').get(path)
    if (!file) return
    const chunks = this.#sql('SELECT id, hash, symbol, scope, defines, text FROM chunks WHERE file_id = ?')
    for (const chunk of chunks.all(file['id'])) {
      touched.add(String(chunk['hash']))
      this.#sql(
        "INSERT INTO terms (terms, rowid, name, body, path, scope) VALUES ('delete', ?, ?, ?, ?, ?)",
      ).run(
        chunk['id'],
        ...termColumns(
          path,
          chunk['symbol'] as string | null,
          String(chunk['scope']),
          String(chunk['defines']),
          String(chunk['text']),
        ),
      )
      this.#sql('DELETE FROM trigrams WHERE rowid = ?').run(chunk['id'])
    }
    this.#sql('DELETE FROM files WHERE id = ?').run(file['id']) // its chunks go with it
  }

  #insertChunk(fileId: number, chunk: ChunkRecord, path: string): void {
    const tail = chunk.embedText.endsWith(chunk.text)
    const scope = chunk.scope.join('\n')
    const defines = chunk.defines.join('\n')
    const { lastInsertRowid: id } = this.#sql(
      'INSERT INTO chunks (file_id, start_line, end_line, symbol, scope, defines, text, embed_head, embed_text, hash, embedded) ' +
        'VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, EXISTS (SELECT 1 FROM vectors WHERE hash = ?))',
    ).run(
      fileId,
      chunk.startLine,
      chunk.endLine,
      chunk.symbol ?? null,
      scope,
      defines,
      chunk.text,
      tail ? chunk.embedText.slice(0, chunk.embedText.length - chunk.text.length) : null,
      tail ? null : chunk.embedText,
      chunk.hash,
      chunk.hash,
    )
    this.#sql('INSERT INTO terms (rowid, name, body, path, scope) VALUES (?, ?, ?, ?, ?)').run(
      id,
      ...termColumns(path, chunk.symbol ?? null, scope, defines, chunk.text),
    )
    this.#sql('INSERT INTO trigrams (rowid, text) VALUES (?, ?)').run(id, chunk.text)
  }

  *#pruneNowAndThen(): Steps {
    this.#writesSincePrune += 1
    if (this.#writesSincePrune < PRUNE_EVERY) return
    this.#writesSincePrune = 0
    const orphans = Number(
      this.#sql('SELECT count(*) AS n FROM vectors WHERE orphaned_at_ms IS NOT NULL').get()?.['n'],
    )
    const chunks = Number(this.#sql('SELECT count(*) AS n FROM chunks').get()?.['n'])
    let surplus = orphans - Math.max(ORPHANS_KEPT, chunks)
    const expired = Date.now() - ORPHAN_DAYS * 86_400_000
    for (;;) {
      const { changes } = this.#sql(
        'DELETE FROM vectors WHERE id IN (SELECT id FROM vectors WHERE orphaned_at_ms IS NOT NULL AND (orphaned_at_ms < ? OR ? > 0) ORDER BY orphaned_at_ms LIMIT ?)',
      ).run(expired, surplus, surplus > 0 ? Math.min(surplus, PRUNE_STEP) : PRUNE_STEP)
      if (Number(changes) === 0) return
      surplus -= Number(changes)
      yield
    }
  }

  #sql(text: string): StatementSyncInstance {
    let statement = this.#statements.get(text)
    if (!statement) {
      statement = this.#database.prepare(text)
      this.#statements.set(text, statement)
    }
    return statement
  }
}

/** What the lexical index reads: name, body, path, scope. To delete a row, the same must be given again. */
function termColumns(
  path: string,
  symbol: string | null,
  scope: string,
  defines: string,
  text: string,
): string[] {
  const names = [symbol ?? '', ...defines.split('\n').filter((name) => name !== symbol)].join(' ')
  return [names, text, path, scope].map((column) => textTerms(column).join(' '))
}

/** A copy with its own alignment: a blob may start anywhere. */
export function toFloats(blob: Uint8Array): Float32Array {
  return new Float32Array(blob.buffer.slice(blob.byteOffset, blob.byteOffset + blob.byteLength))
}
