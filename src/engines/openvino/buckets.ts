/** Rows that run together at one length. */
export interface BucketBatch {
  /** Index into the buckets. */
  readonly bucket: number
  /** Indexes into the request; at most `batch`. */
  readonly rows: readonly number[]
}

/**
 * The lengths to compile, shortest first: those of the configuration that the model reads, and the model's limit.
 * @param maxTokens the model's limit
 */
export function chooseBuckets(wanted: readonly number[], maxTokens: number): number[] {
  const fitting = wanted.filter((length) => length < maxTokens)
  const longest = wanted.some((length) => length >= maxTokens) || fitting.length === 0
  return [...new Set([...fitting, ...(longest ? [maxTokens] : [])])].sort((a, b) => a - b)
}

/**
 * Puts each row into the smallest bucket that fits; short buckets come first, rows keep their order in theirs.
 * @param lengths tokens of each row
 * @throws RangeError when a row is longer than the last bucket
 */
export function planBuckets(
  lengths: readonly number[],
  buckets: readonly number[],
  batch: number,
): BucketBatch[] {
  const members: number[][] = buckets.map(() => [])
  lengths.forEach((length, row) => {
    const bucket = buckets.findIndex((limit) => length <= limit)
    const rows = members[bucket]
    if (!rows)
      throw new RangeError(`a text of ${length} tokens; the longest compiled shape is ${buckets.at(-1)}`)
    rows.push(row)
  })
  return members.flatMap((rows, bucket) => {
    const batches: BucketBatch[] = []
    for (let i = 0; i < rows.length; i += batch) batches.push({ bucket, rows: rows.slice(i, i + batch) })
    return batches
  })
}
