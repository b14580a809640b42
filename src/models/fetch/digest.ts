import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import type { RemoteFile } from './source.ts'

export interface Digests {
  readonly sha256: string
  readonly gitSha1: string
}

/** Hashes a file once for both kinds of names of a content. */
export async function digestsOf(
  path: string,
  sizeBytes: number,
  signal: AbortSignal,
  onPiece: () => void = () => undefined,
): Promise<Digests> {
  const sha256 = createHash('sha256')
  const gitSha1 = createHash('sha1').update(`blob ${sizeBytes}\0`)
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20, signal })) {
    sha256.update(chunk as Buffer)
    if (sizeBytes < LARGE_BYTES) gitSha1.update(chunk as Buffer)
    onPiece()
  }
  return { sha256: sha256.digest('hex'), gitSha1: gitSha1.digest('hex') }
}

/** Git itself holds small files only; hashing gigabytes twice would cost seconds. */
const LARGE_BYTES = 256 * 1024 * 1024

/** What differs from what was announced, in words; undefined when all is right. */
export function digestProblem(file: RemoteFile, found: Digests): string | undefined {
  if (file.sha256 !== undefined)
    return found.sha256 === file.sha256 ? undefined : `SHA-256 ${found.sha256}, announced was ${file.sha256}`
  if (file.gitSha1 !== undefined && file.sizeBytes < LARGE_BYTES && found.gitSha1 !== file.gitSha1)
    return `git hash ${found.gitSha1}, announced was ${file.gitSha1}`
  return undefined
}

/** The name of a content by which a part on disk belongs to it. */
export function contentName({ sha256, gitSha1, sizeBytes }: RemoteFile): string {
  return `${sha256 ?? gitSha1 ?? 'unnamed'}:${sizeBytes}`
}
