import { realpathSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { resolve, sep } from 'node:path'
import { TandemError } from '../domain/index.ts'

/**
 * The folder that a path names, absolute and without links.
 * @throws TandemError PATH_NOT_FOUND
 */
export async function realFolder(path: string): Promise<string> {
  const absolute = resolve(path)
  try {
    const found = await stat(absolute)
    if (found.isDirectory()) return realOf(absolute)
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    throw new TandemError(
      'PATH_NOT_FOUND',
      { path: absolute, why: missing ? 'there is no such folder' : 'it cannot be read' },
      { param: 'path', cause: error },
    )
  }
  throw new TandemError('PATH_NOT_FOUND', { path: absolute, why: 'it is a file' }, { param: 'path' })
}

/** Without links; as it is where it does not exist. */
export function realOf(path: string): string {
  const absolute = resolve(path)
  try {
    return realpathSync(absolute)
  } catch {
    return absolute
  }
}

/** Whether `path` is `folder` or below it; both absolute. */
export function isWithin(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep)
}
