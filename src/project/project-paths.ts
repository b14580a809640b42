import { realpathSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { parse, resolve, sep } from 'node:path'
import { TandemError } from '../domain/index.ts'

/**
 * The folder that a path names, absolute and without links.
 * @throws TandemError PATH_NOT_FOUND, INVALID_REQUEST for a whole disk or home folder: a slip of the keys would index all
 */
export async function realFolder(path: string): Promise<string> {
  const absolute = resolve(path)
  try {
    const found = await stat(absolute)
    if (found.isDirectory()) return narrowEnough(realOf(absolute))
  } catch (error) {
    if (error instanceof TandemError) throw error
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    throw new TandemError(
      'PATH_NOT_FOUND',
      { path: absolute, why: missing ? 'there is no such folder' : 'it cannot be read' },
      { param: 'path', cause: error },
    )
  }
  throw new TandemError('PATH_NOT_FOUND', { path: absolute, why: 'it is a file' }, { param: 'path' })
}

function narrowEnough(folder: string): string {
  const whole =
    folder === parse(folder).root ? 'a whole disk' : folder === realOf(homedir()) ? 'a home folder' : ''
  if (whole === '') return folder
  const what = `${folder} is ${whole}; index the folders of your projects, one by one`
  throw new TandemError('INVALID_REQUEST', { what }, { param: 'path' })
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
