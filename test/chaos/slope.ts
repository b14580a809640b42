/** The trend of a noisy series, deaf to outliers. Pure. */

/**
 * Theil and Sen: the median of the slopes of all pairs.
 * @param points `x` rising
 * @returns units of y per unit of x; 0 of fewer than two points
 */
export function theilSen(points: readonly { readonly x: number; readonly y: number }[]): number {
  const slopes: number[] = []
  for (const [at, a] of points.entries())
    for (const b of points.slice(at + 1)) if (b.x > a.x) slopes.push((b.y - a.y) / (b.x - a.x))
  return median(slopes) ?? 0
}

export function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle] : average(sorted[middle - 1], sorted[middle])
}

function average(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : (a + b) / 2
}
