import type { ScanBatch } from './indexing/index.ts'
import type { KnownFiles } from './known-files.ts'
import type { IndexStore } from './store/contract.ts'

/**
 * Brings what a scan found into the index, and notes it as known.
 * @returns the paths whose content came in or went
 */
export async function storeBatch(store: IndexStore, known: KnownFiles, batch: ScanBatch): Promise<string[]> {
  const removed = known.atOrBelow(batch.removed)
  if (batch.files.length > 0) await store.putFiles(batch.files)
  if (batch.touched.length > 0) await store.touchFiles(batch.touched)
  if (removed.length > 0) await store.removeFiles(removed)
  known.put(batch.files)
  known.put(batch.touched)
  known.remove(removed)
  return [...batch.files.map((file) => file.path), ...removed]
}
