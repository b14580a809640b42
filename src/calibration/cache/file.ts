import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type DatabaseSyncInstance } from '@photostructure/sqlite'
import { TandemError } from '../../domain/index.ts'

/** Raised whenever a table, the meaning of a column or what is measured changes: older measurements are dropped. */
const SCHEMA_VERSION = 1
/** Milliseconds that one process waits for another's write; such a write is one row. */
const BUSY_MS = 500

const TABLES = `
  CREATE TABLE measurements (
    fingerprint TEXT NOT NULL,
    task TEXT NOT NULL,
    engine TEXT NOT NULL,
    engine_version TEXT NOT NULL,
    device TEXT NOT NULL,
    driver TEXT NOT NULL,
    power_profile TEXT NOT NULL,
    settings TEXT NOT NULL,
    figures TEXT NOT NULL,
    measured_at_ms INTEGER NOT NULL,
    -- Live traffic disagrees: it is to be measured again.
    stale INTEGER NOT NULL DEFAULT 0,
    -- It was measured again because of that.
    drifted INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (fingerprint, task, engine, device, engine_version, driver, power_profile, settings)
  ) WITHOUT ROWID;
  CREATE TABLE interference (
    -- Keys of two measurements as JSON, the lesser one first.
    first TEXT NOT NULL,
    second TEXT NOT NULL,
    first_keeps REAL NOT NULL,
    second_keeps REAL NOT NULL,
    measured_at_ms INTEGER NOT NULL,
    PRIMARY KEY (first, second)
  ) WITHOUT ROWID;
`

/**
 * Opens the file of the measurements, makes it when missing; a damaged one is set aside and begun anew. Where no file
 * can be written, measurements last as long as the process.
 * @param warn told in one sentence what was done to a file that cannot be used
 * @throws TandemError CONFIG_INVALID when a newer Tandem wrote it
 */
export function openFile(file: string, warn: (sentence: string) => void): DatabaseSyncInstance {
  const opened = tryOpen(file)
  if (typeof opened !== 'string') return opened
  try {
    if (existsSync(file)) setAside(file)
    const again = tryOpen(file)
    if (typeof again === 'string') throw new Error(again)
    warn(`${file} ${opened}; it is kept as ${file}.broken, and placements are measured anew`)
    return again
  } catch (thrown) {
    if (thrown instanceof TandemError) throw thrown
    const why = thrown instanceof Error ? thrown.message : String(thrown)
    warn(`${file} ${opened} and cannot be replaced (${why}); what is measured now is forgotten at the end`)
    return prepared(new DatabaseSync(':memory:'))
  }
}

/** @returns the database, or what is wrong with the file */
function tryOpen(file: string): DatabaseSyncInstance | string {
  let database: DatabaseSyncInstance | undefined
  try {
    mkdirSync(dirname(file), { recursive: true })
    database = new DatabaseSync(file)
    database.exec(`PRAGMA busy_timeout = ${BUSY_MS}`)
    refuseNewer(database, file)
    // in this order: another process makes tables and version at once
    if (tablesOf(database) > 0 && versionOf(database) === 0) {
      close(database)
      return 'is a database of something else'
    }
    inTurn(() => database?.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL'))
    prepared(database)
    const fault = faultOf(database)
    if (fault === undefined) return database
    close(database)
    return `is damaged (${fault})`
  } catch (thrown) {
    close(database)
    if (thrown instanceof TandemError || isBusy(thrown)) throw thrown
    return `cannot be read (${thrown instanceof Error ? thrown.message : String(thrown)})`
  }
}

function tablesOf(database: DatabaseSyncInstance): number {
  return Number(database.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.['n'])
}

function faultOf(database: DatabaseSyncInstance): string | undefined {
  const found = String(database.prepare('PRAGMA quick_check(1)').get()?.['quick_check'])
  if (found !== 'ok') return found
  const tables = database
    .prepare("SELECT count(*) AS n FROM sqlite_schema WHERE name IN ('measurements', 'interference')")
    .get()?.['n']
  return tables === 2 ? undefined : 'its tables are gone'
}

function versionOf(database: DatabaseSyncInstance): number {
  return Number(database.prepare('PRAGMA user_version').get()?.['user_version'])
}

/** @throws TandemError CONFIG_INVALID */
function refuseNewer(database: DatabaseSyncInstance, file: string): void {
  const version = versionOf(database)
  if (version <= SCHEMA_VERSION) return
  const what = `a newer Tandem wrote it (format ${version}, this one reads ${SCHEMA_VERSION}); use that one, or remove the file and everything is measured again`
  throw new TandemError('CONFIG_INVALID', { where: file, what })
}

/** Makes the tables; one of several processes does. */
function prepared(database: DatabaseSyncInstance): DatabaseSyncInstance {
  if (versionOf(database) === SCHEMA_VERSION) return database
  database.exec('BEGIN IMMEDIATE')
  if (versionOf(database) !== SCHEMA_VERSION) {
    const drop = ['measurements', 'interference'].map((name) => `DROP TABLE IF EXISTS ${name};`).join(' ')
    database.exec(`${drop} ${TABLES} PRAGMA user_version = ${SCHEMA_VERSION}`)
  }
  database.exec('COMMIT')
  return database
}

/** The change to WAL does not wait by itself while another process makes it. */
function inTurn(work: () => void): void {
  const endMs = performance.now() + BUSY_MS
  for (;;) {
    try {
      work()
      return
    } catch (thrown) {
      if (!isBusy(thrown) || performance.now() > endMs) throw thrown
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)
    }
  }
}

export function isBusy(thrown: unknown): boolean {
  return thrown instanceof Error && /database is locked|busy/i.test(thrown.message)
}

/** One broken file is kept, the last; what it held can be measured again. */
function setAside(file: string): void {
  rmSync(`${file}.broken`, { recursive: true, force: true })
  renameSync(file, `${file}.broken`)
  for (const ending of ['-wal', '-shm']) rmSync(`${file}${ending}`, { force: true })
}

/** Leaves one file, not a log beside it, unless another process uses it. */
export function close(database: DatabaseSyncInstance | undefined): void {
  try {
    database?.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    database?.close()
  } catch {
    // it is damaged or closed already: the first failure is the one to tell
  }
}
