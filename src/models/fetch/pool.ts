/**
 * Works through items, a bounded number at once; the first failure stops the others.
 * @param work gets a signal that aborts with the caller's, and when another item failed
 * @throws the first failure, once nothing runs any more
 */
export async function inParallel<T>(
  items: readonly T[],
  limit: number,
  signal: AbortSignal,
  work: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const stop = new AbortController()
  const both = AbortSignal.any([signal, stop.signal])
  const failures: unknown[] = []
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < items.length && failures.length === 0) {
      const item = items[next++]!
      try {
        await work(item, both)
      } catch (thrown) {
        failures.push(thrown)
        stop.abort(thrown)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane))
  signal.throwIfAborted()
  if (failures.length > 0) throw failures[0]
}
