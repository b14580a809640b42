/** Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`. */
export function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let cost = Math.min(row[j - 1]! + 1, previous[j]! + 1, previous[j - 1]! + (same ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, beforePrevious[j - 2]! + 1)
      row.push(cost)
    }
    beforePrevious = previous
    previous = row
  }
  return previous[b.length]!
}

/** At most `count` of `known` that a person may have meant, nearest first; none when all are far. */
export function nearestNames(name: string, known: readonly string[], count = 3): string[] {
  const wanted = name.slice(0, 200).toLowerCase() // a client's string: the distance takes time by its length
  return known
    .map((candidate) => {
      const lower = candidate.toLowerCase()
      const partial = wanted.length >= 3 && (lower.includes(wanted) || wanted.includes(lower))
      return { candidate, distance: partial ? 1 : editDistance(wanted, lower), length: lower.length }
    })
    .filter(
      ({ distance, length }) => distance <= Math.max(2, Math.floor(Math.max(length, wanted.length) / 3)),
    )
    .sort((a, b) => a.distance - b.distance || (a.candidate < b.candidate ? -1 : 1))
    .slice(0, count)
    .map(({ candidate }) => candidate)
}
