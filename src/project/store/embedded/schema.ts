import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type DatabaseSyncInstance } from '@photostructure/sqlite'
import type { VectorSpace } from '../contract.ts'

/** Raised whenever a table, the meaning of a column or `textTerms` changes: an index of another version is rebuilt. */
const SCHEMA_VERSION = 1

const INDEX_FILE = 'index.db'

const TABLES = `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE files (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE,
    size_bytes INTEGER NOT NULL,
    mtime_ms REAL NOT NULL,
    hash TEXT NOT NULL,
    language TEXT NOT NULL,
    role TEXT NOT NULL
  );
  CREATE TABLE chunks (
    id INTEGER PRIMARY KEY,
    file_id INTEGER NOT NULL REFERENCES files(id) ON DELETE CASCADE,
    start_line INTEGER NOT NULL,
    end_line INTEGER NOT NULL,
    symbol TEXT,
    scope TEXT NOT NULL,
    defines TEXT NOT NULL,
    text TEXT NOT NULL,
    -- What is embedded: embed_head + text, or embed_text alone where that does not make it.
    embed_head TEXT,
    embed_text TEXT,
    hash TEXT NOT NULL,
    embedded INTEGER NOT NULL
  );
  CREATE INDEX chunks_file ON chunks(file_id);
  CREATE INDEX chunks_hash ON chunks(hash);
  CREATE INDEX chunks_pending ON chunks(hash) WHERE embedded = 0;
  CREATE TABLE vectors (
    id INTEGER PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    vector BLOB NOT NULL,
    -- Since when no chunk uses it; kept a while so that a moved or restored chunk is not embedded again.
    orphaned_at_ms INTEGER
  );
  CREATE INDEX vectors_orphaned ON vectors(orphaned_at_ms) WHERE orphaned_at_ms IS NOT NULL;
  -- No contentless_delete here: it would leave deleted rows in the totals that BM25 divides by.
  CREATE VIRTUAL TABLE terms USING fts5(name, body, path, scope, content='',
    tokenize="unicode61 remove_diacritics 0 tokenchars '_$'");
  CREATE VIRTUAL TABLE term_counts USING fts5vocab(terms, 'row');
  CREATE VIRTUAL TABLE trigrams USING fts5(text, content='', contentless_delete=1, detail=none, tokenize='trigram');
`

export interface Connections {
  readonly writer: DatabaseSyncInstance
  /** A second connection: a search sees the last commit while a write is under way. */
  readonly reader: DatabaseSyncInstance
}

/**
 * Opens the index of a folder, makes it when missing, rebuilds it when it cannot be used.
 * @param warn told in one sentence when an index was set aside
 */
export function openDatabase(folder: string, space: VectorSpace, warn: (text: string) => void): Connections {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, INDEX_FILE)
  const existed = existsSync(file)
  let writer = tryOpen(file, existed)
  if (typeof writer === 'string') {
    warn(`the index ${file} ${writer}; it was set aside as ${INDEX_FILE}.broken and is built anew`)
    setAside(file)
    writer = tryOpen(file, false)
    if (typeof writer === 'string') throw new Error(`${file} ${writer}`)
  }
  adoptSpace(writer, space)
  const reader = connect(file)
  reader.exec('PRAGMA query_only = ON')
  return { writer, reader }
}

function connect(file: string): DatabaseSyncInstance {
  const database = new DatabaseSync(file)
  // 4 MB of pages per connection: the vectors that searches need are in memory.
  database.exec(
    'PRAGMA busy_timeout = 5000; PRAGMA cache_size = -4000; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY',
  )
  return database
}

/** @returns the connection, or what is wrong with the file */
function tryOpen(file: string, existed: boolean): DatabaseSyncInstance | string {
  let database: DatabaseSyncInstance | undefined
  try {
    database = connect(file)
    database.exec(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 16777216',
    )
    const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0)
    const empty = database.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.['n'] === 0
    if (version === 0 && empty) {
      database.exec(`BEGIN IMMEDIATE; ${TABLES} PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`)
      return database
    }
    const fault =
      version === SCHEMA_VERSION ? '' : `has the format ${version}, this version writes ${SCHEMA_VERSION}`
    const found =
      fault !== '' || !existed ? '' : String(database.prepare('PRAGMA quick_check(1)').get()?.['quick_check'])
    if (fault === '' && (found === '' || found === 'ok')) return database
    database.close()
    return fault || `is damaged (${found})`
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown)
    if (isBusy(thrown)) throw thrown // another process has it: nothing is broken
    try {
      database?.close()
    } catch {
      // The first failure is the one to tell.
    }
    return `cannot be read (${why})`
  }
}

function isBusy(thrown: unknown): boolean {
  return thrown instanceof Error && /database is locked|busy/i.test(thrown.message)
}

/** One broken index is kept, the last; it holds nothing that cannot be rebuilt. */
function setAside(file: string): void {
  rmSync(`${file}.broken`, { recursive: true, force: true })
  renameSync(file, `${file}.broken`)
  for (const ending of ['-wal', '-shm']) rmSync(`${file}${ending}`, { force: true })
}

/** An index with another fingerprint keeps its chunks and loses its vectors. */
function adoptSpace(database: DatabaseSyncInstance, space: VectorSpace): void {
  const wanted = JSON.stringify({ fingerprint: space.fingerprint, dimensions: space.dimensions })
  const found = database.prepare("SELECT value FROM meta WHERE name = 'space'").get()?.['value']
  if (found === wanted) return
  database.exec('BEGIN IMMEDIATE')
  try {
    if (found !== undefined) database.exec('DELETE FROM vectors; UPDATE chunks SET embedded = 0')
    database.prepare("INSERT OR REPLACE INTO meta VALUES ('space', ?)").run(wanted)
    database.exec('COMMIT')
  } catch (thrown) {
    database.exec('ROLLBACK')
    throw thrown
  }
}
