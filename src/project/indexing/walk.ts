/** Lists the files of a tree that may be indexed, by names and rules alone; contents are read elsewhere. */
import { type Dirent, lstatSync, readdirSync, type Stats } from 'node:fs'
import { join, sep } from 'node:path'
import { TandemError } from '../../domain/index.ts'
import { IgnoreChain } from './ignore-files.ts'
import { fileNameReason, folderMarkerReason, folderNameReason, secretNameReason } from './name-rules.ts'

export interface WalkOptions {
  readonly maxFileBytes: number
  /** Absolute folders that are never entered, such as Tandem's own. */
  readonly excluded: readonly string[]
}

export type WalkEntry =
  | { readonly kind: 'file'; readonly path: string; readonly sizeBytes: number; readonly mtimeMs: number }
  | { readonly kind: 'skipped'; readonly path: string; readonly reason: string }

/** More than this is a mistake (a home folder, a disk), which is said rather than indexed in part. */
const MAX_FILES = 250_000

/** A folder that the walk is in: its path relative to the root ('' for the root), its rules and names. */
interface Folder {
  readonly path: string
  readonly chain: IgnoreChain
  readonly entries: readonly Dirent[]
}

/**
 * Every file below `root`, depth first, each once; links are not followed.
 * @param root absolute, without links
 * @throws TandemError PATH_NOT_FOUND when the root cannot be read, INVALID_REQUEST above MAX_FILES
 */
export function walk(root: string, options: WalkOptions): Generator<WalkEntry> {
  return walkFolder(root, openRoot(root), options)
}

/** What the walk would give for one path: the file itself, or everything below the folder. Same errors. */
export function* walkPath(root: string, path: string, options: WalkOptions): Generator<WalkEntry> {
  const judged = judge(root, path, options)
  if ('chain' in judged) yield* walkFolder(root, judged, options)
  else yield judged
}

/**
 * What the walk would say about one path, judged from the root down.
 * @param path relative to the root, forward slashes, no `..`
 */
export function judgePath(root: string, path: string, options: WalkOptions): WalkEntry {
  const judged = judge(root, path, options)
  return 'chain' in judged ? skipped(path, 'is a folder') : judged
}

function* walkFolder(root: string, from: Folder, options: WalkOptions): Generator<WalkEntry> {
  const stack: Folder[] = [from]
  let files = 0
  for (let folder = stack.pop(); folder; folder = stack.pop()) {
    for (const entry of folder.entries) {
      const path = folder.path ? `${folder.path}/${entry.name}` : entry.name
      const judged = entry.isDirectory()
        ? enter(root, folder, path, entry.name, options)
        : judgeFile(root, folder, path, entry.name, options)
      if ('chain' in judged) stack.push(judged)
      else yield judged
      if ('kind' in judged && judged.kind === 'file' && ++files > MAX_FILES)
        throw new TandemError('INVALID_REQUEST', {
          what: `${root} has more than ${MAX_FILES} files; index a smaller folder or list what to leave out in .tandemignore`,
        })
    }
  }
}

function judge(root: string, path: string, options: WalkOptions): Folder | WalkEntry {
  let folder = openRoot(root)
  const names = path.split('/')
  for (const [at, name] of names.entries()) {
    const here = names.slice(0, at + 1).join('/')
    const stat = lstatSync(join(root, here), { throwIfNoEntry: false })
    if (!stat) return skipped(path, 'there is no such file')
    if (!stat.isDirectory() && at < names.length - 1)
      return skipped(
        path,
        stat.isSymbolicLink() ? `${here} is a symbolic link: not followed` : `${here} is no folder`,
      )
    const judged = stat.isDirectory()
      ? enter(root, folder, here, name, options)
      : judgeFile(root, folder, here, name, options)
    if (!('chain' in judged)) return { ...judged, path }
    folder = judged
  }
  return folder
}

function openRoot(root: string): Folder {
  try {
    return { path: '', chain: IgnoreChain.atRoot(root), entries: read(root) }
  } catch (error) {
    throw new TandemError('PATH_NOT_FOUND', { path: root, why: whyUnreadable(error) }, { cause: error })
  }
}

function enter(
  root: string,
  parent: Folder,
  path: string,
  name: string,
  options: WalkOptions,
): Folder | WalkEntry {
  const absolute = join(root, path)
  if (options.excluded.some((folder) => absolute === folder || absolute.startsWith(folder + sep)))
    return skipped(path, "is Tandem's own data")
  const verdict = parent.chain.verdict(`${path}/`)
  if (verdict.reason) return skipped(path, verdict.reason)
  const named = name === '.git' || !verdict.wanted ? folderNameReason(name) : undefined
  if (named) return skipped(path, named)
  try {
    const entries = read(absolute)
    const names = new Set(entries.map((entry) => entry.name))
    const marked = verdict.wanted ? undefined : folderMarkerReason(name, names)
    return marked ? skipped(path, marked) : { path, chain: parent.chain.within(root, path, names), entries }
  } catch (error) {
    return skipped(path, `cannot be read: ${whyUnreadable(error)}`)
  }
}

function judgeFile(
  root: string,
  folder: Folder,
  path: string,
  name: string,
  options: WalkOptions,
): WalkEntry {
  const secret = secretNameReason(name)
  if (secret) return skipped(path, secret)
  const verdict = folder.chain.verdict(path)
  if (verdict.reason) return skipped(path, verdict.reason)
  const named = verdict.wanted ? undefined : fileNameReason(name)
  if (named) return skipped(path, named)
  let stat: Stats
  try {
    stat = lstatSync(join(root, path))
  } catch (error) {
    return skipped(path, `cannot be read: ${whyUnreadable(error)}`)
  }
  if (stat.isSymbolicLink())
    return skipped(
      path,
      'is a symbolic link: not followed; a target inside the project is indexed where it lies',
    )
  if (!stat.isFile()) return skipped(path, 'is not a regular file')
  if (stat.size > options.maxFileBytes)
    return skipped(
      path,
      `has ${stat.size} bytes, at most ${options.maxFileBytes} (config index.maxFileBytes)`,
    )
  return { kind: 'file', path, sizeBytes: stat.size, mtimeMs: stat.mtimeMs }
}

/** In the order of names, so that two runs index alike. */
function read(folder: string): Dirent[] {
  return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))
}

function skipped(path: string, reason: string): WalkEntry {
  return { kind: 'skipped', path, reason }
}

/** `permission denied` rather than a stack: the system's word for what went wrong. */
export function whyUnreadable(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const known: Record<string, string> = {
    ENOENT: 'it does not exist',
    EACCES: 'permission denied',
    EPERM: 'permission denied',
    ENOTDIR: 'it is not a folder',
    ELOOP: 'too many symbolic links',
  }
  return known[code] ?? (error instanceof Error ? error.message : String(error))
}
