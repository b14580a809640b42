/** Edits (insert, delete, replace) from one text to the other. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++)
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1))
    row = next
  }
  return row[b.length]!
}

/** @returns up to three of the names that a person may have meant, the likeliest first */
export function nearestNames(asked: string, names: readonly string[]): string[] {
  const wanted = asked.toLowerCase().slice(0, 100)
  if (wanted === '') return []
  return names
    .map((name) => {
      const known = name.toLowerCase()
      const holds = known.includes(wanted) || wanted.includes(known)
      return { name, edits: holds ? 0 : distance(wanted, known), length: known.length }
    })
    .filter(({ edits, length }) => edits <= Math.max(2, Math.floor(length / 2)))
    .sort((a, b) => a.edits - b.edits)
    .slice(0, 3)
    .map(({ name }) => name)
}
