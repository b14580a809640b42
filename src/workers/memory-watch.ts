import { readFile } from 'node:fs/promises'
import { processTree } from './process-tree.ts'

/** Bytes of a page in `statm`; the kernels that Node runs on use this size, or a larger one that only makes the bound looser. */
const PAGE_BYTES = 4096

/** Resident memory of a process in bytes; undefined where the system does not tell, or the process is gone. */
async function residentBytes(pid: number): Promise<number | undefined> {
  try {
    const pages = Number((await readFile(`/proc/${pid}/statm`, 'utf8')).split(' ')[1])
    return Number.isFinite(pages) ? pages * PAGE_BYTES : undefined
  } catch {
    return undefined
  }
}

/**
 * Looks at the memory of a process and of those that it started every `everyMs`.
 * @param onExceeded called once, with the bytes that it has
 * @returns ends it
 */
export function watchMemory(
  pid: number,
  limitBytes: number,
  everyMs: number,
  onExceeded: (bytes: number) => void,
): () => void {
  let ended = false
  const end = () => {
    ended = true
    clearInterval(timer)
  }
  const timer = setInterval(async () => {
    const each = await Promise.all((await processTree(pid)).map(residentBytes))
    const bytes = each.reduce<number>((sum, own) => sum + (own ?? 0), 0)
    if (ended || bytes <= limitBytes) return
    end()
    onExceeded(bytes)
  }, everyMs)
  timer.unref()
  return end
}
