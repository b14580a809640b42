import { isAbsolute, relative, resolve, sep } from 'node:path'
import { languageOf } from './languages.ts'
import { readFileRecord } from './read-file.ts'
import { judgePath, type WalkOptions } from './walk.ts'

export interface PathVerdict {
  /** Relative to the root, forward slashes; as given when outside of it. */
  readonly path: string
  readonly indexed: boolean
  /** A part of a sentence: `ignored by .gitignore line 3 (dist/)`, `indexed as typescript`. */
  readonly reason: string
}

/**
 * Says whether and why a path is indexed, from the same rules as the walk and from its content.
 * @param path absolute or relative to the root
 * @throws TandemError PATH_NOT_FOUND when the root cannot be read
 */
export function explainPath(root: string, path: string, options: WalkOptions): PathVerdict {
  if (path.includes('\0')) return { path, indexed: false, reason: 'is no path: it has a NUL byte' }
  const below = relative(root, resolve(root, path))
  if (below === '') return { path: '.', indexed: false, reason: 'is the project folder itself' }
  if (below === '..' || below.startsWith(`..${sep}`) || isAbsolute(below))
    return { path, indexed: false, reason: `is outside of the project ${root}` }
  const slashed = sep === '/' ? below : below.replaceAll(sep, '/')
  const judged = judgePath(root, slashed, options)
  if (judged.kind === 'skipped') return { path: slashed, indexed: false, reason: judged.reason }
  const read = readFileRecord(root, judged)
  if ('reason' in read) return { path: slashed, indexed: false, reason: read.reason }
  const note = 'file' in read && read.note ? `; ${read.note}` : ''
  return { path: slashed, indexed: true, reason: `indexed as ${languageOf(slashed)}${note}` }
}
