import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FileRecord, FileStamp } from '../records.ts'
import { chunkText } from './chunk.ts'
import { readContent } from './content-rules.ts'
import { languageOf, roleOf } from './languages.ts'
import { whyUnreadable } from './walk.ts'

/** A file as the walk saw it: its time and size are from before it was read, so a later save is always noticed. */
export interface SeenFile {
  readonly path: string
  readonly sizeBytes: number
  readonly mtimeMs: number
}

export type ReadFile =
  | { readonly file: FileRecord; readonly note?: string }
  | { readonly touched: FileStamp }
  | { readonly reason: string }

/**
 * Reads, hashes and chunks one file.
 * @param knownHash of the indexed content; the same content is only touched
 */
export function readFileRecord(root: string, seen: SeenFile, knownHash?: string): ReadFile {
  let bytes: Buffer
  try {
    bytes = readFileSync(join(root, seen.path))
  } catch (error) {
    return { reason: `cannot be read: ${whyUnreadable(error)}` }
  }
  const hash = createHash('sha256').update(bytes).digest('hex')
  const stamp: FileStamp = { path: seen.path, sizeBytes: seen.sizeBytes, mtimeMs: seen.mtimeMs, hash }
  if (hash === knownHash) return { touched: stamp }
  const content = readContent(seen.path.slice(seen.path.lastIndexOf('/') + 1), bytes)
  if ('reason' in content) return content
  const language = languageOf(seen.path)
  const file = {
    ...stamp,
    language,
    role: roleOf(seen.path, language),
    chunks: chunkText(content.text, language),
  }
  return content.note ? { file, note: content.note } : { file }
}
