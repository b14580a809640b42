/** What a run showed: a table for people, a document for programs. */
import { availableParallelism, cpus, totalmem } from 'node:os'

export interface Row {
  readonly what: string
  readonly value: number
  readonly unit: string
  /** The value must be at most it, or at least it with `better: 'more'`. */
  readonly target?: number
  readonly better?: 'more' | 'less'
  readonly note?: string
}

export interface Report {
  readonly name: string
  readonly rows: readonly Row[]
  /** What was wrong, the first of them in words. */
  readonly failures: readonly string[]
  /** All there is to look up: counts, faults, series. */
  readonly details: Readonly<Record<string, unknown>>
}

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

export function missed({ value, target, better = 'less' }: Row): boolean {
  if (target === undefined) return false
  return !(better === 'less' ? value <= target : value >= target)
}

export function passed({ rows, failures }: Report): boolean {
  return failures.length === 0 && !rows.some(missed)
}

export function table({ name, rows, failures }: Report): string {
  const cells = rows.map((row) => [
    row.what,
    `${Math.abs(row.value) >= 100 || Number.isInteger(row.value) ? row.value.toFixed(0) : row.value.toPrecision(3)} ${row.unit}`.trim(),
    row.target === undefined ? '' : `${row.better === 'more' ? '>=' : '<='} ${row.target}`,
    row.target === undefined ? '' : missed(row) ? 'MISSED' : 'met',
    row.note ?? '',
  ])
  const lines = [['', 'measured', 'target', '', ''], ...cells]
  const widths = [0, 1, 2, 3].map((column) => Math.max(...lines.map((line) => line[column]!.length)))
  const printed = lines.map((line) =>
    line
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  const { cpu, cores, node } = machine()
  return [
    `${name} (${cpu}, ${cores} cores, Node ${node})`,
    ...printed,
    ...failures.map((each) => `FAILED ${each}`),
  ].join('\n')
}
