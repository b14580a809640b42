/** Edits (insert, delete, replace, swap of neighbours) that turn `a` into `b`. */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      let best = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + same)
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (swapped) best = Math.min(best, rows[i - 2]![j - 2]! + 1)
      row.push(best)
    }
    rows.push(row)
  }
  return rows[a.length]![b.length]!
}

const MAX_LENGTH = 100 // longer words are no misspellings, and the table grows with their product

/**
 * The known names that a person most likely meant, best first, at most `limit`.
 * Names that contain the word, or that are a few edits away, count; others are left out.
 */
export function nearestNames(word: string, known: readonly string[], limit = 3): string[] {
  const wanted = word.toLowerCase().slice(0, MAX_LENGTH)
  if (wanted === '') return []
  const ranked = known.map((name) => {
    const lower = name.toLowerCase()
    const within = wanted.length >= 3 && (lower.includes(wanted) || wanted.includes(lower))
    const edits = distance(wanted, lower.slice(0, MAX_LENGTH))
    const near = edits <= Math.max(1, Math.floor(Math.max(wanted.length, lower.length) / 3))
    return { name, rank: near ? edits : within ? MAX_LENGTH : Number.POSITIVE_INFINITY }
  })
  return ranked
    .filter((entry) => Number.isFinite(entry.rank))
    .sort((a, b) => a.rank - b.rank)
    .slice(0, limit)
    .map((entry) => entry.name)
}
