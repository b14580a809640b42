// What every benchmark shares: the machine's description, a table on stdout, the last result in bench/results/.
import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const results = join(dirname(dirname(fileURLToPath(import.meta.url))), 'results')

export function machine() {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    date: new Date().toISOString().slice(0, 10),
  }
}

/**
 * @typedef {{ what: string, value: number, unit: string, target?: number, better?: 'more' | 'less', note?: string }} Row
 * `target` is the bound that the value must reach: at least it, or at most it with `better: 'less'`.
 */

/** @param {Row} row */
function verdict(row) {
  if (row.target === undefined) return ''
  return (row.better === 'less' ? row.value <= row.target : row.value >= row.target) ? 'met' : 'MISSED'
}

/** @param {string} name @param {Row[]} rows */
export function report(name, rows) {
  const cells = rows.map((row) => [
    row.what,
    `${row.value >= 100 ? row.value.toFixed(0) : row.value.toPrecision(3)} ${row.unit}`.trim(),
    row.target === undefined ? '' : `${row.better === 'less' ? '<=' : '>='} ${row.target}`,
    verdict(row),
    row.note ?? '',
  ])
  const table = [['', 'measured', 'target', '', ''], ...cells]
  const widths = [0, 1, 2, 3].map((column) => Math.max(...table.map((line) => line[column]?.length ?? 0)))
  console.log(`\n${name} (${machine().cpu}, ${machine().cores} cores, Node ${process.version})`)
  for (const line of table)
    console.log(
      line
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
  mkdirSync(results, { recursive: true })
  const file = join(results, `${name}.json`)
  writeFileSync(file, `${JSON.stringify({ machine: machine(), rows }, null, 2)}\n`)
}

/** Median of a list of numbers. @param {number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

/** The value below which a share of the numbers lies, 0..1. @param {number[]} values @param {number} share */
export function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
