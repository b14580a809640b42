/** The SQL of the measurements. */
import type { DatabaseSyncInstance } from '@photostructure/sqlite'
import { KEY_NAMES, type MeasurementKey } from './key.ts'

export interface Row {
  /** JSON; see `readFigures`. */
  readonly figures: string
  readonly measuredAtMs: number
  readonly stale: boolean
  readonly drifted: boolean
}

const COLUMNS: Readonly<Record<keyof MeasurementKey, string>> = {
  fingerprint: 'fingerprint',
  task: 'task',
  engine: 'engine',
  engineVersion: 'engine_version',
  device: 'device',
  driver: 'driver',
  powerProfile: 'power_profile',
  settings: 'settings',
}
const COLUMN_LIST = KEY_NAMES.map((name) => COLUMNS[name]).join(', ')
const WHERE = KEY_NAMES.map((name) => `${COLUMNS[name]} = ?`).join(' AND ')

const valuesOf = (key: MeasurementKey): string[] => KEY_NAMES.map((name) => key[name])

export function findRow(database: DatabaseSyncInstance, key: MeasurementKey): Row | undefined {
  const row = database.prepare(`SELECT * FROM measurements WHERE ${WHERE}`).get(...valuesOf(key))
  return (
    row && {
      figures: String(row['figures']),
      measuredAtMs: Number(row['measured_at_ms']),
      stale: row['stale'] === 1,
      drifted: row['drifted'] === 1,
    }
  )
}

/** A row that replaces a stale one remembers that. */
export function putRow(
  database: DatabaseSyncInstance,
  key: MeasurementKey,
  figures: string,
  nowMs: number,
): void {
  database
    .prepare(
      `INSERT INTO measurements (${COLUMN_LIST}, figures, measured_at_ms)
         VALUES (${KEY_NAMES.map(() => '?').join(', ')}, ?, ?)
       ON CONFLICT DO UPDATE SET figures = excluded.figures, measured_at_ms = excluded.measured_at_ms,
         drifted = max(drifted, stale), stale = 0`,
    )
    .run(...valuesOf(key), figures, nowMs)
}

export function markStale(database: DatabaseSyncInstance, key: MeasurementKey): void {
  database.prepare(`UPDATE measurements SET stale = 1 WHERE ${WHERE}`).run(...valuesOf(key))
}

/** Keys of the model's measurements on the same engine, the newest first. */
export function relatedKeys(
  database: DatabaseSyncInstance,
  { fingerprint, task, engine }: MeasurementKey,
): MeasurementKey[] {
  return database
    .prepare(
      `SELECT ${COLUMN_LIST} FROM measurements WHERE fingerprint = ? AND task = ? AND engine = ?
       ORDER BY measured_at_ms DESC`,
    )
    .all(fingerprint, task, engine)
    .map(toKey)
}

/** Drops the oldest rows past `maxRows`. */
export function prune(
  database: DatabaseSyncInstance,
  table: 'measurements' | 'interference',
  maxRows: number,
): void {
  const count = Number(database.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.['n'])
  if (count <= maxRows) return
  const oldest = `SELECT measured_at_ms FROM ${table} ORDER BY measured_at_ms LIMIT 1 OFFSET ?`
  database.prepare(`DELETE FROM ${table} WHERE measured_at_ms <= (${oldest})`).run(count - maxRows - 1)
}

function toKey(row: Record<string, unknown>): MeasurementKey {
  const entries = KEY_NAMES.map((name) => [name, String(row[COLUMNS[name]])])
  return Object.fromEntries(entries) as Record<keyof MeasurementKey, string>
}
