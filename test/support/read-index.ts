/** Reads the index of a home's only project from its file, past the server. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'

export interface IndexedChunk {
  readonly path: string
  readonly startLine: number
  readonly endLine: number
  readonly symbol: string | null
  readonly text: string
  readonly vector: Float32Array | undefined
}

export interface IndexContent {
  /** `path hash`, sorted. */
  readonly files: readonly string[]
  /** By path and line. */
  readonly chunks: readonly IndexedChunk[]
  /** What SQLite says of the file. */
  readonly integrity: string
}

/** @param home of a server that has ended */
export function readIndex(home: string): IndexContent {
  const folders = readdirSync(join(home, 'indexes'))
  if (folders.length !== 1) throw new Error(`one index expected, found ${folders.length}`)
  const database = new DatabaseSync(join(home, 'indexes', folders[0]!, 'index.db'))
  try {
    const files = database.prepare('SELECT path, hash FROM files ORDER BY path').all()
    const chunks = database
      .prepare(
        `SELECT path, start_line, end_line, symbol, text, vector FROM chunks
         JOIN files ON files.id = file_id LEFT JOIN vectors ON vectors.hash = chunks.hash
         ORDER BY path, start_line`,
      )
      .all()
    return {
      files: files.map((row) => `${row['path']} ${row['hash']}`),
      chunks: chunks.map((row) => ({
        path: String(row['path']),
        startLine: Number(row['start_line']),
        endLine: Number(row['end_line']),
        symbol: row['symbol'] as string | null,
        text: String(row['text']),
        vector: row['vector'] ? floats(row['vector'] as Uint8Array) : undefined,
      })),
      integrity: String(database.prepare('PRAGMA integrity_check').get()!['integrity_check']),
    }
  } finally {
    database.close()
  }
}

/** A copy: a blob may start anywhere. */
function floats(blob: Uint8Array): Float32Array {
  return new Float32Array(blob.slice().buffer)
}

/** Of unit vectors. */
export function cosine(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, at) => sum + value * b[at]!, 0)
}
