import { readdir, stat } from 'node:fs/promises'
import { delimiter, isAbsolute, join } from 'node:path'

/** An archive has its programs in `build/bin` at most. */
const MAX_DEPTH = 4
const MAX_FOLDERS = 200

/** The one that lies least deep. */
export async function programIn(folder: string, program: string): Promise<string | undefined> {
  let level = [folder]
  for (let depth = 0, looked = 0; depth <= MAX_DEPTH && looked < MAX_FOLDERS; depth++) {
    const below: string[] = []
    for (const each of level.slice(0, MAX_FOLDERS - looked)) {
      looked += 1
      const found = join(each, program)
      if (await isFile(found)) return found
      const entries = await readdir(each, { withFileTypes: true }).catch(() => [])
      below.push(...entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(each, name)))
    }
    level = below.sort()
  }
  return undefined
}

/** In the order of the PATH. */
export async function programsInPath(program: string, env: NodeJS.ProcessEnv): Promise<string[]> {
  const found: string[] = []
  for (const folder of (env['PATH'] ?? env['Path'] ?? '').split(delimiter)) {
    if (!isAbsolute(folder)) continue // a program of the current folder is nobody's choice
    const path = join(folder, program)
    if (await isFile(path)) found.push(path)
  }
  return found
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false
}
