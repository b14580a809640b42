import { statfs } from 'node:fs/promises'
import { TandemError } from '../../domain/index.ts'

const MARGIN_BYTES = 64 * 1024 * 1024

/** @throws TandemError DISK_FULL when the bytes and a margin do not fit */
export async function checkSpace(root: string, missingBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(root)
  const free = bavail * bsize
  if (missingBytes === 0 || free >= missingBytes + MARGIN_BYTES) return
  const mb = (bytes: number): string => `${Math.ceil(bytes / 1e6)} MB`
  throw new TandemError('DISK_FULL', {
    folder: root,
    needed: mb(missingBytes + MARGIN_BYTES),
    free: mb(free),
  })
}
